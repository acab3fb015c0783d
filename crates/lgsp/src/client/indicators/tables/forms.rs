//! Tables of forms, as far as the exchange log tells of them: docs/indicators.md, "Forms".

use lgsp_core::indicators::Ratio;

use super::{Cell, Table, text, texts};
use crate::client::Lang;
use crate::client::indicators::gather::Gathered;

pub(super) fn forms(gathered: &Gathered, lang: Lang) -> Table {
    let rows = gathered.forms.iter().map(|it| {
        let share = Ratio { part: it.filled, of: it.opened }.percent().map_or(Cell::Nothing, Cell::Percent);
        let named = vec![Cell::Environment(it.environment.clone()), text(&it.application)];
        [named, vec![Cell::Count(it.filled), Cell::Count(it.opened), share]].concat()
    });
    let header = match lang {
        Lang::En => ["environment", "application", "filled without asking", "opened", "%"],
        Lang::Vi => ["môi trường", "ứng dụng", "điền sẵn đầy đủ", "đã mở", "tỷ lệ"],
    };
    let note = lang.pick(
        "A form is a dossier for which an application has asked a data service; what was opened without asking the hub is not seen.",
        "Một biểu mẫu là một hồ sơ mà ứng dụng đã hỏi dịch vụ dữ liệu; biểu mẫu mở mà không hỏi nền tảng thì không thấy được.",
    );
    Table {
        title: lang.pick("Forms filled without asking", "Biểu mẫu điền sẵn").to_owned(),
        header: texts(header),
        rows: rows.collect(),
        note: note.to_owned(),
        ..Table::default()
    }
}

pub(super) fn filled(gathered: &Gathered, lang: Lang) -> Table {
    let rows = gathered.filled.iter().map(|it| {
        let named = vec![Cell::Environment(it.environment.clone()), text(&it.service)];
        [named, [it.forms, it.exchanges, it.fields].map(Cell::Count).to_vec()].concat()
    });
    let header = match lang {
        Lang::En => ["environment", "source", "forms", "served exchanges", "fields released"],
        Lang::Vi => ["môi trường", "nguồn", "biểu mẫu", "lượt đã phục vụ", "trường đã trả"],
    };
    Table {
        title: lang.pick("Fields of forms by source", "Trường thông tin điền sẵn theo nguồn").to_owned(),
        header: texts(header),
        rows: rows.collect(),
        ..Table::default()
    }
}
