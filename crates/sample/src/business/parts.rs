//! What an enterprise consists of: names, lines of business, people, branches.

use lgsp_identifiers::{EnterpriseCode, PartialDate};
use lgsp_proto::business::v1::{EnterpriseStatus, LegalForm};
use lgsp_proto::record::v1::Sex;

use super::Founder;
use super::draft::{Draft, branch_day};
use super::trades::COMPANY;
use crate::dice::Dice;
use crate::people::Place;
use crate::record::{
    BusinessLine, Enterprise, FormerAddress, FormerName, Member, PostalAddress, Representative,
};

pub(super) fn english_name(draft: &Draft<'_>) -> String {
    let form = match draft.legal_form {
        LegalForm::JointStock => "Joint Stock Company",
        LegalForm::Cooperative => "Cooperative",
        LegalForm::PrivateEnterprise | LegalForm::BusinessHousehold => "Private Enterprise",
        LegalForm::Partnership => "Partnership",
        LegalForm::LimitedOneMember
        | LegalForm::LimitedTwoOrMoreMembers
        | LegalForm::Branch
        | LegalForm::Unspecified => "Company Limited",
    };
    format!("Mau {} {} {form}", &draft.code.as_str()[4..9], draft.trade.english)
}

pub(super) fn former_name(draft: &Draft<'_>, valid_to: PartialDate) -> FormerName {
    FormerName {
        name: format!("Cơ sở {} Mẫu {}", draft.trade.name, &draft.code.as_str()[4..9]), valid_to
    }
}

pub(super) fn former_address((address, valid_to): (PostalAddress, PartialDate)) -> FormerAddress {
    FormerAddress { address, valid_to }
}

/// The main line first; companies often have more.
pub(super) fn business_lines(dice: &mut Dice, draft: &Draft<'_>) -> Vec<BusinessLine> {
    let mut lines = vec![draft.trade.line(true)];
    let more = if draft.legal_form == LegalForm::BusinessHousehold { 0 } else { dice.below(5) };
    for _ in 0..more {
        let line = dice.pick(&COMPANY).line(false);
        if lines.iter().all(|other| other.code != line.code) {
            lines.push(line);
        }
    }
    lines
}

/// The founder, after somebody else whom the register knows by name only.
pub(super) fn representatives(dice: &mut Dice, draft: &Draft<'_>) -> Vec<Representative> {
    let citizen = draft.founder.citizen;
    let since = draft.taken_over_on.unwrap_or(draft.registered_on);
    let is_of_old = since.year() < 2016;
    let has_number = !is_of_old || draft.is_example || citizen.old_identity.is_none() || !dice.chance(40);
    let founder = Representative {
        personal_number: has_number.then(|| citizen.personal_number.clone()),
        old_identity: citizen.old_identity.clone().filter(|_| is_of_old || draft.is_example),
        full_name: citizen.full_name.clone(),
        position: position(dice, draft.legal_form),
        date_of_birth: Some(citizen.date_of_birth),
        sex: citizen.sex,
        address: Some(draft.founder.address()),
        since,
        until: None,
    };
    let before = draft.taken_over_on.map(|until| Representative {
        personal_number: None,
        old_identity: None,
        full_name: "Người đại diện trước (dữ liệu mẫu)".to_owned(),
        position: "Giám đốc",
        date_of_birth: None,
        sex: Sex::Unknown,
        address: None,
        since: draft.registered_on,
        until: Some(until),
    });
    before.into_iter().chain([founder]).collect()
}

fn position(dice: &mut Dice, legal_form: LegalForm) -> &'static str {
    match legal_form {
        LegalForm::BusinessHousehold => "Chủ hộ kinh doanh",
        LegalForm::PrivateEnterprise => "Chủ doanh nghiệp",
        LegalForm::Cooperative => "Chủ tịch Hội đồng quản trị",
        LegalForm::JointStock => dice.pick(&["Tổng giám đốc", "Chủ tịch Hội đồng quản trị"]),
        LegalForm::LimitedOneMember
        | LegalForm::LimitedTwoOrMoreMembers
        | LegalForm::Partnership
        | LegalForm::Branch
        | LegalForm::Unspecified => "Giám đốc",
    }
}

/// The founder, and those whom the legal form asks for: founders of earlier enterprises, or these themselves.
pub(super) fn members(dice: &mut Dice, draft: &Draft<'_>, capital: i64, earlier: &[Founder]) -> Vec<Member> {
    let citizen = draft.founder.citizen;
    let founder = |percent| Member {
        personal_number: Some(citizen.personal_number.clone()),
        ..member(citizen.full_name.clone(), capital, percent)
    };
    let others: &[f64] = match draft.legal_form {
        LegalForm::LimitedTwoOrMoreMembers | LegalForm::Partnership => &[40.0],
        LegalForm::JointStock | LegalForm::Cooperative => &[30.0, 15.0],
        LegalForm::LimitedOneMember => &[],
        LegalForm::PrivateEnterprise
        | LegalForm::BusinessHousehold
        | LegalForm::Branch
        | LegalForm::Unspecified => return Vec::new(),
    };
    let mut members = vec![founder(100.0 - others.iter().sum::<f64>())];
    let mut candidates: Vec<&Founder> =
        earlier.iter().filter(|other| other.personal_number != citizen.personal_number).collect();
    for percent in others {
        if candidates.is_empty() {
            members.push(member("Thành viên góp vốn (dữ liệu mẫu)".to_owned(), capital, *percent));
            continue;
        }
        let other = candidates.swap_remove(dice.below(candidates.len() as u32) as usize);
        members.push(if draft.legal_form == LegalForm::JointStock && dice.chance(400) {
            let enterprise = Some(other.code.clone());
            Member { enterprise, ..member(other.enterprise.clone(), capital, *percent) }
        } else {
            let personal_number = Some(other.personal_number.clone());
            Member { personal_number, ..member(other.full_name.clone(), capital, *percent) }
        });
    }
    members
}

fn member(name: String, capital: i64, percent: f64) -> Member {
    Member {
        personal_number: None,
        enterprise: None,
        name,
        // Capitals are multiples of 100, and shares whole percents.
        contribution_vnd: capital / 100 * percent as i64,
        contribution_percent: percent,
    }
}

/// The `number`-th branch, somewhere in the city.
pub(super) fn branch(dice: &mut Dice, draft: &Draft<'_>, of: &Enterprise, number: usize) -> Enterprise {
    let place = Place::anywhere(dice);
    let text = format!("{}-{number:03}", of.code.main());
    let registered_on = branch_day(dice, of);
    let mut head = representatives(dice, draft);
    head.retain(|representative| representative.until.is_none());
    for representative in &mut head {
        (representative.position, representative.since) =
            ("Người đứng đầu chi nhánh", representative.since.max(registered_on));
    }
    let is_closed = of.status != EnterpriseStatus::Operating || (!draft.is_example && dice.chance(100));
    Enterprise {
        id: 0,
        code: EnterpriseCode::parse(&text).expect("the code of a branch of a valid code"),
        parent: Some(of.code.clone()),
        name: format!("Chi nhánh {} - {}", place.ward.short_name(), of.name),
        foreign_name: None,
        short_name: None,
        legal_form: LegalForm::Branch,
        status: if is_closed { EnterpriseStatus::Suspended } else { EnterpriseStatus::Operating },
        registered_on,
        changed_on: None,
        change_count: 0,
        dissolved_on: None,
        address: place.postal(),
        email: None,
        website: None,
        charter_capital_vnd: None,
        employee_count: Some(dice.within(1..=30)),
        former_names: Vec::new(),
        former_addresses: Vec::new(),
        business_lines: vec![draft.trade.line(true)],
        representatives: head,
        members: Vec::new(),
        ..of.clone()
    }
}
