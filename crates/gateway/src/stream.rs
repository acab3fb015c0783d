//! Releases a streamed answer in parts, each after its own entry.
//!
//! An opening entry comes first and the final one last, before the stream ends well. A part is gathered only once the
//! caller has taken the one before, so that a slow reader holds two parts and no more.

use std::ops::Range;
use std::pin::pin;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt;
use lgsp_bus::{Reply, ReplyPart};
use lgsp_core::entry::SubjectRef;
use lgsp_core::{Fault, Method, Plan, Reason};
use tokio::time::sleep;

use crate::answer;
use crate::call::{Admitted, still_permitted};
use crate::deadline::still_in_time;
use crate::entry::{Account, Tally};
use crate::filter::Subjects;
use crate::hub::Hub;
use crate::outlet::Outlet;
use crate::spoken;

/// Most messages of a part.
const MOST_MESSAGES: usize = 100;
/// A part with so many bytes takes no further message.
const FULL: usize = 256 * 1024;
/// How long a stream that says nothing may go on when the gateway stops.
const LAST_WORDS: Duration = Duration::from_millis(500);
/// How often it is looked whether a stream that says nothing is still permitted.
const LOOK: Duration = Duration::from_millis(250);

/// Some messages of a stream.
#[derive(Default)]
struct Part {
    framed: Vec<u8>,
    /// Where in `framed` the messages are.
    messages: Vec<Range<usize>>,
    /// What came after them, if anything more is to come.
    end: Option<Result<(), Fault>>,
}

/// Releases the stream of a permitted exchange.
pub(crate) async fn release(
    hub: &Hub,
    admitted: &Admitted,
    plan: &Plan,
    mut reply: Reply,
    account: &mut Account,
    released: &mut Tally,
    outlet: &mut Outlet,
) -> Result<(), Fault> {
    let deadline = admitted.deadline.at;
    hub.writer.append_or_leave(account.opening(&hub.book), deadline).await?;
    outlet.stream(admitted.admission.clone());

    let mut subjects = Subjects::asked(account.asked().to_vec());
    for number in 1.. {
        subjects.begin_part();
        let mut part = gather(hub, admitted, &mut reply, plan, &mut subjects, outlet).await?;
        account.travelled(reply.trace());
        still_permitted(hub, admitted)?;
        within_limits(&admitted.method, released, &part)?;
        if !part.messages.is_empty() {
            let framed = Bytes::from(std::mem::take(&mut part.framed));
            let mut tally = Tally::new();
            part.tally(&framed, &mut tally);
            let (output, largest) = (&admitted.method.output, hub.largest_answer);
            let given = spoken::given(admitted.face, output, framed.clone(), largest).await?;
            let unread = hub.in_flight.release(&admitted.admission, &admitted.connection, given.len())?;
            let entry = account.part(&hub.book, number, &tally, &subjects.to_refs());
            hub.writer.append_or_leave(entry, deadline).await?;
            still_in_time(deadline)?;
            part.tally(&framed, released);
            outlet.part(given, unread).await?;
        }
        if admitted.admission.is_bulk() {
            // Somebody waits for the others' next parts.
            tokio::task::yield_now().await;
        }
        match part.end {
            None => {}
            Some(Ok(())) => break,
            Some(Err(fault)) => return Err(fault),
        }
    }
    let asked: Vec<SubjectRef> = account.asked().to_vec();
    hub.enter_served(account, released, &asked, deadline).await?;
    outlet.end();
    Ok(())
}

/// Waits for one message and takes along what is there already.
async fn gather(
    hub: &Hub,
    admitted: &Admitted,
    reply: &mut Reply,
    plan: &Plan,
    subjects: &mut Subjects,
    outlet: &mut Outlet,
) -> Result<Part, Fault> {
    let mut part = Part::default();
    let mut next = Some(first(hub, admitted, reply, outlet).await?);
    while let Some(step) = next {
        match step {
            ReplyPart::Message(message) => {
                let message = answer::within(message, hub.largest_answer)?;
                let begin = answer::append(plan, &message, &mut part.framed, subjects)?;
                part.messages.push(begin..part.framed.len());
            }
            ReplyPart::End => part.end = Some(Ok(())),
            ReplyPart::Failed(fault) => part.end = Some(Err(fault)),
        }
        let full = part.messages.len() >= MOST_MESSAGES || part.framed.len() >= FULL;
        next = if full || part.end.is_some() { None } else { reply.next().now_or_never() };
    }
    Ok(part)
}

/// Nobody works for a caller who has left or may not ask any more, and a stream that waits for news does not keep the gateway
/// from stopping.
async fn first(
    hub: &Hub,
    admitted: &Admitted,
    reply: &mut Reply,
    outlet: &mut Outlet,
) -> Result<ReplyPart, Fault> {
    let mut stopping = pin!(async {
        hub.leaving.cancelled().await;
        sleep(LAST_WORDS).await;
    });
    loop {
        tokio::select! {
            biased;
            step = reply.next() => return Ok(step),
            () = outlet.left() => return Err(Reason::Cancelled.into()),
            () = stopping.as_mut() => return Err(Reason::Leaving.into()),
            () = sleep(LOOK) => still_permitted(hub, admitted)?,
        }
    }
}

/// A stream that is longer than its method allows ends with an error, never with a gap.
fn within_limits(method: &Method, released: &Tally, part: &Part) -> Result<(), Fault> {
    let messages = released.messages() + part.messages.len() as u64;
    let bytes = released.bytes() + part.framed.len() as u64;
    if messages > method.max_stream_messages || bytes > method.max_stream_bytes {
        return Err(Reason::StreamTooLong.into());
    }
    Ok(())
}

impl Part {
    fn tally(&self, framed: &[u8], tally: &mut Tally) {
        for message in &self.messages {
            tally.add(&framed[message.clone()]);
        }
    }
}
