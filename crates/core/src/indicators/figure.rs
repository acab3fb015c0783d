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
    /// The monitor's history of the links in the period.
    Monitor,
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
pub const FIGURES: [Figure; 13] = [
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
        id: "prefill",
        name_vi: "Biểu mẫu điền sẵn / đã mở",
        name_en: "Forms filled without asking / opened",
        unit: Unit::Share,
        source: Source::Ledger,
        means_vi: "Biểu mẫu đã mở: một mã hồ sơ của một ứng dụng mà trong kỳ có ít nhất một lượt hỏi dịch vụ dữ liệu đã kết thúc. Điền sẵn đầy đủ: mỗi phương thức đã hỏi cho hồ sơ đó có ít nhất một lượt đã trả dữ liệu; không tìm thấy, từ chối hay lỗi thì chưa. Không thấy: biểu mẫu mở mà không hỏi nền tảng hoặc không nêu mã hồ sơ, và những gì người dân vẫn phải tự khai. Phần đã xoá thì không đếm được nữa.",
        means_en: "Opened: a dossier code of one application for which at least one exchange with a data service has ended. Filled: each method that was asked for this dossier has answered with data at least once; not found, denied or failed is not filled. Not seen: forms that were opened without asking the hub or naming a dossier, and what was still typed by hand. What was erased cannot be counted any more.",
    },
    Figure {
        id: "fields",
        name_vi: "Trường thông tin điền sẵn theo nguồn",
        name_en: "Fields of forms by source",
        unit: Unit::Count,
        source: Source::Ledger,
        means_vi: "Theo từng dịch vụ dữ liệu: số biểu mẫu có trường được trả, số lượt đã phục vụ, và tổng số trường mà thoả thuận cho phép trả ở mỗi lượt đó. Trường nguồn bỏ trống vẫn tính: nhật ký ghi trường nào được trả, không ghi giá trị.",
        means_en: "Of each data service: forms for which it released something, exchanges in which it did, and the fields that the agreement let through, summed over these exchanges. A field that the source left empty counts: the log tells which fields left, and not what was in them.",
    },
    Figure {
        id: "availability",
        name_vi: "Mức sẵn sàng của kết nối",
        name_en: "Availability of links",
        unit: Unit::Share,
        source: Source::Monitor,
        means_vi: "Thời gian hoạt động trên tổng thời gian hoạt động và dừng; cột thứ hai không tính thời gian dừng có báo trước. Phần lẻ bị cắt, không làm tròn lên. Thời gian không có bộ giám sát, không có tín hiệu, không còn lưu lịch sử hoặc không có lưu lượng được nêu riêng, không bao giờ tính là hoạt động.",
        means_en: "Time up, of the time that was up or down; the second column leaves announced downtime out. Cut off and never rounded up. Time in which no monitor ran, no signal told anything, the history is kept no longer or nothing was asked stands apart, and is never up.",
    },
    Figure {
        id: "days-left",
        name_vi: "Số ngày còn lại của khoá và chứng thư",
        name_en: "Days left of keys and certificates",
        unit: Unit::Count,
        source: Source::Registry,
        means_vi: "Số ngày từ khi kết thúc kỳ đến khi khoá hoặc chứng thư của ứng dụng hết hạn, theo danh mục tại thời điểm đó.",
        means_en: "Days from the end of the period until a key or certificate of an application ends, as the registry had it then.",
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
