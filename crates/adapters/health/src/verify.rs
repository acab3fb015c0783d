//! Which of a holder's cards matters on a date, and what a claim is worth beside it.

use std::cmp::Reverse;

use lgsp_adapter::compare;
use lgsp_identifiers::{HealthInsuranceCard, PartialDate};
use lgsp_proto::health::v1::{InsuranceCard, InsuranceValidity, VerifyInsuranceResponse};

use crate::{Card, Suspension};

/// The claims of a request, parsed. An absent one claims nothing.
#[derive(Debug)]
pub(crate) struct Claims {
    pub(crate) full_name: Option<String>,
    pub(crate) date_of_birth: Option<PartialDate>,
}

pub(crate) fn answer(claims: &Claims, card: Card, on: PartialDate) -> VerifyInsuranceResponse {
    let holder = &card.record;
    VerifyInsuranceResponse {
        validity: validity(&card, on).into(),
        full_name: compare::name(claims.full_name.as_deref(), &holder.full_name).into(),
        date_of_birth: compare::date(claims.date_of_birth, holder.date_of_birth.as_ref()).into(),
        provenance: card.provenance,
        card: Some(card.record),
    }
}

/// Whether a card may be the one that was asked for. A card of 15 characters is asked for as a whole: another card of
/// the same holder is another card. Newer cards bear the social-insurance number alone and are known by it.
pub(crate) fn is_asked_for(asked: &HealthInsuranceCard, card: &InsuranceCard) -> bool {
    let Ok(known) = HealthInsuranceCard::parse(&card.card_number) else { return false };
    if asked.is_number_alone() || known.is_number_alone() {
        return asked.social_insurance_number() == known.social_insurance_number();
    }
    *asked == known
}

/// Whether no two cards name different persons. A card may name none.
pub(crate) fn are_of_one_person(cards: &[Card]) -> bool {
    let mut named = cards.iter().filter_map(|card| compare::known(&card.record.personal_number));
    let first = named.next();
    named.all(|number| Some(number) == first)
}

/// The card that matters on a date: a valid one; else one that would be valid, were it not suspended; else the next
/// to become valid, which tells more than one that is over; else the one that expired last. Of several alike, the one
/// that runs longest.
pub(crate) fn that_matters(cards: Vec<Card>, on: PartialDate) -> Option<Card> {
    cards.into_iter().min_by_key(|card| {
        let validity = validity(card, on);
        let (from, to) = (date(card.record.valid_from.as_ref()), date(card.record.valid_to.as_ref()));
        // A card without a last day outlasts all others.
        let longest_first = (Reverse(to.is_none()), Reverse(to), Reverse(from));
        match validity {
            InsuranceValidity::Valid => (0, None, longest_first),
            InsuranceValidity::Suspended => (1, None, longest_first),
            InsuranceValidity::NotYetValid => (2, from, longest_first),
            InsuranceValidity::Expired => (3, None, longest_first),
            InsuranceValidity::Unspecified => (4, None, longest_first),
        }
    })
}

/// Whether a card is valid on a day. Its first and its last day belong to it; of a day on record that is not known, the
/// whole month or year does. Without a first day on record, nobody can tell.
fn validity(card: &Card, on: PartialDate) -> InsuranceValidity {
    let Some(from) = date(card.record.valid_from.as_ref()) else { return InsuranceValidity::Unspecified };
    let is_over = |to: PartialDate| on > to && !on.agrees_with(to);
    if on < from {
        return InsuranceValidity::NotYetValid;
    }
    if date(card.record.valid_to.as_ref()).is_some_and(is_over) {
        return InsuranceValidity::Expired;
    }
    match card.suspension {
        Some(Suspension::Undated) => InsuranceValidity::Suspended,
        Some(Suspension::From(day)) if on >= day => InsuranceValidity::Suspended,
        Some(Suspension::From(_)) | None => InsuranceValidity::Valid,
    }
}

fn date(date: Option<&lgsp_proto::record::v1::PartialDate>) -> Option<PartialDate> {
    date.and_then(lgsp_adapter::records::claimed_date)
}

#[cfg(test)]
mod tests {
    use lgsp_adapter::records;

    use super::*;

    fn day(text: &str) -> PartialDate {
        PartialDate::parse(text).unwrap()
    }

    /// A card from a day to another, or open when that is empty.
    fn card(from: &str, to: &str) -> Card {
        let record = InsuranceCard {
            card_number: "HS4010123456789".to_owned(),
            valid_from: records::date(Some(from)),
            valid_to: records::date(Some(to)),
            ..InsuranceCard::default()
        };
        Card { record, ..Card::default() }
    }

    #[test]
    fn the_first_and_the_last_day_belong_to_a_card() {
        use InsuranceValidity::{Expired, NotYetValid, Valid};
        let on = |text| validity(&card("2026-01-01", "2026-12-31"), day(text));
        assert_eq!(on("2025-12-31"), NotYetValid);
        assert_eq!((on("2026-01-01"), on("2026-12-31")), (Valid, Valid));
        assert_eq!(on("2027-01-01"), Expired);
        let on = |text| validity(&card("2026-03", "2026"), day(text));
        assert_eq!((on("2026-02-28"), on("2026-03-01")), (NotYetValid, Valid));
        assert_eq!((on("2026-12-31"), on("2027-01-01")), (Valid, Expired));
        assert_eq!(validity(&card("2026", ""), day("2099-01-01")), Valid, "open at its end");
        assert_eq!(validity(&card("", "2026"), day("2026-01-01")), InsuranceValidity::Unspecified);
    }

    #[test]
    fn a_suspension_counts_from_its_day_on_and_only_while_the_card_runs() {
        let suspended = |suspension| Card { suspension: Some(suspension), ..card("2026", "2026") };
        let on = |suspension, text| validity(&suspended(suspension), day(text));
        let from = Suspension::From(day("2026-06-15"));
        assert_eq!(on(from, "2026-06-14"), InsuranceValidity::Valid);
        assert_eq!(on(from, "2026-06-15"), InsuranceValidity::Suspended);
        assert_eq!(on(Suspension::Undated, "2026-01-01"), InsuranceValidity::Suspended);
        assert_eq!(on(from, "2027-01-01"), InsuranceValidity::Expired);
    }

    #[test]
    fn of_several_cards_the_one_that_matters_on_the_day_is_told() {
        let suspended = Card { suspension: Some(Suspension::Undated), ..card("2024", "2024") };
        let cards =
            [card("2020", "2021"), card("2022", "2022"), suspended, card("2026", "2026"), card("2028", "")];
        let on = |text| {
            let card = that_matters(cards.to_vec(), day(text)).unwrap();
            (validity(&card, day(text)), card.record.valid_from.unwrap().year)
        };
        assert_eq!(on("2021-05-01"), (InsuranceValidity::Valid, 2020));
        assert_eq!(on("2024-05-01"), (InsuranceValidity::Suspended, 2024));
        assert_eq!(on("2025-05-01"), (InsuranceValidity::NotYetValid, 2026), "the next one");
        assert_eq!(on("2099-05-01"), (InsuranceValidity::Valid, 2028));
        let over = that_matters(cards[..2].to_vec(), day("2023-01-01")).unwrap();
        assert_eq!(over.record.valid_from.unwrap().year, 2022, "the one that expired last");
        assert_eq!(that_matters(Vec::new(), day("2023-01-01")), None);
    }

    #[test]
    fn of_two_valid_cards_the_one_that_runs_longest_is_told() {
        let cards = vec![card("2026-01-01", "2026-12-31"), card("2025", ""), card("2026-02-01", "2027")];
        let card = that_matters(cards, day("2026-03-01")).unwrap();
        assert_eq!(card.record.valid_to, None);
    }

    #[test]
    fn a_card_is_asked_for_as_a_whole_and_the_number_alone_means_all_its_cards() {
        let asked = |asked, known: &str| {
            let known = InsuranceCard { card_number: known.to_owned(), ..InsuranceCard::default() };
            is_asked_for(&HealthInsuranceCard::parse(asked).unwrap(), &known)
        };
        assert!(asked("HS4010123456789", "HS4010123456789"));
        assert!(!asked("HS4010123456789", "GD4920123456789"), "another card of the same holder");
        assert!(asked("0123456789", "GD4920123456789"));
        assert!(asked("HS4010123456789", "0123456789"), "a card that bears the number alone");
        assert!(!asked("0123456780", "0123456789"));
        assert!(!asked("0123456789", "not a card"));
    }
}
