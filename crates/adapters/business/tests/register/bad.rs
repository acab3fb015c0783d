//! Bad records: what is missing where an order is made, unknown codes, what is no date.

use lgsp_proto::business::v1::{EnterpriseStatus, LegalForm};
use lgsp_proto::record::v1::Sex;

use crate::register::{ENTERPRISE, Form, Register};

#[tokio::test]
async fn what_has_no_number_or_day_comes_last_on_every_database() {
    let more = "
        INSERT INTO member (member_id, enterprise_id, name) VALUES (9, 1, 'An');
        INSERT INTO former_name (former_name_id, enterprise_id, name) VALUES (9, 1, 'An');
        INSERT INTO former_address (former_address_id, enterprise_id, text) VALUES (9, 1, 'An');";
    for mut register in Register::each_of(Form::Native, more).await {
        let enterprise = register.enterprise(ENTERPRISE).await.unwrap();
        assert_eq!(enterprise.members.len(), 3);
        assert_eq!(enterprise.members[2].name, "An");
        assert_eq!(enterprise.former_names[2].name, "An");
        assert_eq!(enterprise.former_addresses[2].address.as_ref().unwrap().text, "An");
    }
}

#[tokio::test]
async fn unknown_codes_and_false_dates_are_passed_on_as_unknown_and_counted() {
    let odd = "
        UPDATE doanh_nghiep SET loai_hinh = 'X', tinh_trang = '?', ngay_cap = '31/02/2005' WHERE stt = 1;
        UPDATE nguoi_dai_dien SET gioi_tinh = 'nam', den_ngay = 'không rõ' WHERE stt = 1 AND chuc_danh = 'Giám đốc';
        UPDATE nganh_nghe SET nganh_chinh = '1' WHERE ma_nganh = '4631';";
    for mut register in Register::each_of(Form::Mapped, odd).await {
        let enterprise = register.enterprise(ENTERPRISE).await.unwrap();
        assert_eq!(enterprise.legal_form(), LegalForm::Unspecified);
        assert_eq!(enterprise.status(), EnterpriseStatus::Unspecified);
        assert_eq!(enterprise.registered_on, None);
        assert!(enterprise.business_lines.iter().all(|line| !line.main));
        let sexes: Vec<Sex> = enterprise.representatives.iter().map(|one| one.sex()).collect();
        assert_eq!(sexes.iter().filter(|sex| **sex == Sex::Unknown).count(), 2);
        for (relation, column, count) in [
            ("enterprise", "legal_form", 1),
            ("enterprise", "status", 1),
            ("enterprise", "registered_on", 1),
            ("representative", "sex", 2),
            ("representative", "until", 2),
            ("business_line", "main", 1),
        ] {
            assert_eq!(register.not_understood(relation, column), count, "{relation}.{column}");
        }
    }
}
