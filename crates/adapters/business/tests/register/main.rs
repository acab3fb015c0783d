//! The adapter on small registers, called as the bus calls it: through its tonic service. Every test runs on the native
//! schema and on an agency's own tables, on every database at hand.
#![allow(clippy::unwrap_used)]

mod bad;
mod in_force;
mod register;
mod represented;
mod verify;

use lgsp_adapter::Fields;
use lgsp_adapter_business::{Parts, Source};
use lgsp_identifiers::EnterpriseCode;
use lgsp_proto::business::v1::{Enterprise, EnterpriseStatus, LegalForm};
use lgsp_proto::record::v1::PartialDate;
use tokio::time::{Duration, Instant};
use tonic::Code;

use register::{ENTERPRISE, PERSON, Register};

#[tokio::test]
async fn an_enterprise_is_found_with_all_the_register_knows() {
    for mut register in Register::each().await {
        let enterprise = register.enterprise(ENTERPRISE).await.unwrap();
        assert_eq!(enterprise, register.enterprise(" 0100109106 ").await.unwrap());
        assert_eq!(enterprise.legal_form(), LegalForm::LimitedTwoOrMoreMembers);
        assert_eq!(enterprise.status(), EnterpriseStatus::Operating);
        assert_eq!((enterprise.charter_capital_vnd, enterprise.employee_count), (12_000_000_000, 25));
        let office = enterprise.head_office.as_ref().unwrap();
        assert_eq!(office.text, "12 Nguyễn Trãi, Phường Cái Khế, Thành phố Cần Thơ");
        assert_eq!(office.ward.as_ref().unwrap().former_code, "31117");
        assert_eq!((enterprise.change_count, enterprise.parent_enterprise_code.as_str()), (4, ""));
        let lines: Vec<_> =
            enterprise.business_lines.iter().map(|one| (one.code.as_str(), one.main)).collect();
        assert_eq!(lines, [("4631", true), ("4632", false)], "the main one first");
        let provenance = enterprise.provenance.unwrap();
        assert_eq!((provenance.source.as_str(), provenance.synthetic), ("csdl-doanhnghiep-test", true));
    }
}

#[tokio::test]
async fn who_stands_behind_an_enterprise_is_told() {
    for mut register in Register::each().await {
        let enterprise = register.enterprise(ENTERPRISE).await.unwrap();
        let positions: Vec<_> = enterprise
            .representatives
            .iter()
            .map(|one| (one.personal_number.as_str(), one.old_identity_number.as_str()))
            .collect();
        assert_eq!(positions, [(PERSON, "361000001"); 2], "in two positions, and not who has left");
        let members: Vec<_> = enterprise
            .members
            .iter()
            .map(|one| (one.personal_number.as_str(), one.enterprise_code.as_str(), one.contribution_percent))
            .collect();
        assert_eq!(members, [("", "0300588569", 75.0), ("092160000002", "", 25.0)]);

        let of_long_ago = register.enterprise("0300588569").await.unwrap();
        let owner = &of_long_ago.representatives[0];
        assert_eq!((owner.personal_number.as_str(), owner.old_identity_number.as_str()), ("", "361000005"));
        assert_eq!(of_long_ago.dissolved_on, Some(PartialDate { year: 2003, month: 0, day: 0 }));
    }
}

#[tokio::test]
async fn former_names_and_offices_are_told_the_last_one_first() {
    for mut register in Register::each().await {
        let enterprise = register.enterprise(ENTERPRISE).await.unwrap();
        let names: Vec<_> = enterprise.former_names.iter().map(|one| one.name.as_str()).collect();
        assert_eq!(names, ["Công ty TNHH Hoà Bình", "Doanh nghiệp tư nhân Hoà Bình"]);
        let offices: Vec<_> = enterprise
            .former_addresses
            .iter()
            .map(|one| (one.address.as_ref().unwrap().text.as_str(), one.valid_to.unwrap().year))
            .collect();
        assert_eq!(offices[0], ("9 Trần Phú, thành phố Đà Nẵng", 2015));
        assert_eq!(offices[1], ("7 Lê Lợi, Phường Cái Khế, Thành phố Cần Thơ", 2008));
    }
}

#[tokio::test]
async fn a_branch_is_found_by_its_code_and_told_with_its_enterprise() {
    for mut register in Register::each().await {
        let branches = register.enterprise(ENTERPRISE).await.unwrap().branches;
        let codes: Vec<_> = branches.iter().map(|one| (one.enterprise_code.as_str(), one.status())).collect();
        assert_eq!(
            codes,
            [
                ("0100109106-001", EnterpriseStatus::Operating),
                ("0100109106-002", EnterpriseStatus::Dissolved)
            ]
        );
        for code in ["0100109106-001", "0100109106001"] {
            let branch = register.enterprise(code).await.unwrap();
            assert_eq!(branch.enterprise_code, "0100109106-001");
            assert_eq!(branch.parent_enterprise_code, ENTERPRISE);
            assert_eq!((branch.legal_form(), branch.branches.len()), (LegalForm::Branch, 0));
        }
        let individual = register.enterprise(PERSON).await.unwrap();
        assert_eq!(individual.legal_form(), LegalForm::BusinessHousehold);
    }
}

#[tokio::test]
async fn what_hangs_on_an_enterprise_and_may_not_leave_is_not_read() {
    for register in Register::each().await {
        let source = lgsp_adapter_business::Register::open(&register.options).await.unwrap();
        let soon = Instant::now() + Duration::from_secs(20);
        let code = EnterpriseCode::parse(ENTERPRISE).unwrap();
        let all = Parts::of(&Fields::default(), "enterprise");
        let whole = source.enterprise(&code, all, soon).await.unwrap().unwrap();
        let parts = Parts { representatives: false, members: false, ..all };
        let masked = source.enterprise(&code, parts, soon).await.unwrap().unwrap();
        assert!(!whole.representatives.is_empty() && !whole.members.is_empty());
        assert_eq!(masked, Enterprise { representatives: vec![], members: vec![], ..whole });
    }
}

#[tokio::test]
async fn a_code_that_nobody_has_is_not_found_and_a_malformed_one_is_invalid() {
    for mut register in Register::each().await {
        for code in ["0100109106-009", "092199999999"] {
            assert_eq!(register.enterprise(code).await.unwrap_err().code(), Code::NotFound, "{code}");
        }
        for code in ["", "12", "0100109107", "0100109106-000"] {
            assert_eq!(register.enterprise(code).await.unwrap_err().code(), Code::InvalidArgument, "{code}");
        }
    }
}
