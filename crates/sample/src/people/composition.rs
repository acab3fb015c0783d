//! Who lives together, before anyone has a name: sexes, years of birth and ties.

use lgsp_proto::population::v1::{LifeStatus, MaritalStatus, Relation};
use lgsp_proto::record::v1::Sex;

use crate::clock::THIS_YEAR;
use crate::dice::Dice;

/// A member of a household to be. Ties are positions in the household.
#[derive(Clone, Debug)]
pub(super) struct Member {
    pub relation: Relation,
    pub sex: Sex,
    pub birth_year: u16,
    pub marital: MaritalStatus,
    pub life: LifeStatus,
    pub father: Option<usize>,
    pub mother: Option<usize>,
    pub spouse: Option<usize>,
    /// Whose family name this member bears; an earlier position.
    pub named_after: Option<usize>,
}

/// What is known of a head beforehand.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Head {
    pub sex: Sex,
    pub birth_year: u16,
    /// A person who is to have a whole family and no gaps.
    pub is_example: bool,
}

impl Head {
    pub(crate) fn draw(dice: &mut Dice) -> Self {
        let age = dice.weighted(&[(15, 26), (28, 36), (27, 48), (20, 60), (10, 72)]) + dice.below(11);
        let sex = if dice.chance(720) { Sex::Male } else { Sex::Female };
        Self { sex, birth_year: THIS_YEAR - age as u16, is_example: false }
    }
}

impl Member {
    fn new(relation: Relation, sex: Sex, birth_year: u16) -> Self {
        Self {
            relation,
            sex,
            birth_year,
            marital: MaritalStatus::Single,
            life: LifeStatus::Alive,
            father: None,
            mother: None,
            spouse: None,
            named_after: None,
        }
    }

    pub(super) fn age(&self) -> u16 {
        THIS_YEAR - self.birth_year
    }
}

/// Draws a household of at most `limit` members, the head first.
pub(super) fn compose(dice: &mut Dice, head: Head, limit: usize) -> Vec<Member> {
    let mut members = vec![Member::new(Relation::Head, head.sex, head.birth_year)];
    marry_head(dice, &mut members, head.is_example);
    add_children(dice, &mut members, head.is_example);
    add_grandchildren(dice, &mut members);
    add_parents(dice, &mut members);
    add_others(dice, &mut members);
    members.truncate(limit.max(1));
    let count = members.len();
    let kept = |tie: Option<usize>| tie.filter(|position| *position < count);
    for member in &mut members {
        member.father = kept(member.father);
        member.mother = kept(member.mother);
        member.spouse = kept(member.spouse);
    }
    members
}

fn opposite(sex: Sex) -> Sex {
    match sex {
        Sex::Male => Sex::Female,
        Sex::Female | Sex::Unknown => Sex::Male,
    }
}

fn any_sex(dice: &mut Dice) -> Sex {
    if dice.chance(512) { Sex::Male } else { Sex::Female }
}

fn marry_head(dice: &mut Dice, members: &mut Vec<Member>, is_example: bool) {
    let head = &mut members[0];
    let per_mille = match head.age() {
        0..30 => 450,
        30..65 => 840,
        65.. => 640,
    };
    if !is_example && !dice.chance(per_mille) {
        head.marital = match head.age() {
            0..35 => MaritalStatus::Single,
            35..60 => dice.weighted(&[(5, MaritalStatus::Single), (5, MaritalStatus::Divorced)]),
            60.. => dice.weighted(&[(8, MaritalStatus::Widowed), (1, MaritalStatus::Single)]),
        };
        return;
    }
    let years_apart = dice.within(0..=8) as u16;
    let is_older = dice.chance(350) && head.age() > 30;
    let birth_year = if is_older { head.birth_year - years_apart } else { head.birth_year + years_apart };
    let mut spouse = Member::new(Relation::Spouse, opposite(head.sex), birth_year.min(THIS_YEAR - 18));
    head.marital = MaritalStatus::Married;
    head.spouse = Some(1);
    spouse.marital = MaritalStatus::Married;
    spouse.spouse = Some(0);
    // The record of the dead stays with the household.
    if !is_example && spouse.age() > 58 && dice.chance(140) {
        spouse.life = LifeStatus::Dead;
        head.marital = MaritalStatus::Widowed;
    }
    members.push(spouse);
}

fn add_children(dice: &mut Dice, members: &mut Vec<Member>, is_example: bool) {
    let (head, spouse) = (0, members[0].spouse);
    let has_children = is_example || spouse.is_some() || members[0].marital != MaritalStatus::Single;
    if !has_children {
        return;
    }
    let count = if is_example { 2 } else { dice.weighted(&[(14, 0), (34, 1), (40, 2), (9, 3), (3, 4)]) };
    let (father, mother) = match members[head].sex {
        Sex::Male => (Some(head), spouse),
        Sex::Female | Sex::Unknown => (spouse, Some(head)),
    };
    let parent_year =
        members.iter().map(|parent| parent.birth_year).max().unwrap_or(members[head].birth_year);
    let mut birth_year = parent_year + dice.within(21..=30) as u16;
    for _ in 0..count {
        if birth_year > THIS_YEAR {
            return;
        }
        // Grown-up children have mostly left.
        if THIS_YEAR - birth_year < 27 || dice.chance(300) {
            let mut child = Member::new(Relation::Child, any_sex(dice), birth_year);
            (child.father, child.mother, child.named_after) = (father, mother, father.or(Some(head)));
            members.push(child);
        }
        birth_year += dice.within(2..=6) as u16;
    }
}

fn add_grandchildren(dice: &mut Dice, members: &mut Vec<Member>) {
    let is_grown_up = |member: &Member| member.relation == Relation::Child && member.age() >= 28;
    let Some(child) = members.iter().position(is_grown_up).filter(|_| dice.chance(600)) else { return };
    let in_law_at = members.len();
    let (sex, birth_year) = (members[child].sex, members[child].birth_year);
    let mut in_law = Member::new(Relation::OtherRelative, opposite(sex), birth_year + dice.below(3) as u16);
    (in_law.marital, in_law.spouse) = (MaritalStatus::Married, Some(child));
    (members[child].marital, members[child].spouse) = (MaritalStatus::Married, Some(in_law_at));
    members.push(in_law);
    let (father, mother) = if sex == Sex::Male { (child, in_law_at) } else { (in_law_at, child) };
    let mut birth_year = birth_year + dice.within(25..=29) as u16;
    for _ in 0..dice.within(1..=2) {
        if birth_year <= THIS_YEAR {
            let mut grandchild = Member::new(Relation::Grandchild, any_sex(dice), birth_year);
            (grandchild.father, grandchild.mother) = (Some(father), Some(mother));
            grandchild.named_after = Some(father);
            members.push(grandchild);
        }
        birth_year += dice.within(2..=5) as u16;
    }
}

fn add_parents(dice: &mut Dice, members: &mut Vec<Member>) {
    if members[0].age() > 62 || !dice.chance(140) {
        return;
    }
    let mother_year = members[0].birth_year - dice.within(20..=30) as u16;
    let mother_at = members.len();
    let mut mother = Member::new(Relation::Parent, Sex::Female, mother_year);
    mother.marital = MaritalStatus::Widowed;
    members[0].mother = Some(mother_at);
    members.push(mother);
    if !dice.chance(600) {
        return;
    }
    let father_at = members.len();
    let mut father = Member::new(Relation::Parent, Sex::Male, mother_year - dice.below(6) as u16);
    (father.marital, father.spouse, father.named_after) = (MaritalStatus::Married, Some(mother_at), Some(0));
    members[mother_at].spouse = Some(father_at);
    members[0].father = Some(father_at);
    if dice.chance(330) {
        father.life = LifeStatus::Dead;
    } else {
        members[mother_at].marital = MaritalStatus::Married;
    }
    members.push(father);
}

fn add_others(dice: &mut Dice, members: &mut Vec<Member>) {
    if members[0].age() < 45 && dice.chance(70) {
        let birth_year = (members[0].birth_year + dice.within(1..=7) as u16).min(THIS_YEAR - 16);
        let mut sibling = Member::new(Relation::Sibling, any_sex(dice), birth_year);
        (sibling.father, sibling.mother) = (members[0].father, members[0].mother);
        sibling.named_after = Some(0);
        members.push(sibling);
    }
    if dice.chance(40) {
        for _ in 0..dice.within(1..=2) {
            members.push(Member::new(
                Relation::NotRelated,
                any_sex(dice),
                THIS_YEAR - dice.within(18..=27) as u16,
            ));
        }
    }
    // Declared missing by a court: rare, and never the head.
    if members.len() > 1 && dice.chance(3) {
        let last = members.len() - 1;
        members[last].life = LifeStatus::Missing;
    }
}
