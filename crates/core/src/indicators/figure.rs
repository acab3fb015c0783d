//! What each figure is. Reports print these definitions beside the figures, and docs/indicators.md explains them.

/// What a figure is counted in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Some of all, and in percent.
    Share,
    /// So many.
    Count,
    /// Milliseconds.
    Milliseconds,
}

/// What it is computed from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The registry as it was when the period ended.
    Registry,
    /// The entries of the exchanges that were admitted in the period.
    Ledger,
    /// The hub does not measure it.
    NotMeasured,
}

/// A figure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Figure {
    /// It stays, whatever becomes of the texts.
    pub id: &'static str,
    /// Name in Vietnamese.
    pub name_vi: &'static str,
    /// Name in English.
    pub name_en: &'static str,
    /// What it is counted in.
    pub unit: Unit,
    /// What it is computed from.
    pub source: Source,
    /// What exactly it is, in Vietnamese.
    pub means_vi: &'static str,
    /// What exactly it is, in English.
    pub means_en: &'static str,
}

/// All figures, in the order of the report.
pub const FIGURES: [Figure; 11] = [
    Figure {
        id: "applications-connected",
        name_vi: "Ứng dụng đã kết nối / phải kết nối",
        name_en: "Applications connected / required",
        unit: Unit::Share,
        source: Source::Registry,
        means_vi: "Số ứng dụng ở trạng thái đã kết nối, trên số ứng dụng đã đăng ký mà không bị từ chối và chưa dừng hẳn; không tính công cụ của chính nền tảng.",
        means_en: "Applications whose state is connected, of those that are registered and neither refused nor retired. The hub's own tool does not count.",
    },
    Figure {
        id: "national-services-in-use",
        name_vi: "Dịch vụ dữ liệu quốc gia sử dụng chính thức / sẵn có",
        name_en: "National data services in official use / available",
        unit: Unit::Share,
        source: Source::Registry,
        means_vi: "Số dịch vụ dữ liệu của nền tảng quốc gia mà thành phố sử dụng chính thức, trên tổng số dịch vụ sẵn có (gồm cả số đang sử dụng).",
        means_en: "Data services of the national platform that the city officially uses, of all that are available to it, those in use included.",
    },
    Figure {
        id: "systems-connected",
        name_vi: "Hệ thống thông tin đã kết nối / danh mục",
        name_en: "Information systems connected / inventory",
        unit: Unit::Share,
        source: Source::Registry,
        means_vi: "Số hệ thống thông tin trong danh mục có ứng dụng kết nối, trên tổng số hệ thống trong danh mục.",
        means_en: "Systems of the inventory that an application connects, of all systems of the inventory.",
    },
    Figure {
        id: "exchanges",
        name_vi: "Lượt trao đổi",
        name_en: "Exchanges",
        unit: Unit::Count,
        source: Source::Ledger,
        means_vi: "Số lượt được tiếp nhận trong kỳ và đã kết thúc, mỗi lượt một lần; chỉ tính lượt có chữ ký của cổng. Lượt bị bỏ dở tính là bỏ dở.",
        means_en: "Exchanges that were admitted in the period and have ended, each once, as a gateway has signed it. What was abandoned counts as abandoned.",
    },
    Figure {
        id: "served",
        name_vi: "Đã phục vụ",
        name_en: "Served",
        unit: Unit::Count,
        source: Source::Ledger,
        means_vi: "Số lượt được phép trả lời bằng dữ liệu.",
        means_en: "Exchanges whose answer was authorised to leave.",
    },
    Figure {
        id: "not-found",
        name_vi: "Không tìm thấy",
        name_en: "Not found",
        unit: Unit::Count,
        source: Source::Ledger,
        means_vi: "Số lượt mà nguồn trả lời rằng không có bản ghi: là một câu trả lời, không phải lỗi.",
        means_en: "Exchanges to which the source answered that it holds no such record: an answer and no failure.",
    },
    Figure {
        id: "not-served",
        name_vi: "Từ chối, không hợp lệ, lỗi, quá hạn, huỷ, bỏ dở",
        name_en: "Denied, invalid, failed, timed out, cancelled, abandoned",
        unit: Unit::Count,
        source: Source::Ledger,
        means_vi: "Mỗi kết quả một cột, đúng như bản ghi trao đổi.",
        means_en: "A column for each outcome, as the entry says.",
    },
    Figure {
        id: "duration",
        name_vi: "Thời gian trả lời p50, p95, p99",
        name_en: "Duration p50, p95, p99",
        unit: Unit::Milliseconds,
        source: Source::Ledger,
        means_vi: "Từ khi tiếp nhận đến khi ghi nhật ký, của các lượt đã phục vụ và không tìm thấy. Đọc từ biểu đồ tần suất gộp của cả kỳ: không thấp hơn giá trị thật và cao hơn không đến một phần tám.",
        means_en: "From admission to the entry, of exchanges that were served or not found. Read from the merged histogram of the whole period: not below the true one, and less than one eighth above it.",
    },
    Figure {
        id: "dossiers",
        name_vi: "Hồ sơ khác nhau",
        name_en: "Distinct dossiers",
        unit: Unit::Count,
        source: Source::Ledger,
        means_vi: "Số mã hồ sơ khác nhau mà các lượt đã nêu, đếm chính xác bằng mã băm có khoá. Số của kỳ không phải tổng của các ngày. Phần đã xoá thì không đếm được nữa: bên cạnh là số lượt có nêu hồ sơ và số lượt còn đọc được.",
        means_en: "Different dossier codes that exchanges named, counted exactly by keyed hashes. That of a period is not the sum of its days. What was erased cannot be counted any more: beside it stand the exchanges that named a dossier and those of them that can still be told.",
    },
    Figure {
        id: "availability",
        name_vi: "Mức sẵn sàng của kết nối",
        name_en: "Availability of links",
        unit: Unit::Share,
        source: Source::NotMeasured,
        means_vi: "Chưa đo: cần lịch sử trạng thái kết nối của bộ giám sát, thời gian dừng có báo trước và không báo trước tách riêng.",
        means_en: "Not measured: it needs the monitor's history of the states of links, with announced and unannounced downtime apart.",
    },
    Figure {
        id: "prefill",
        name_vi: "Biểu mẫu điền sẵn",
        name_en: "Forms filled without asking",
        unit: Unit::Share,
        source: Source::NotMeasured,
        means_vi: "Chưa đo: nền tảng thấy lượt trao đổi, không thấy biểu mẫu được mở và điền.",
        means_en: "Not measured: the hub sees exchanges, and not the forms that are opened and filled.",
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_figure_has_an_id_of_its_own_and_says_what_it_is() {
        for (at, figure) in FIGURES.iter().enumerate() {
            assert!(FIGURES[..at].iter().all(|other| other.id != figure.id), "{}", figure.id);
            for text in [figure.name_vi, figure.name_en, figure.means_vi, figure.means_en] {
                assert!(!text.is_empty(), "{}", figure.id);
            }
        }
    }
}
