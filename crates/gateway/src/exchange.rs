//! The specification of the hub: admit → permit → forward → filter → enter → release.
//!
//! An exchange is a task of its own. A client that leaves changes nothing about its entry.

use std::sync::Arc;

use lgsp_core::entry::SubjectRef;
use lgsp_core::{Fault, Hop, Reason, Rules, permit};
use tracing::Instrument;

use crate::call::{
    Admitted, Call, SLACK, receive, request_head, still_permitted, to_its_end, unless_it_panics,
};
use crate::deadline::Deadline;
use crate::entry::{Account, Tally};
use crate::hub::Hub;
use crate::metadata::{self, Metadata};
use crate::outlet::Outlet;
use crate::{answer, deprecation, spans, spoken, stream};

/// Carries one call from its arrival to its end.
pub(crate) async fn exchange(hub: Arc<Hub>, call: Call, mut outlet: Outlet) {
    let exchange = call.exchange;
    let (rules, caller) = match unless_it_panics(exchange, || identify(&hub, &call)) {
        Ok(known) => known,
        Err(fault) => return hub.refuse_attempt(&call, &fault, &mut outlet),
    };
    let span = spans::exchange(&call, &rules, &caller);
    let meter = hub.meters.exchange(&call, &rules, &caller);
    let begun_us = call.arrival.unix_us;
    let mut account = Account::open(exchange, begun_us, &caller, rules.environment(), rules.revision());
    let mut released = Tally::new();
    let admitted = unless_it_panics(exchange, || admit(&hub, call, rules, caller, &mut account, &mut outlet));
    let carried = match admitted {
        Ok(admitted) => {
            let end = admitted.deadline.at + SLACK;
            // On the heap, because the layers around it would copy it.
            let carried = Box::pin(carry(&hub, admitted, &mut account, &mut released, &mut outlet));
            to_its_end(exchange, end, carried).instrument(span.clone()).await
        }
        Err(fault) => Err(fault),
    };
    let Err(fault) = carried else {
        hub.meters.served(&meter, &account, &span);
        return spans::served(&span, exchange);
    };
    hub.meters.not_served(&meter, &account, &fault, &span);
    spans::not_served(&span, exchange, &fault);
    hub.enter_failed(&mut account, &fault, &released);
    outlet.refuse(&hub.with_maintenance(fault, &account));
}

/// Who calls. Without an answer there is no exchange, only an attempt.
fn identify(hub: &Hub, call: &Call) -> Result<(Arc<Rules>, lgsp_core::Caller), Fault> {
    let rules = hub.rules.load_full().ok_or(Reason::RulesMissing)?;
    let (token, certificate) = (call.authorization()?, call.connection.certificate()?);
    let caller = hub.tokens.caller(&rules, token, certificate, call.arrival.unix_us)?;
    Ok((rules, caller))
}

/// What is called, until when, and whether there is room for it.
fn admit(
    hub: &Hub,
    call: Call,
    rules: Arc<Rules>,
    caller: lgsp_core::Caller,
    account: &mut Account,
    outlet: &mut Outlet,
) -> Result<Admitted, Fault> {
    let method = rules.method(call.head.uri.path()).ok_or(Reason::MethodUnknown)?.clone();
    account.calls(&method);
    outlet.announce(deprecation::notice(&method));
    let metadata = Metadata::read(&call.head.headers)?.of(caller.person.as_ref());
    account.says(&metadata, metadata.purpose.as_ref().filter(|purpose| rules.knows_purpose(purpose)));
    if method.client_streaming {
        return Err(Reason::ClientStream.into());
    }
    let deadline =
        Deadline::of(call.arrival, metadata::timeout(call.face, &call.head.headers)?, method.deadline)?;
    account.ends_by(deadline.unix_us);
    outlet.until(deadline.at);
    call.leash.until(deadline.at);
    if !hub.book.covers(call.arrival.unix_us) {
        // Without this month's key no subject can be named, and what cannot be entered is not served.
        return Err(Fault::new(Reason::EntryNotDurable).at(Hop::Gateway));
    }
    let admission = hub.in_flight.admit(call.slot, &caller.application)?;
    let (exchange, arrival, body, headers) = (call.exchange, call.arrival, call.body, call.head.headers);
    let (connection, face) = (call.connection, call.face);
    Ok(Admitted {
        exchange,
        arrival,
        face,
        rules,
        caller,
        method,
        metadata,
        deadline,
        admission,
        connection,
        headers,
        body,
    })
}

async fn carry(
    hub: &Hub,
    mut admitted: Admitted,
    account: &mut Account,
    released: &mut Tally,
    outlet: &mut Outlet,
) -> Result<(), Fault> {
    // permit
    let (now, purpose) = (admitted.arrival.unix_us, admitted.metadata.purpose.as_ref());
    let permit = permit(&admitted.rules, &admitted.caller, &admitted.method, purpose, now)?;
    account.permitted(&permit);
    let work = hub.bound_bulk(&permit, &mut admitted)?;
    let request = receive(hub, &mut admitted).await?;
    // A caller who is slow to ask may ask for no more than one who is not.
    still_permitted(hub, &admitted)?;
    account.received(&request);
    account.asks_about(admitted.method.checks.request(&request)?);
    let charge = hub.charge(&permit)?;

    // forward
    let head = request_head(&admitted, account.fields());
    let called = hub.bus.call(head, request).await;
    let mut reply = called.inspect_err(|_| hub.give_back(&permit, charge))?;
    if let Some(work) = work {
        reply.hold(work);
    }
    account.travelled(reply.trace());
    if admitted.method.server_streaming {
        return stream::release(hub, &admitted, &permit.plan, reply, account, released, outlet).await;
    }
    let answer = answer::only(&mut reply, hub.largest_answer).await;
    account.travelled(reply.trace());

    // filter
    let answer = answer::filtered(&permit.plan, &answer?, account.asked())?;
    // What a role has opened may be a decision that closes it: it is taken, and that is answered.
    if !admitted.method.platform {
        still_permitted(hub, &admitted)?;
    }
    let given =
        spoken::given(admitted.face, &admitted.method.output, answer.framed, hub.largest_answer).await?;
    let unread = hub.in_flight.release(&admitted.admission, &admitted.connection, given.len())?;

    // enter
    let subjects: &[SubjectRef] = &answer.subjects;
    hub.enter_served(account, &answer.tally, subjects, admitted.deadline.at).await?;

    // release
    outlet.whole(given, unread, admitted.admission);
    Ok(())
}
