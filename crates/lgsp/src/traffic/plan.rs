//! From the table to cases: which scenario comes next, whom it is about, and what exactly is asked.
//!
//! The same city makes the same cases in the same order. Only the dates of dossiers, and whether the counters are open,
//! come from the clock.

use lgsp_identifiers::{PartialDate, PersonalNumber};
use lgsp_proto::record::v1 as record;
use lgsp_sample::{Dice, Point};
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MethodDescriptor, ReflectMessage as _, Value};

use super::cast::Cast;
use super::scenario::{Expect, Part, Scenario, Setting, Step};
use super::subjects::Subjects;
use super::table::SCENARIOS;

/// What the request ids of sample traffic begin with, so that it can be told from anybody else's.
pub const REQUEST_IDS: &str = "sample-";

/// How many of 1,000 typed numbers name somebody whom nobody knows.
const MISTYPED: u32 = 40;

/// How many of 1,000 typed numbers lack a digit.
const CUT_SHORT: u32 = 25;

/// Officers whom the city has.
const OFFICERS: u32 = 120;

/// Streams of the city's dice that no home draws from.
const ROUNDS: u64 = 1 << 40;
const CASES: u64 = 1 << 41;

/// What comes next, for ever.
pub struct Plan {
    cast: Cast,
    seed: u64,
    /// What is left of this round, the next last.
    round: Vec<&'static Scenario>,
    rounds: u64,
    cases: u64,
    dossiers: u64,
}

/// One case: its exchanges, and what all of them say beside their messages.
pub struct Case {
    /// What it is.
    pub scenario: &'static Scenario,
    /// `lgsp-procedure`, `lgsp-dossier`, `lgsp-officer` and `lgsp-unit`, as far as it has them.
    pub metadata: Vec<(&'static str, String)>,
    /// One after the other.
    pub exchanges: Vec<Exchange>,
    /// Steps left out because the case lacks whom or what they ask for, such as a father.
    pub left_out: usize,
}

/// One exchange that is to be made.
pub struct Exchange {
    /// The step that it belongs to.
    pub step: &'static Step,
    /// The method.
    pub method: MethodDescriptor,
    /// The request. Personal: never logged.
    pub request: DynamicMessage,
    /// How it should end.
    pub expect: Expect,
    /// `lgsp-request-id`.
    pub request_id: String,
}

/// How a number is mistyped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Slip {
    /// Into one that nobody has.
    Mistyped,
    /// A digit is left off.
    CutShort,
}

impl Plan {
    /// The plan of a city.
    ///
    /// # Errors
    /// There is no such city.
    pub fn new(city: lgsp_sample::Config) -> Result<Self, lgsp_sample::Error> {
        let cast = Cast::of(city)?;
        Ok(Self { cast, seed: city.seed, round: Vec::new(), rounds: 0, cases: 0, dossiers: 0 })
    }

    /// The next case. With the counters closed, those that wait for an officer are left out. `today` is `yymmdd`, the day
    /// on which dossiers are received.
    pub fn next(&mut self, counters_open: bool, today: &str) -> Case {
        let scenario = loop {
            let next = self.next_scenario();
            if counters_open || !next.keeps_office_hours() {
                break next;
            }
        };
        self.cases += 1;
        let mut dice = Dice::new(self.seed, CASES + self.cases);
        if matches!(scenario.setting, Setting::Counter { .. }) {
            self.dossiers += 1;
        }
        let subjects = self.cast.draw(&mut dice);
        let metadata =
            metadata(scenario, subjects.as_ref(), &mut dice, Dossier { today, number: self.dossiers });
        let mut case = Case { scenario, metadata, exchanges: Vec::new(), left_out: 0 };
        for step in scenario.steps {
            let slip = slip(scenario, step, &mut dice);
            // Whoever has mistyped a number asks again.
            for slip in slip.into_iter().map(Some).chain([None]) {
                match subjects.as_ref().and_then(|subjects| exchange(step, subjects, slip)) {
                    Some(exchange) => case.exchanges.push(exchange),
                    None => case.left_out += 1,
                }
            }
        }
        for (position, exchange) in case.exchanges.iter_mut().enumerate() {
            exchange.request_id = format!("{REQUEST_IDS}{:06}-{}", self.cases, position + 1);
        }
        case
    }

    /// The scenarios of a round come in an order that is drawn anew for each.
    fn next_scenario(&mut self) -> &'static Scenario {
        loop {
            if let Some(next) = self.round.pop() {
                return next;
            }
            self.rounds += 1;
            let mut dice = Dice::new(self.seed, ROUNDS + self.rounds);
            let copies = |scenario: &'static Scenario| (0..scenario.cases).map(move |_| scenario);
            self.round = SCENARIOS.iter().flat_map(copies).collect();
            shuffle(&mut dice, &mut self.round);
        }
    }
}

/// What tells a dossier of a day from all others.
struct Dossier<'a> {
    today: &'a str,
    number: u64,
}

impl Dossier<'_> {
    fn code(&self, agency: &str) -> String {
        // The number of a dossier has at most eight digits.
        format!("{agency}-{}-{:04}", self.today, self.number % 100_000_000)
    }
}

/// What a case says beside its messages.
fn metadata(
    scenario: &Scenario,
    subjects: Option<&Subjects<'_>>,
    dice: &mut Dice,
    dossier: Dossier<'_>,
) -> Vec<(&'static str, String)> {
    let officer = ("lgsp-officer", format!("cb-{:03}", dice.within(1..=OFFICERS)));
    let unit = subjects.map(|subjects| ("lgsp-unit", format!("mot-cua-{}", subjects.applicant.ward)));
    match scenario.setting {
        Setting::Counter { agency, procedure } => {
            let said = [("lgsp-procedure", procedure.to_owned()), ("lgsp-dossier", dossier.code(agency))];
            said.into_iter().chain([officer]).chain(unit).collect()
        }
        Setting::Desk => [officer].into_iter().chain(unit).collect(),
        Setting::Online { procedure } => vec![("lgsp-procedure", procedure.to_owned())],
        Setting::Machine => Vec::new(),
    }
}

fn shuffle<T>(dice: &mut Dice, items: &mut [T]) {
    for last in (1..items.len()).rev() {
        // A round has a few thousand cases, so it fits.
        items.swap(last, dice.below(last as u32 + 1) as usize);
    }
}

/// Whether the first number of a step is mistyped. It is asked again as it should be.
fn slip(scenario: &Scenario, step: &Step, dice: &mut Dice) -> Option<Slip> {
    let has_number = step.asked.iter().any(|(_, part)| matches!(part, Part::Number(_)));
    if !has_number || !scenario.is_typed() || step.expect != Expect::Answer {
        return None;
    }
    match dice.below(1_000) {
        0..MISTYPED => Some(Slip::Mistyped),
        drawn if drawn < MISTYPED + CUT_SHORT => Some(Slip::CutShort),
        _ => None,
    }
}

/// The exchange of a step; `None` when the case lacks whom or what it asks for.
fn exchange(step: &'static Step, subjects: &Subjects<'_>, slip: Option<Slip>) -> Option<Exchange> {
    let service = lgsp_proto::pool().get_service_by_name(step.service())?;
    let method = service.methods().find(|method| method.name() == step.method_name())?;
    let mut request = DynamicMessage::new(method.input());
    for (name, part) in step.asked {
        let field = request.descriptor().get_field_by_name(name)?;
        let value = value(*part, &field, subjects, slip)?;
        request.try_set_field(&field, value).ok()?;
    }
    let expect = if slip == Some(Slip::CutShort) { Expect::Invalid } else { step.expect };
    Some(Exchange { step, method, request, expect, request_id: String::new() })
}

fn value(part: Part, field: &FieldDescriptor, subjects: &Subjects<'_>, slip: Option<Slip>) -> Option<Value> {
    let text = |text: &str| Value::String(text.to_owned());
    Some(match part {
        Part::Number(role) => Value::String(typed(subjects.number(role)?, slip)),
        Part::Name(role) => text(subjects.name(role)?),
        Part::Born(role) => of_message(field, &partial_date(subjects.person(role)?.born))?,
        Part::Parcel => text(subjects.holding?.key.as_str()),
        Part::OldParcel => text(subjects.holding?.old_key.as_ref()?.as_str()),
        Part::Spot => of_message(field, &point(subjects.holding?.spot))?,
        Part::Card => text(subjects.patient?.card.as_str()),
        Part::School => text(&subjects.family?.school.0),
        Part::Grade => Value::I32(subjects.family?.school.1),
        Part::Diploma => text(&subjects.graduate?.serial),
        Part::Graduated => Value::I32(subjects.graduate?.year),
        Part::Enterprise => text(subjects.business?.code.as_str()),
        Part::EnterpriseName => text(&subjects.business?.name),
        Part::Ward => text(subjects.applicant.ward.as_str()),
        Part::Count(count) => Value::I32(count),
    })
}

/// A number as it is typed.
fn typed(number: &PersonalNumber, slip: Option<Slip>) -> String {
    let number = number.as_str();
    match slip {
        None => number.to_owned(),
        // The city gives no such serial to anybody.
        Some(Slip::Mistyped) => format!("{}000{}9", &number[..6], &number[9..11]),
        Some(Slip::CutShort) => number[..11].to_owned(),
    }
}

/// A message as the value of a field of its type.
fn of_message(field: &FieldDescriptor, message: &impl prost::Message) -> Option<Value> {
    let Kind::Message(kind) = field.kind() else { return None };
    DynamicMessage::decode(kind, message.encode_to_vec().as_slice()).ok().map(Value::Message)
}

fn partial_date(date: PartialDate) -> record::PartialDate {
    let part = |part: Option<u8>| i32::from(part.unwrap_or(0));
    record::PartialDate { year: date.year().into(), month: part(date.month()), day: part(date.day()) }
}

fn point(point: Point) -> record::Point {
    record::Point { latitude: point.latitude, longitude: point.longitude }
}
