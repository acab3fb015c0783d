//! What an office's letter says beside the report itself, as Nghị định 30/2020/NĐ-CP lays one out. What is not known is left open.

use crate::client::Lang;

/// Where something is written in by hand.
pub(super) const OPEN: &str = "……………";

/// The words of a letter in one language.
pub(super) struct Words {
    pub country: &'static str,
    pub motto: &'static str,
    pub number: &'static str,
    pub date: &'static str,
    pub to: &'static str,
    pub archive: &'static str,
    pub maker: &'static str,
    pub head: &'static str,
    pub sign: &'static str,
}

pub(super) fn words(lang: Lang) -> Words {
    match lang {
        Lang::En => Words {
            country: "SOCIALIST REPUBLIC OF VIET NAM",
            motto: "Independence - Freedom - Happiness",
            number: "No.: ……/BC-……",
            date: "day …… month …… year ……",
            to: "To:",
            archive: "- Archive.",
            maker: "PREPARED BY",
            head: "HEAD OF THE AGENCY",
            sign: "(signature, name, seal)",
        },
        Lang::Vi => Words {
            country: "CỘNG HOÀ XÃ HỘI CHỦ NGHĨA VIỆT NAM",
            motto: "Độc lập - Tự do - Hạnh phúc",
            number: "Số: ……/BC-……",
            date: "ngày …… tháng …… năm ……",
            to: "Nơi nhận:",
            archive: "- Lưu: VT.",
            maker: "NGƯỜI LẬP BIỂU",
            head: "THỦ TRƯỞNG CƠ QUAN",
            sign: "(Ký, ghi rõ họ tên, đóng dấu)",
        },
    }
}
