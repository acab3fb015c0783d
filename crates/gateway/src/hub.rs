use std::sync::Arc;
use std::time::SystemTime;

use lgsp_core::entry::SubjectRef;
use lgsp_core::time::unix_micros;
use lgsp_core::traffic::{Ended, Traffic};
use lgsp_core::{Fault, Hop, Outcome, Permit, Priority, Reason};
use lgsp_face::Origins;
use lgsp_runtime::shutdown::Group;
use parking_lot::Mutex;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::call::{Admitted, Call};
use crate::caller::Tokens;
use crate::deadline::still_in_time;
use crate::entry::attempts::Attempts;
use crate::entry::writer::Writer;
use crate::entry::{Account, Book, Tally};
use crate::in_flight::{InFlight, Work};
use crate::metrics::Meters;
use crate::options::Exchanges;
use crate::outlet::Outlet;
use crate::quota::{Charge, Quotas};
use crate::rules::Current;
use crate::stats::Stats;
use crate::surface::Surface;

/// What all exchanges of a gateway share.
pub(crate) struct Hub {
    pub(crate) bounds: Exchanges,
    /// The configured bound, or that of the broker if it is smaller.
    pub(crate) largest_answer: usize,
    pub(crate) rules: Arc<Current>,
    pub(crate) surface: Arc<Surface>,
    pub(crate) tokens: Tokens,
    pub(crate) in_flight: InFlight,
    /// Whose pages may call from a browser.
    pub(crate) origins: Origins,
    pub(crate) quotas: Arc<Quotas>,
    pub(crate) bus: lgsp_bus::Caller,
    pub(crate) book: Arc<Book>,
    pub(crate) writer: Writer,
    pub(crate) attempts: Arc<Attempts>,
    pub(crate) stats: Arc<Stats>,
    /// What came of the exchanges of the last minutes.
    pub(crate) traffic: Mutex<Traffic>,
    pub(crate) meters: Meters,
    /// The exchanges, each a task of its own.
    pub(crate) exchanges: Group,
    /// Cancelled when no more calls are taken.
    pub(crate) leaving: CancellationToken,
}

impl Hub {
    /// Charges the quota of the agreement that grants the exchange.
    ///
    /// It is charged now and not when it arrived: a caller that sends its request slowly would choose the second.
    pub(crate) fn charge(&self, permit: &Permit) -> Result<Option<Charge>, Fault> {
        let now = unix_micros(SystemTime::now());
        let asked = |agreement: &str| self.bus.asked(agreement);
        permit.grant.as_ref().map(|grant| self.quotas.charge(grant, now, asked)).transpose()
    }

    /// Gives back what was charged for an exchange that was not sent.
    pub(crate) fn give_back(&self, permit: &Permit, charge: Option<Charge>) {
        if let Some((grant, charge)) = permit.grant.as_ref().zip(charge) {
            self.quotas.give_back(grant, charge);
        }
    }

    /// Refuses an exchange of bulk for which there is no room, at once: before its request is read, and before it is charged.
    pub(crate) fn bound_bulk(&self, permit: &Permit, admitted: &mut Admitted) -> Result<Option<Work>, Fault> {
        match permit.priority() {
            Priority::Interactive => Ok(None),
            Priority::Bulk => {
                let domain = &admitted.method.domain;
                // As many other gateways may send as much.
                let capacity = self.bus.capacity(domain) / self.bus.gateways();
                let application = &admitted.caller.application;
                self.in_flight.admit_bulk(&mut admitted.admission, application, domain, capacity).map(Some)
            }
        }
    }

    /// Makes the final entry of a served exchange durable. There is no second final entry after this.
    pub(crate) async fn enter_served(
        &self,
        account: &mut Account,
        released: &Tally,
        subjects: &[SubjectRef],
        deadline: Instant,
    ) -> Result<(), Fault> {
        let entry = account.served(&self.book, released, subjects);
        let began = Instant::now();
        self.writer.append_durably(&entry, deadline).await?;
        account.entered_after(began.elapsed());
        account.close();
        self.stats.outcome(Outcome::Served);
        self.count(account, Outcome::Served, None);
        still_in_time(deadline)
    }

    /// Enters why an exchange was not served, without waiting, unless its final entry is there already.
    pub(crate) fn enter_failed(&self, account: &mut Account, fault: &Fault, released: &Tally) {
        if account.is_closed() {
            return;
        }
        self.stats.outcome(fault.outcome());
        self.count(account, fault.outcome(), Some(fault));
        self.writer.put(account.failed(&self.book, fault, released));
        account.close();
    }

    /// Counts an exchange that has ended, for who asks how its application and its provider do.
    fn count(&self, account: &Account, outcome: Outcome, fault: Option<&Fault>) {
        let at_us = unix_micros(SystemTime::now());
        self.traffic.lock().note(&Ended {
            application: account.application(),
            domain: account.domain(),
            outcome,
            hop: fault.map_or(Hop::Unspecified, Fault::hop),
            reason: fault.map(Fault::reason),
            at_us,
            took_us: account.took_us(at_us),
        });
    }

    /// Whoever meets announced maintenance is told until when it runs.
    pub(crate) fn with_maintenance(&self, fault: Fault, account: &Account) -> Fault {
        let now = unix_micros(SystemTime::now());
        let until = account.domain().and_then(|domain| self.bus.maintenance_until(domain, now));
        fault.under_maintenance_until(until)
    }

    /// Refuses a call whose caller is not known. It is counted, not entered.
    pub(crate) fn refuse_attempt(&self, call: &Call, fault: &Fault, outlet: &mut Outlet) {
        self.count_attempt(fault.reason(), call.connection.peer, call.head.uri.path());
        outlet.refuse(fault);
    }

    /// Counts a call whose caller is not known.
    pub(crate) fn count_attempt(&self, reason: Reason, peer: std::net::IpAddr, path: &str) {
        Stats::count(&self.stats.attempts);
        self.meters.attempt(reason);
        let rules = self.rules.load();
        let known = rules.as_ref().and_then(|rules| rules.method(path)).map(|method| &method.path);
        let now = unix_micros(SystemTime::now());
        self.attempts.count(reason, peer, known, now);
    }
}
