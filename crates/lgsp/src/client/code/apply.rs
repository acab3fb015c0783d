//! `lgsp registry plan` and `lgsp registry apply`: the registry as code, in steps of the persons whose they are.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::SystemTime;

use lgsp_core::time::unix_micros;
use lgsp_proto::registry::v1::Person;
use lgsp_registry::rules::Checked;
use serde::Serialize;

use super::fields::Changed;
use super::known::Known;
use super::perform::perform;
use super::plan::{Act, Difference, Step, plan as differences};
use super::{tell, wanted};
use crate::cli::code::{Apply, Plan, PlanForm};
use crate::client::output::{self, Surface, Tone};
use crate::client::registry::open;
use crate::client::session::Session;
use crate::client::{Error, Exit, Lang, confirm};

/// How often the registry is looked at again: each time some step has made another one possible.
const MOST_ROUNDS: usize = 32;
/// Fields of a difference that are told; `--output json` tells all.
const MOST_FIELDS: usize = 20;

/// Runs `lgsp registry plan`.
///
/// # Errors
/// [`Error::Differs`], or whatever kept the plan from being made.
pub(crate) async fn plan(args: &Plan, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let (_, known, plan) = planned(&session, &args.dir).await?;
    let surface = Surface::of_stdout();
    match args.output {
        Some(PlanForm::Json) => {
            plan.iter().try_for_each(|it| output::line(&json(it, &known.caller)?))?;
        }
        Some(PlanForm::Text) | None => {
            plan.iter().try_for_each(|it| write(it, &known.caller, &surface, lang))?;
            output::line(&summary(&plan, &known.caller, lang))?;
        }
    }
    if plan.is_empty() { Ok(()) } else { Err(Error::Differs) }
}

/// Runs `lgsp registry apply`.
///
/// # Errors
/// [`Error::Differs`] if something is left; the first refusal; or whatever kept it from being done.
pub(crate) async fn run(args: &Apply, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let surface = Surface::of_stdout();
    let (files, known, plan) = planned(&session, &args.dir).await?;
    let mine: Vec<&Difference> = plan.iter().filter(|it| step(it, &known.caller).is_some()).collect();
    let ours = mine.len();
    // What others have to do, `plan` tells.
    mine.iter().try_for_each(|it| write(it, &known.caller, &surface, lang))?;
    output::line(&summary(&plan, &known.caller, lang))?;
    if ours > 0 && !args.yes && !confirmed(ours, lang)? {
        return Err(Error::NotConfirmed);
    }
    let (left, refused) = take_all(&session, &files, &args.reason, &surface, lang).await?;
    if let Some(error) = refused {
        return Err(error);
    }
    if ours > 0 {
        output::line(&summary(&left, &known.caller, lang))?;
    }
    waiting(&left, &known.caller, lang).iter().try_for_each(|line| output::line(line))?;
    if left.is_empty() { Ok(()) } else { Err(Error::Differs) }
}

async fn planned(session: &Session, dir: &Path) -> Result<(Checked, Known, Vec<Difference>), Error> {
    let known = Known::read(session, None).await?;
    let files = wanted::read(dir, &known.environment)?;
    let plan = differences(&files, &known, unix_micros(SystemTime::now()));
    Ok((files, known, plan))
}

/// Takes every step that the caller may, looks again, and goes on until there is none. Whatever was taken stays taken, so that it may
/// be interrupted and run again. Returns what is left, and the first refusal.
async fn take_all(
    session: &Session,
    files: &Checked,
    reason: &str,
    surface: &Surface,
    lang: Lang,
) -> Result<(Vec<Difference>, Option<Error>), Error> {
    let (mut refused, mut first) = (BTreeSet::new(), None);
    for _ in 0..MOST_ROUNDS {
        let known = Known::read(session, None).await?;
        let plan = differences(files, &known, unix_micros(SystemTime::now()));
        let mut taken = 0;
        for difference in &plan {
            let Some(step) = step(difference, &known.caller) else { continue };
            let name = (difference.kind, difference.id.clone(), step.act.name().to_owned());
            if refused.contains(&name) {
                continue;
            }
            let told = format!("{} {}: {}", difference.kind, difference.id, step.act.name());
            match perform(session, &step.act, reason).await {
                Ok(()) => {
                    taken += 1;
                    output::line(&format!("{} {told}", surface.paint(Tone::Good, "✓")))?;
                }
                // An earlier step or somebody else has changed it: it is looked at again.
                Err(error) if is_stale(&error) => taken += 1,
                Err(error) if is_refusal(&error) => {
                    output::line(&format!("{} {told}", surface.paint(Tone::Bad, "✗")))?;
                    output::failure(&error.report(lang));
                    refused.insert(name);
                    first.get_or_insert(error);
                }
                Err(error) => return Err(error),
            }
        }
        if taken == 0 {
            return Ok((plan, first));
        }
    }
    let known = Known::read(session, None).await?;
    Ok((differences(files, &known, unix_micros(SystemTime::now())), first))
}

/// For whom the next steps wait that are not the caller's, and how many.
fn waiting(left: &[Difference], caller: &Person, lang: Lang) -> Vec<String> {
    let mut by: BTreeMap<String, usize> = BTreeMap::new();
    for next in left.iter().filter(|it| step(it, caller).is_none()).filter_map(|it| it.steps.first()) {
        *by.entry(whose(next, "", lang)).or_default() += 1;
    }
    let wait = lang.pick("wait for", "chờ");
    by.into_iter().map(|(whom, steps)| format!("  {steps} {wait} {whom}")).collect()
}

/// The next step of a difference, if it is the caller's and one that can be taken here.
fn step<'a>(difference: &'a Difference, caller: &Person) -> Option<&'a Step> {
    difference.step_of(caller).filter(|step| !matches!(step.act, Act::ByHand(_)))
}

fn is_stale(error: &Error) -> bool {
    matches!(error, Error::Refused(failure) if failure.reason() == Some(lgsp_core::Reason::Stale.name()))
}

/// Whether it is about this step: others may be taken all the same.
fn is_refusal(error: &Error) -> bool {
    matches!(error, Error::Refused(_))
        && matches!(error.exit(), Some(Exit::Refused | Exit::Invalid | Exit::NotFound))
}

fn confirmed(steps: usize, lang: Lang) -> Result<bool, Error> {
    let question = lang.pick("Take so many steps as yours", "Thực hiện các bước của mình, tổng số");
    confirm::confirmed(&format!("{question}: {steps}?"))
}

fn write(it: &Difference, caller: &Person, surface: &Surface, lang: Lang) -> Result<(), Error> {
    let (sign, tone) = tell::sign(it.is_known, it.is_wanted);
    output::line(&surface.paint(tone, &format!("{sign} {} {}", it.kind, it.id)))?;
    for field in it.fields.iter().take(MOST_FIELDS) {
        output::line(&format!("    {}", tell::field(field, surface)))?;
    }
    tell::more(it.fields.len(), MOST_FIELDS, "    ", lang)?;
    if let Some(what) = &it.waits {
        output::line(&format!("  {} {what}", lang.pick("waits for", "chờ")))?;
    }
    for (place, step) in it.steps.iter().enumerate() {
        let when = if place == 0 { lang.pick("next", "tiếp theo") } else { lang.pick("then", "sau đó") };
        let yours = if step.by.is(caller) { lang.pick(", you", ", bạn") } else { "" };
        let line = format!("  {when}: {} ({})", step.act.name(), whose(step, yours, lang));
        output::line(&surface.paint(if yours.is_empty() { Tone::Dim } else { Tone::Notice }, &line))?;
    }
    if it.steps.is_empty() {
        output::line(&format!("  {}", lang.pick("no step changes it", "không có bước nào thay đổi được")))?;
    }
    Ok(())
}

/// Who may take a step; `yours` is said of the caller, before those who may not.
fn whose(step: &Step, yours: &str, lang: Lang) -> String {
    let mut text = step.by.role.to_owned();
    if let Some(agency) = &step.by.agency {
        text = format!("{text} {} {agency}", lang.pick("of", "của"));
    }
    text.push_str(yours);
    if !step.by.never.is_empty() {
        let but = lang.pick("but not", "trừ");
        text = format!("{text}; {but} {}", step.by.never.join(", "));
    }
    text
}

fn summary(plan: &[Difference], caller: &Person, lang: Lang) -> String {
    if plan.is_empty() {
        return lang.pick("The registry is as the files say.", "Danh mục khớp với các tệp.").to_owned();
    }
    let yours = plan.iter().filter(|it| step(it, caller).is_some()).count();
    match lang {
        Lang::En => format!("{} differences; {yours} with a next step of yours.", plan.len()),
        Lang::Vi => format!("{} khác biệt; {yours} có bước tiếp theo là của bạn.", plan.len()),
    }
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Told<'a> {
    kind: &'a str,
    id: &'a str,
    change: &'a str,
    fields: &'a [Changed],
    #[serde(skip_serializing_if = "Option::is_none")]
    waits_for: Option<&'a str>,
    steps: Vec<ToldStep<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ToldStep<'a> {
    #[serde(rename = "do")]
    act: &'a str,
    role: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    agency: Option<&'a str>,
    #[serde(skip_serializing_if = "<[String]>::is_empty")]
    never: &'a [String],
    yours: bool,
}

fn json(it: &Difference, caller: &Person) -> Result<String, Error> {
    let change = match (it.is_known, it.is_wanted) {
        (false, _) => "added",
        (true, true) => "changed",
        (true, false) => "removed",
    };
    let step = |step: &'_ Step| step.by.is(caller);
    let steps = it.steps.iter().map(|it| ToldStep {
        act: it.act.name(),
        role: it.by.role,
        agency: it.by.agency.as_deref(),
        never: &it.by.never,
        yours: step(it),
    });
    let told = Told {
        kind: it.kind,
        id: &it.id,
        change,
        fields: &it.fields,
        waits_for: it.waits.as_deref(),
        steps: steps.collect(),
    };
    serde_json::to_string(&told).map_err(|error| Error::Output(std::io::Error::other(error)))
}
