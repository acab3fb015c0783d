//! Who represents an enterprise now: a term may have no end, or one to come.

use lgsp_proto::business::v1::{ListEnterprisesByRepresentativeRequest, VerifyEnterpriseRequest};
use lgsp_proto::record::v1::Match;

use crate::register::{ENTERPRISE, Form, NOT_ANY_MORE, Register};

/// Who left in 2010, by another end of the term.
async fn represents_it_until(until: &str) -> Vec<bool> {
    let native = format!("UPDATE representative SET until = '{until}' WHERE representative_id = 3;");
    let mapped =
        format!("UPDATE nguoi_dai_dien SET den_ngay = '{until}' WHERE so_dinh_danh = '{NOT_ANY_MORE}';");
    let mut represents = Vec::new();
    for (form, more) in [(Form::Native, &native), (Form::Mapped, &mapped)] {
        for mut register in Register::each_of(form, more).await {
            let told = register.enterprise(ENTERPRISE).await.unwrap().representatives;
            let is_told = told.iter().any(|one| one.personal_number == NOT_ANY_MORE);
            let asked = VerifyEnterpriseRequest {
                enterprise_code: ENTERPRISE.to_owned(),
                representative_personal_number: NOT_ANY_MORE.to_owned(),
                ..Default::default()
            };
            let verified = register.verify(asked).await.unwrap().representative_personal_number();
            let personal_number = NOT_ANY_MORE.to_owned();
            let asked = ListEnterprisesByRepresentativeRequest { personal_number, ..Default::default() };
            let listed = register.represented(asked).await.unwrap().enterprises;
            assert_eq!((verified == Match::Yes, listed.len()), (is_told, usize::from(is_told)), "{until}");
            represents.push(is_told);
        }
    }
    represents
}

#[tokio::test]
async fn a_term_that_ends_on_a_day_to_come_or_that_is_not_understood_is_one_of_now() {
    for (until, expected) in [("2999-12-31", true), ("2010-12-31", false), ("không rõ", true), ("", true)] {
        assert!(represents_it_until(until).await.into_iter().all(|is_told| is_told == expected), "{until}");
    }
}
