//! What is asked for: keys of records that are there, drawn evenly from a whole city, and keys that nothing has.

use lgsp_identifiers::{EnterpriseCode, WardCode, units};
use lgsp_proto::record::v1::PartialDate;
use lgsp_sample::Dice;
use uuid::Uuid;

/// Most keys of one kind. More than a case has time for, so that a record is seldom asked for twice.
const MOST: u32 = 10_000;
/// Of so many questions, one asks for what is not there.
const ONE_ABSENT_OF: usize = 10;

/// A request, and whether it asks for something that is there.
#[derive(Clone, Debug)]
pub struct Question<Q> {
    pub request: Q,
    pub is_known: bool,
}

/// Keys of one kind, each of a whole city as likely as any other (a reservoir).
pub struct Sample<T> {
    drawn: Vec<T>,
    offered: u32,
}

impl<T> Default for Sample<T> {
    fn default() -> Self {
        Self { drawn: Vec::new(), offered: 0 }
    }
}

impl<T: Clone> Sample<T> {
    /// Takes a key, or passes it by.
    pub fn offer(&mut self, dice: &mut Dice, key: impl FnOnce() -> T) {
        self.offered += 1;
        if self.offered <= MOST {
            self.drawn.push(key());
            return;
        }
        let place = dice.below(self.offered);
        if place < MOST {
            self.drawn[place as usize] = key();
        }
    }

    /// Requests for these keys, and some for keys that nothing has, in no order.
    ///
    /// # Panics
    /// The city has no such key.
    pub fn questions<Q>(
        &self,
        dice: &mut Dice,
        absent: impl Fn(&mut Dice) -> T,
        request: impl Fn(T) -> Q,
    ) -> Vec<Question<Q>> {
        assert!(!self.drawn.is_empty(), "this city lacks a kind of record: take a larger one");
        let ask = |key, is_known| Question { request: request(key), is_known };
        let mut questions: Vec<_> = self.drawn.iter().map(|key| ask(key.clone(), true)).collect();
        let absences = (questions.len() / (ONE_ABSENT_OF - 1)).max(1);
        questions.extend((0..absences).map(|_| ask(absent(dice), false)));
        shuffle(dice, &mut questions);
        questions
    }
}

fn shuffle<T>(dice: &mut Dice, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        // A sample has far fewer.
        items.swap(last, dice.below(last as u32 + 1) as usize);
    }
}

/// The codes of all wards in use, in no order.
pub fn wards(dice: &mut Dice) -> Vec<WardCode> {
    let mut wards: Vec<WardCode> = units::wards().iter().map(|ward| ward.code).collect();
    shuffle(dice, &mut wards);
    wards
}

/// The codes of the former wards that were divided, in no order: what lies there is looked for in two wards.
pub fn divided_wards(dice: &mut Dice) -> Vec<WardCode> {
    let former = units::former_wards().iter().map(|ward| ward.code);
    let mut divided: Vec<WardCode> = former.filter(|code| units::successors(*code).len() > 1).collect();
    // A code that is in use again is read as the ward that has it now.
    divided.retain(|code| !code.is_current());
    shuffle(dice, &mut divided);
    divided
}

/// A date as requests claim it.
pub fn claimed(date: lgsp_identifiers::PartialDate) -> PartialDate {
    PartialDate {
        year: date.year().into(),
        month: date.month().map_or(0, Into::into),
        day: date.day().map_or(0, Into::into),
    }
}

/// Keys that are well-formed and that nothing has: the generator gives no serial number below 1000 to anybody, and the
/// named persons have those below 500.
pub mod absent {
    use super::*;

    fn serial(dice: &mut Dice) -> u32 {
        dice.within(500..=999)
    }

    pub fn personal_number(dice: &mut Dice) -> String {
        format!("092{}{:02}{:06}", dice.below(2), dice.below(100), serial(dice))
    }

    pub fn old_card(dice: &mut Dice) -> String {
        format!("36{:07}", serial(dice))
    }

    /// A city has at most a million households.
    pub fn household(dice: &mut Dice) -> String {
        format!("{}{}", ward(dice), dice.within(5_000_000..=9_999_999))
    }

    pub fn insurance_card(dice: &mut Dice) -> String {
        format!("GD492{}", social_insurance(dice))
    }

    pub fn social_insurance(dice: &mut Dice) -> String {
        format!("92{:08}", serial(dice))
    }

    pub fn student(dice: &mut Dice) -> String {
        format!("92{:08}", serial(dice))
    }

    pub fn diploma(dice: &mut Dice) -> String {
        format!("B{:08}", serial(dice))
    }

    /// Enterprises have codes from 18990 on, the named ones those before 18989005.
    pub fn enterprise(dice: &mut Dice) -> String {
        let first = 189_890_000 + dice.within(500..=9_000);
        let code = (first..).find_map(EnterpriseCode::from_serial).expect("few serials have no check digit");
        code.as_str().to_owned()
    }

    pub fn parcel_id(dice: &mut Dice) -> String {
        Uuid::from_bytes(dice.bytes()).to_string()
    }

    /// No ward has so many map sheets.
    pub fn parcel_key(dice: &mut Dice) -> String {
        format!("{}/99998/{}", ward(dice), dice.within(1..=99_999))
    }

    fn ward(dice: &mut Dice) -> WardCode {
        let wards = units::wards();
        wards[dice.below(wards.len() as u32) as usize].code
    }
}
