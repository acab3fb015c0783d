//! How errors are told to people: what happened, whether a repeat helps, and what to do.

use super::{Error, Exit, Held};
use crate::client::Lang;
use crate::client::report::{Label, Report};

const START_ONE: &str = "Start one with `lgsp up`, or name another address with --grpc.";
const START_ONE_VI: &str = "Khởi động bằng `lgsp up`, hoặc nêu địa chỉ khác bằng --grpc.";
const LOOK_THERE: &str = "See whether a hub listens there, and not something else (one that speaks TLS wants --ca); `lgsp up` starts one.";
const LOOK_THERE_VI: &str =
    "Xem ở đó có đúng là nền tảng không (nền tảng dùng TLS thì cần --ca); `lgsp up` khởi động một nền tảng.";
const NAME_A_CA: &str = "Name with --ca the certificate of the authority that vouches for the gateway, and the host as it says there.";
const NAME_A_CA_VI: &str =
    "Nêu bằng --ca chứng thư của tổ chức bảo đảm cho cổng, và tên máy đúng như trong chứng thư của cổng.";
const NAME_A_CERT: &str = "Name with --cert and --cert-key a good client certificate that an authority of the gateway vouches for; the gateway's log says what is wrong with it.";
const NAME_A_CERT_VI: &str = "Nêu bằng --cert và --cert-key chứng thư số còn hiệu lực do tổ chức mà cổng công nhận cấp; nhật ký của cổng ghi rõ lỗi.";
const NAME_A_KEY: &str =
    "Name the data directory that `lgsp up` made with --data, or the key with --key and --key-id.";
const NAME_A_KEY_VI: &str =
    "Nêu thư mục dữ liệu do `lgsp up` tạo bằng --data, hoặc khoá bằng --key và --key-id.";

const SEE_THE_ISSUER: &str = "See the issuer's address, and what it calls this tool (--client-id).";
const SEE_THE_ISSUER_VI: &str =
    "Kiểm tra địa chỉ của hệ thống đăng nhập và tên của công cụ này ở đó (--client-id).";
const SIGN_IN_AGAIN: &str = "Begin again, and sign in in the browser while the code is good.";
const SIGN_IN_AGAIN_VI: &str = "Làm lại, và đăng nhập trong trình duyệt khi mã còn hiệu lực.";

impl Held {
    pub(super) fn text(self, lang: Lang) -> &'static str {
        match self {
            Self::Application => lang.pick("application", "ứng dụng"),
            Self::Agreement => lang.pick("agreement", "thoả thuận"),
            Self::Credential => lang.pick("credential of the application", "khoá của ứng dụng:"),
            Self::VersionForThis => lang.pick(
                "version to decide this about of agreement",
                "phiên bản phù hợp để quyết định của thoả thuận",
            ),
            Self::Entry => lang.pick("entry of the exchange with the number", "bản ghi của lượt mang số"),
            Self::AgreementInFile => {
                lang.pick("agreement in the file by the id", "trong tệp thoả thuận mang mã")
            }
        }
    }
}

impl Error {
    pub(crate) fn report(&self, lang: Lang) -> Report {
        if let Self::Refused(failure) = self {
            return failure.report(lang);
        }
        let report = Report::new(lang, self.headline(lang));
        let report = match self.exit() {
            // It is no matter of the hub's.
            Some(Exit::Unavailable) if matches!(self, Self::Issuer { .. }) => report,
            Some(Exit::Unavailable) => report
                .line(Label::Hop, lang.pick("between this command and the gateway", "giữa lệnh này và cổng"))
                .line(Label::Retry, lang.pick("yes, once the hub runs", "được, khi nền tảng đã chạy")),
            Some(Exit::Deadline) => report
                .line(
                    Label::Hop,
                    lang.pick("not known: no word came from the gateway", "không rõ: cổng chưa trả lời"),
                )
                .line(Label::Retry, lang.pick("yes, with more time", "được, với thời hạn dài hơn")),
            Some(
                Exit::Other | Exit::Usage | Exit::Refused | Exit::NotFound | Exit::Invalid | Exit::Differs,
            )
            | None => report,
        };
        let problems: &[String] = if let Self::Unfit { problems, .. } = self { problems } else { &[] };
        let report = problems.iter().fold(report, |report, problem| report.line(Label::Fields, problem));
        report.line(Label::Advice, self.advice(lang))
    }

    fn headline(&self, lang: Lang) -> String {
        match (lang, self) {
            (Lang::Vi, Self::NotListening { address }) => {
                format!("không có nền tảng nào lắng nghe ở {address}")
            }
            (Lang::Vi, Self::Connection { address, .. }) => format!("kết nối tới {address} bị đứt"),
            (Lang::Vi, Self::NoAnswer { waited }) => {
                format!("không có trả lời trong {} ms", waited.as_millis())
            }
            (Lang::Vi, Self::ServiceUnknown { service, .. }) => {
                format!("nền tảng không có dịch vụ {service}")
            }
            (Lang::Vi, Self::MethodUnknown { service, method, .. }) => {
                format!("{service} không có phương thức {method}")
            }
            (Lang::Vi, Self::FieldUnknown { method, path, .. }) => {
                format!("kết quả của {method} không có trường {path}")
            }
            (Lang::Vi, Self::KeyMissing { application, path }) => {
                format!("không có khoá của {application} ở {}", path.display())
            }
            (Lang::Vi, Self::NotEmpty { path }) => {
                format!("{} không rỗng: nêu thư mục khác, hoặc ghi vào đó bằng --force", path.display())
            }
            (Lang::Vi, Self::NotHeld { kind, id, .. }) => format!("không có {} {id}", kind.text(lang)),
            (Lang::Vi, Self::NotInLog { id }) => {
                format!("nhật ký không có lượt {id}: kiểm tra lại mã; lượt vừa kết thúc sẽ có sau giây lát")
            }
            (Lang::Vi, Self::InArchive { id }) => {
                format!(
                    "lượt {id} đã được lưu trữ: người vận hành có thể đưa trở lại bằng `lgsp ledger restore`"
                )
            }
            (Lang::Vi, Self::NoSubjectKey { month }) => {
                format!("không có khoá của tháng {month} để huỷ: nền tảng chưa từng có, hoặc không có ở đây")
            }
            (Lang::Vi, Self::KeyDestroyed { month, leaf, entered }) => {
                format!("khoá của tháng {month} đã bị huỷ, theo bản ghi {leaf} ({entered} +07:00)")
            }
            (Lang::Vi, Self::InputEmpty) => "đầu vào chuẩn trống, mà `-` lấy giá trị từ đó".to_owned(),
            (Lang::Vi, Self::NotPermitted { reason }) => format!("lượt gọi sẽ bị từ chối: {reason}"),
            (Lang::Vi, Self::NotConfirmed) => {
                "chưa thay đổi gì: chưa có xác nhận (--yes để không hỏi)".to_owned()
            }
            (Lang::Vi, Self::NotProven { problem }) => format!("không đúng: {problem}"),
            (Lang::Vi, Self::Incomplete) => "nhật ký chưa có đủ mọi lượt của kỳ này".to_owned(),
            (Lang::Vi, Self::CertificateRefused { address, .. }) => {
                format!("{address} không chấp nhận chứng thư số của ứng dụng, hoặc yêu cầu có chứng thư số")
            }
            (Lang::En | Lang::Vi, other) => other.to_string(),
        }
    }

    fn advice(&self, lang: Lang) -> String {
        let (en, vi, names): (_, _, &[String]) = match self {
            Self::NotListening { .. } => (START_ONE, START_ONE_VI, &[]),
            Self::Connection { .. } => (LOOK_THERE, LOOK_THERE_VI, &[]),
            Self::NotTrusted { .. } => (NAME_A_CA, NAME_A_CA_VI, &[]),
            Self::CertificateRefused { .. } => (NAME_A_CERT, NAME_A_CERT_VI, &[]),
            Self::NoAnswer { .. } => {
                ("Give more time with --deadline.", "Cho thêm thời gian bằng --deadline.", &[])
            }
            Self::KeyMissing { .. } => (NAME_A_KEY, NAME_A_KEY_VI, &[]),
            Self::Issuer { .. } => (SEE_THE_ISSUER, SEE_THE_ISSUER_VI, &[]),
            Self::NotSignedIn { .. } => (SIGN_IN_AGAIN, SIGN_IN_AGAIN_VI, &[]),
            Self::VersionUnknown { known, .. } if !known.is_empty() => ("It has: ", "Hiện có: ", known),
            Self::NotHeld { known, .. } if !known.is_empty() => ("There are: ", "Hiện có: ", known),
            Self::ServiceUnknown { known, .. }
            | Self::MethodUnknown { known, .. }
            | Self::FieldUnknown { known, .. }
                if !known.is_empty() =>
            {
                ("Name one of: ", "Chọn một trong: ", known)
            }
            Self::Json { fields, .. } if fields.is_empty() => ("It has no fields: send {}.", "Gửi {}.", &[]),
            Self::Json { fields, .. } => ("Its fields are: ", "Các trường: ", fields),
            Self::Address { .. }
            | Self::InTheClear { .. }
            | Self::NoAuthority { .. }
            | Self::Ca { .. }
            | Self::Certificate { .. }
            | Self::CertificateUnusable { .. }
            | Self::TokenFile { .. }
            | Self::Key(_)
            | Self::Sign(_)
            | Self::Metadata { .. }
            | Self::Input { .. }
            | Self::InputEmpty
            | Self::NotInLog { .. }
            | Self::InArchive { .. }
            | Self::NoSubjectKey { .. }
            | Self::KeyDestroyed { .. }
            | Self::ServiceUnknown { .. }
            | Self::MethodUnknown { .. }
            | Self::FieldUnknown { .. }
            | Self::Protos { .. }
            | Self::Unfit { .. }
            | Self::VersionUnknown { .. }
            | Self::NotHeld { .. }
            | Self::NotPermitted { .. }
            | Self::NotAsContracted { .. }
            | Self::Contract { .. }
            | Self::Folder { .. }
            | Self::NotEmpty { .. }
            | Self::Rules(_)
            | Self::NotConfirmed
            | Self::NotProven { .. }
            | Self::Incomplete
            | Self::Export { .. }
            | Self::Differs
            | Self::Refused(_)
            | Self::Output(_) => ("", "", &[]),
        };
        format!("{}{}", lang.pick(en, vi), names.join(", "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_hub_is_told_with_its_address_and_the_command_that_starts_one() {
        let error = Error::NotListening { address: "127.0.0.1:50051".to_owned() };
        assert_eq!(
            error.report(Lang::En).render(str::to_owned),
            "error: no hub listens on 127.0.0.1:50051\n\
             \x20 where       between this command and the gateway\n\
             \x20 retry       yes, once the hub runs\n\
             \x20 what to do  Start one with `lgsp up`, or name another address with --grpc.\n"
        );
        assert_eq!(error.exit(), Some(Exit::Unavailable));
        assert!(error.report(Lang::Vi).render(str::to_owned).starts_with("lỗi: không có nền tảng nào"));
    }
}
