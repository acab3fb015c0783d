//! The enterprises of the named persons.

use lgsp_identifiers::PartialDate;
use lgsp_proto::business::v1::{EnterpriseStatus, LegalForm};

use super::draft::Draft;
use super::trades::{COMPANY, Trade};
use crate::circumstances::Person;
use crate::clock::date;
use crate::persons::{Case, Record};
use crate::record::PostalAddress;

/// The enterprise that a named person represents.
pub(super) fn draft<'a>(person: Person<'a>, named: &Record) -> Draft<'a> {
    let (legal_form, name, trade) = match named.case {
        Case::AllFields => {
            (LegalForm::JointStock, "Công ty Cổ phần Thương mại dịch vụ Mẫu Đầy Đủ", COMPANY[4])
        }
        Case::Masked => (LegalForm::LimitedOneMember, "Công ty TNHH MTV May mặc Mẫu Thử Nghiệm", COMPANY[7]),
        Case::MovedWard => (LegalForm::Cooperative, "Hợp tác xã Nông sản Mẫu Ví Dụ", COMPANY[6]),
        Case::RefusedPurpose => {
            (LegalForm::LimitedTwoOrMoreMembers, "Công ty TNHH Vận tải Mẫu Kiểm Thử", COMPANY[3])
        }
    };
    let draft = whole(person, named, (legal_form, name, trade));
    match named.case {
        Case::AllFields => Draft {
            renamed_on: PartialDate::full(2019, 10, 14),
            moved: Some((former_office("12 đường Trần Phú"), date(2021, 6, 30))),
            taken_over_on: PartialDate::full(2015, 1, 5),
            branches: 2,
            ..draft
        },
        Case::Masked => draft,
        Case::MovedWard => Draft { moved: Some((person.family.place.postal(), date(2020, 3, 31))), ..draft },
        Case::RefusedPurpose => Draft { status: EnterpriseStatus::Suspended, ..draft },
    }
}

fn whole<'a>(
    founder: Person<'a>,
    named: &Record,
    (legal_form, name, trade): (LegalForm, &str, Trade),
) -> Draft<'a> {
    let place = founder.family.place;
    let mut office = place.postal();
    if named.case == Case::MovedWard {
        // The office moved; only its former address is under the old code.
        (office.former_ward, office.text) = (None, None);
    }
    Draft {
        founder,
        code: named.enterprise(),
        name: name.to_owned(),
        legal_form,
        trade,
        registered_on: date(2012, 4, 16),
        status: EnterpriseStatus::Operating,
        taken_over_on: None,
        office,
        renamed_on: None,
        moved: None,
        branches: 0,
        is_example: true,
    }
}

fn former_office(line: &str) -> PostalAddress {
    PostalAddress {
        line: Some(line.to_owned()),
        ward: None,
        former_ward: None,
        text: Some(format!("{line}, Tỉnh An Giang")),
    }
}
