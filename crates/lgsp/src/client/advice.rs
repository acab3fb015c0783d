//! What to do about a reason: in English as `docs/errors.md` tells it, and in Vietnamese.

use lgsp_core::Reason;

use super::Lang;

const ERRORS: &str = include_str!("../../../../docs/errors.md");
const MARK: &str = "*What to do.* ";

/// What the caller can do; empty if there is nothing.
pub(crate) fn of(reason: Reason, lang: Lang) -> &'static str {
    match lang {
        Lang::En => english(reason.name()).unwrap_or_default(),
        Lang::Vi => vietnamese(reason),
    }
}

fn english(name: &str) -> Option<&'static str> {
    let heading = format!("\n### {name}\n");
    let section = &ERRORS[ERRORS.find(&heading)? + heading.len()..];
    let section = section.split("\n### ").next()?;
    section.lines().find_map(|line| line.strip_prefix(MARK))
}

fn vietnamese(reason: Reason) -> &'static str {
    match reason {
        Reason::Malformed => {
            "Sinh mã máy khách từ hợp đồng dữ liệu của nền tảng và gửi nguyên vẹn thông điệp."
        }
        Reason::InvalidField => "Sửa các trường đã nêu.",
        Reason::InvalidMetadata => {
            "Chỉ gửi lgsp-purpose, lgsp-officer, lgsp-unit, lgsp-procedure, lgsp-dossier và lgsp-request-id."
        }
        Reason::PurposeMissing => "Nêu mục đích đã ghi trong thoả thuận chia sẻ.",
        Reason::PurposeUnknown => "Dùng mục đích của thoả thuận; đơn vị vận hành có danh mục.",
        Reason::RequestTooLarge | Reason::AnswerTooLarge => {
            "Chia nhỏ yêu cầu hoặc giảm số bản ghi mỗi trang."
        }
        Reason::MethodUnknown => "Xem các dịch vụ bằng reflection hoặc lệnh lgsp services.",
        Reason::ClientStream => "Dùng phương thức đơn hoặc phương thức trả lời theo luồng.",
        Reason::NotGrpc => "Gọi bằng máy khách gRPC.",
        Reason::TokenMissing => {
            "Ký mã xác thực bằng khoá của ứng dụng (lệnh lgsp token cho một ví dụ), hoặc đề nghị gắn chứng thư số với ứng dụng."
        }
        Reason::TokenInvalid => "Kiểm tra khoá và mã khoá với đơn vị vận hành; hoặc đăng nhập lại.",
        Reason::TokenExpired => "Ký mã xác thực mới hoặc đăng nhập lại; kiểm tra đồng hồ.",
        Reason::TokenNotYetValid => "Kiểm tra đồng hồ.",
        Reason::TokenTooLong => "Dùng mã xác thực có thời hạn ngắn hơn, vài phút một mã.",
        Reason::TokenAudience => "Đặt aud là lgsp; hệ thống đăng nhập phải cấp mã cho nền tảng.",
        Reason::PersonUnknown => "Đề nghị quản trị viên ghi nhận tài khoản đăng nhập của bạn.",
        Reason::IssuerKeyUnknown => "Thử lại sau thời gian đã nêu; nếu vẫn lỗi, hãy đăng nhập lại.",
        Reason::IssuerUnavailable => {
            "Thử lại sau thời gian đã nêu; đơn vị vận hành xem oidc trong /status của cổng."
        }
        Reason::CertificateInvalid => {
            "Kiểm tra thời hạn và tổ chức cấp chứng thư số; hỏi đơn vị vận hành nhật ký của cổng ghi gì."
        }
        Reason::CertificateMismatch => {
            "Gửi mã xác thực qua kết nối dùng đúng chứng thư số của nó; không dùng chung kết nối giữa các ứng dụng."
        }
        Reason::ApplicationNotConnected | Reason::RoleMissing => "Liên hệ đơn vị vận hành nền tảng.",
        Reason::ServiceNotInUse | Reason::AgreementSuspended => "Liên hệ cơ quan chủ quản dịch vụ dữ liệu.",
        Reason::AgreementMissing => "Đề nghị thoả thuận chia sẻ với cơ quan chủ quản dịch vụ dữ liệu.",
        Reason::PurposeNotAgreed => "Dùng mục đích đã thoả thuận, hoặc đề nghị sửa đổi thoả thuận.",
        Reason::AgreementExpired => "Đề nghị gia hạn thoả thuận.",
        Reason::AgreementNotYetValid => "Chờ đến ngày thoả thuận có hiệu lực.",
        Reason::BulkLimited => {
            "Chờ đúng thời gian đã nêu rồi gửi lại; dàn đều khối lượng lớn ra ngoài giờ cao điểm."
        }
        Reason::QuotaExceeded => "Chờ đúng thời gian đã nêu; nếu thường xuyên, đề nghị sửa hạn mức.",
        Reason::TooManyInFlight => "Giới hạn số lượt gọi đồng thời của ứng dụng.",
        Reason::Overloaded | Reason::AdapterOverloaded => "Thử lại sau thời gian đã nêu.",
        Reason::Leaving | Reason::ReplyLost => "Thử lại.",
        Reason::RulesMissing => "Thử lại; đơn vị vận hành xem /readyz và dịch vụ registry.",
        Reason::DeadlinePast | Reason::DeadlineExceeded => "Cho lượt gọi thêm thời gian.",
        Reason::Cancelled => "Không cần làm gì.",
        Reason::NoProvider => {
            "Thử lại sau thời gian đã nêu; đơn vị vận hành khởi động bộ chuyển đổi của lĩnh vực."
        }
        Reason::BrokerUnavailable => {
            "Thử lại sau thời gian đã nêu; đơn vị vận hành xem Kafka và /status của cổng."
        }
        Reason::EntryNotDurable => {
            "Thử lại sau thời gian đã nêu; đơn vị vận hành xem Kafka, sổ cái và đĩa của nó."
        }
        Reason::NotFound => "Kiểm tra mã định danh.",
        Reason::AdapterFailed | Reason::Internal => "Báo mã lượt trao đổi cho đơn vị vận hành.",
        Reason::SourceUnavailable => {
            "Thử lại sau thời gian đã nêu; đơn vị vận hành xem kết nối của nguồn dữ liệu."
        }
        Reason::StreamTooLong => "Giảm số bản ghi mỗi trang và đi tiếp bằng mã trang.",
        Reason::FilesDecide => "Liên hệ đơn vị vận hành nền tảng: bộ quy tắc nằm trong tệp cấu hình.",
        Reason::ProductionDecides => "Gọi cùng phương thức này ở nền tảng chính thức (production).",
        Reason::PersonMissing => "Đăng nhập bằng tài khoản cá nhân đã được quản trị viên ghi nhận.",
        Reason::NotYourAgency => "Liên hệ cơ quan có thẩm quyền; CheckPermission nêu tên cơ quan đó.",
        Reason::SamePerson => "Để người khác của cùng cơ quan thực hiện bước này.",
        Reason::WrongStage => {
            "Xem lại trạng thái hiện tại; nội dung đã bị từ chối hoặc thu hồi thì đề nghị lại."
        }
        Reason::Stale => "Xem lại nội dung hiện tại rồi quyết định.",
        Reason::BreakingChange => {
            "Giữ nguyên những gì đã có và chỉ bổ sung; phần không giữ được thì đăng ký thành gói mới (v2)."
        }
        Reason::Held => "Xem các quyết định về từng lượt; đề nghị bỏ giữ, hoặc xoá riêng các lượt còn lại.",
        Reason::NotSealed => "Xem lượt trao đổi không kèm chứng minh; đơn vị vận hành kiểm tra sổ cái.",
        Reason::NotConformant => "Chạy lgsp service check, sửa những gì lệnh này nêu, rồi đưa vào sử dụng.",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_tells_what_to_do_in_both_languages() {
        for reason in Reason::ALL {
            for lang in [Lang::En, Lang::Vi] {
                assert!(!of(*reason, lang).is_empty(), "{} {lang:?}", reason.name());
            }
        }
    }
}
