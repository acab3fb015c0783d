//! An enterprise to be: who founds it, as what, and when.

use lgsp_identifiers::{EnterpriseCode, PartialDate};
use lgsp_proto::business::v1::{EnterpriseStatus, LegalForm};

use super::trades::{COMPANY, HOUSEHOLD, Trade};
use super::{Founder, parts};
use crate::circumstances::Person;
use crate::clock::{THIS_YEAR, date, day_in, plus_days, stamps, today};
use crate::dice::Dice;
use crate::people::{Place, phone_number};
use crate::record::{Enterprise, PostalAddress};

/// What is decided before the rest is drawn.
pub(super) struct Draft<'a> {
    pub founder: Person<'a>,
    pub code: EnterpriseCode,
    pub name: String,
    pub legal_form: LegalForm,
    pub trade: Trade,
    pub registered_on: PartialDate,
    pub status: EnterpriseStatus,
    /// Somebody else represented it at first, until this day.
    pub taken_over_on: Option<PartialDate>,
    pub office: PostalAddress,
    /// The former names and offices, by the days until which they were in use.
    pub renamed_on: Option<PartialDate>,
    pub moved: Option<(PostalAddress, PartialDate)>,
    pub branches: usize,
    /// Every field is to be filled.
    pub is_example: bool,
}

impl<'a> Draft<'a> {
    /// An enterprise that owns land, since before it had any.
    pub(super) fn landholder(dice: &mut Dice, founder: Person<'a>, code: EnterpriseCode, name: &str) -> Self {
        let year = dice.within(1991..=1995) as u16;
        let earliest = u32::from(founder.birth_year() + 25).max(1996);
        let taken_over = dice.within(earliest.min(2024)..=2025) as u16;
        let mut draft = Self::begin(dice, founder, code, name.to_owned(), LegalForm::LimitedTwoOrMoreMembers);
        draft.trade = Trade::of_name(name);
        draft.registered_on = day_in(dice, year);
        draft.taken_over_on = Some(day_in(dice, taken_over));
        draft.branches = dice.weighted(&[(70, 0), (20, 1), (10, 3)]);
        draft
    }

    /// A company or cooperative.
    pub(super) fn company(dice: &mut Dice, founder: Person<'a>, code: EnterpriseCode) -> Self {
        let (legal_form, title) = dice.weighted(&[
            (50, (LegalForm::LimitedOneMember, "Công ty TNHH MTV")),
            (22, (LegalForm::LimitedTwoOrMoreMembers, "Công ty TNHH")),
            (15, (LegalForm::JointStock, "Công ty Cổ phần")),
            (8, (LegalForm::PrivateEnterprise, "Doanh nghiệp tư nhân")),
            (4, (LegalForm::Cooperative, "Hợp tác xã")),
            (1, (LegalForm::Partnership, "Công ty Hợp danh")),
        ]);
        let trade = dice.pick(&COMPANY);
        // The digits before the check digit tell the made-up apart.
        let name = format!("{title} {} Mẫu {}", trade.name, &code.as_str()[4..9]);
        let mut draft = Self::begin(dice, founder, code, name, legal_form);
        draft.trade = trade;
        draft.branches = dice.weighted(&[(880, 0), (90, 1), (20, 2), (10, 4)]);
        draft.end_some(dice);
        draft.change_some(dice);
        draft
    }

    /// A business household; since 1 July 2025 its code is the personal number of its owner.
    pub(super) fn household(dice: &mut Dice, owner: Person<'a>) -> Self {
        let code = EnterpriseCode::parse(owner.citizen.personal_number.as_str()).expect("12 digits");
        let trade = dice.pick(&HOUSEHOLD);
        let name = format!("Hộ kinh doanh {} Mẫu {:07}", trade.name, owner.citizen.id);
        let mut draft = Self::begin(dice, owner, code, name, LegalForm::BusinessHousehold);
        draft.trade = trade;
        draft.office = owner.family.place.postal();
        draft.end_some(dice);
        draft
    }

    fn begin(
        dice: &mut Dice,
        founder: Person<'a>,
        code: EnterpriseCode,
        name: String,
        legal_form: LegalForm,
    ) -> Self {
        let earliest = u32::from(founder.birth_year() + 20).max(1994).min(u32::from(THIS_YEAR));
        let year = dice.within(earliest.max(2004).min(u32::from(THIS_YEAR))..=u32::from(THIS_YEAR)) as u16;
        let is_at_home = dice.chance(600);
        let elsewhere = Place::anywhere(dice);
        let place = if is_at_home { founder.family.place } else { &elsewhere };
        Self {
            founder,
            code,
            name,
            legal_form,
            trade: COMPANY[0],
            registered_on: day_in(dice, year),
            status: EnterpriseStatus::Operating,
            taken_over_on: None,
            office: place.postal(),
            renamed_on: None,
            moved: None,
            branches: 0,
            is_example: false,
        }
    }

    fn end_some(&mut self, dice: &mut Dice) {
        self.status = dice.weighted(&[
            (820, EnterpriseStatus::Operating),
            (80, EnterpriseStatus::Suspended),
            (20, EnterpriseStatus::Dissolving),
            (70, EnterpriseStatus::Dissolved),
            (10, EnterpriseStatus::Bankrupt),
        ]);
    }

    fn change_some(&mut self, dice: &mut Dice) {
        let renamed_on = self.later(dice);
        self.renamed_on = dice.chance(110).then_some(renamed_on);
        let (former, moved_on) = (Place::anywhere(dice), self.later(dice));
        self.moved = dice.chance(130).then(|| (former.postal(), moved_on));
    }

    /// A day since the registration.
    fn later(&self, dice: &mut Dice) -> PartialDate {
        let year = dice.within(u32::from(self.registered_on.year())..=u32::from(THIS_YEAR)) as u16;
        day_in(dice, year).max(self.registered_on)
    }

    /// Whether the founder may be a member of other enterprises, and this one too.
    pub(super) fn may_be_member(&self) -> bool {
        self.legal_form != LegalForm::BusinessHousehold && self.status == EnterpriseStatus::Operating
    }

    /// The record, with members among the founders of earlier homes.
    pub(super) fn enterprise(&self, dice: &mut Dice, id: i64, earlier: &[Founder]) -> Enterprise {
        let is_household = self.legal_form == LegalForm::BusinessHousehold;
        let changes = [self.taken_over_on, self.renamed_on, self.moved.as_ref().map(|(_, on)| *on)];
        let ended_on = self.later(dice);
        let is_over = matches!(self.status, EnterpriseStatus::Dissolved | EnterpriseStatus::Bankrupt);
        let capital = i64::from(dice.weighted(&[(30, 1), (40, 10), (20, 50), (10, 500)])) * 100_000_000;
        let capital = capital * i64::from(dice.within(1..=9));
        let has_site = self.is_example || (!is_household && dice.chance(300));
        let domain = format!("mau-{}.example", &self.code.as_str()[4..9]);
        let (updated_us, as_of_us) = stamps(dice);
        Enterprise {
            id,
            code: self.code.clone(),
            parent: None,
            name: self.name.clone(),
            foreign_name: has_site.then(|| parts::english_name(self)),
            short_name: has_site.then(|| format!("MAU-{}", &self.code.as_str()[4..9])),
            legal_form: self.legal_form,
            status: self.status,
            registered_on: self.registered_on,
            changed_on: changes.iter().flatten().max().copied(),
            change_count: changes.iter().flatten().count() as u32,
            dissolved_on: is_over.then_some(ended_on),
            address: self.office.clone(),
            phone_number: (self.is_example || dice.chance(800)).then(|| phone_number(8_000_000 + id)),
            email: has_site.then(|| format!("lien-he@{domain}")),
            website: has_site.then(|| format!("https://{domain}")),
            charter_capital_vnd: (!is_household).then_some(capital),
            tax_office: if is_household { "Thuế cơ sở" } else { "Thuế thành phố Cần Thơ" },
            employee_count: (self.is_example || dice.chance(850)).then(|| dice.within(1..=120)),
            registration_office: if is_household {
                "Phòng Kinh tế, Hạ tầng và Đô thị"
            } else {
                "Phòng Đăng ký kinh doanh và Tài chính doanh nghiệp, Sở Tài chính thành phố Cần Thơ"
            },
            former_names: self.renamed_on.map(|on| parts::former_name(self, on)).into_iter().collect(),
            former_addresses: self.moved.clone().map(parts::former_address).into_iter().collect(),
            business_lines: parts::business_lines(dice, self),
            representatives: parts::representatives(dice, self),
            members: parts::members(dice, self, capital, earlier),
            updated_us,
            as_of_us,
        }
    }

    /// Branches of the enterprise; their ids are still to be given.
    pub(super) fn branches(&self, dice: &mut Dice, of: &Enterprise) -> Vec<Enterprise> {
        (1..=self.branches).map(|number| parts::branch(dice, self, of, number)).collect()
    }
}

/// The first day that a branch may be registered on, and the last.
pub(super) fn branch_day(dice: &mut Dice, of: &Enterprise) -> PartialDate {
    let days = dice.below(1500);
    plus_days(of.registered_on, days).min(today()).max(date(1991, 1, 1))
}
