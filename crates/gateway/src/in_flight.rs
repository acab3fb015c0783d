//! What is in flight, of all callers and of each: exchanges, and bytes of answers that were not read yet.
//!
//! Every count is given back when its guard is dropped, so that an exchange counts until it *ends*, not until its client
//! leaves.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lgsp_core::{Application, ApplicationId, Fault, Reason};
use parking_lot::Mutex;

use crate::caller::ClientCertificate;
use crate::options::Exchanges;
use crate::tls::Shown;

/// Counts of a gateway.
pub(crate) struct InFlight {
    bounds: Exchanges,
    all: Arc<AtomicUsize>,
    bulk: Arc<AtomicUsize>,
    /// Bulk exchanges by domain.
    domains: Mutex<HashMap<Arc<str>, Arc<AtomicUsize>>>,
    applications: Mutex<HashMap<ApplicationId, Arc<Load>>>,
}

/// What one application, or one connection, has in flight.
#[derive(Debug, Default)]
pub(crate) struct Load {
    exchanges: Arc<AtomicUsize>,
    bulk: Arc<AtomicUsize>,
    unread: Arc<AtomicUsize>,
}

/// Counts something until it is dropped.
#[derive(Debug)]
pub(crate) struct Counted {
    counter: Arc<AtomicUsize>,
    amount: usize,
}

/// A call that was let in, before anybody knows whose it is.
#[derive(Debug)]
pub(crate) struct Slot(#[allow(dead_code, reason = "held to be dropped")] Counted);

/// An exchange of an application. It counts until its last clone is dropped: its own task may end before the caller has
/// read what it released.
#[derive(Clone, Debug)]
pub(crate) struct Admission {
    load: Arc<Load>,
    _counted: Arc<(Slot, Counted)>,
    bulk: Option<Arc<[Counted; 2]>>,
}

/// What an exchange of bulk takes of its domain, until a provider has answered it: what its caller has not read yet takes room
/// of the gateway and the application, and none of the domain.
#[derive(Debug)]
pub(crate) struct Work(#[allow(dead_code, reason = "held to be dropped")] Counted);

impl Admission {
    /// Whether nobody waits for the answer.
    pub(crate) fn is_bulk(&self) -> bool {
        self.bulk.is_some()
    }
}

/// Bytes of an answer that its caller has not read yet.
#[derive(Debug)]
pub(crate) struct Unread {
    _application: Counted,
    _connection: Counted,
}

impl InFlight {
    pub(crate) fn new(bounds: &Exchanges) -> Self {
        Self {
            bounds: bounds.clone(),
            all: Arc::default(),
            bulk: Arc::default(),
            domains: Mutex::default(),
            applications: Mutex::default(),
        }
    }

    /// Exchanges in flight.
    pub(crate) fn exchanges(&self) -> usize {
        self.all.load(Ordering::Relaxed)
    }

    /// Bulk exchanges among them.
    pub(crate) fn bulk(&self) -> usize {
        self.bulk.load(Ordering::Relaxed)
    }

    /// Lets a call in, whoever calls.
    pub(crate) fn enter(&self) -> Result<Slot, Fault> {
        let counted = Counted::within(&self.all, 1, self.bounds.in_flight);
        counted.map(Slot).ok_or_else(|| Reason::Overloaded.into())
    }

    /// Counts the call as an exchange of an application.
    pub(crate) fn admit(&self, slot: Slot, application: &Application) -> Result<Admission, Fault> {
        // One count per application of the rules: only a verified credential comes this far.
        let load = self.applications.lock().entry(application.id.clone()).or_default().clone();
        let bound = self.of_application(application);
        let Some(exchange) = Counted::within(&load.exchanges, 1, bound) else {
            return Err(Reason::TooManyInFlight.into());
        };
        Ok(Admission { load, _counted: Arc::new((slot, exchange)), bulk: None })
    }

    /// Counts an admitted exchange as one of bulk, which has a part of the room of the gateway, of its application, and of the
    /// domain, whose providers work on `capacity` at once for this gateway. So a request of bulk never waits before an
    /// interactive one where either could wait: neither here nor on the domain's topic.
    pub(crate) fn admit_bulk(
        &self,
        admission: &mut Admission,
        application: &Application,
        domain: &Arc<str>,
        capacity: usize,
    ) -> Result<Work, Fault> {
        // One count per domain of the rules.
        let of_domain = self.domains.lock().entry(domain.clone()).or_default().clone();
        let within = |counter, bound| Counted::within(counter, 1, self.part(bound));
        let application = within(&admission.load.bulk, self.of_application(application));
        let counted =
            application.zip(within(&of_domain, capacity)).zip(within(&self.bulk, self.bounds.in_flight));
        let ((application, domain), gateway) = counted.ok_or(Reason::BulkLimited)?;
        admission.bulk = Some(Arc::new([application, gateway]));
        Ok(Work(domain))
    }

    fn of_application(&self, application: &Application) -> usize {
        application.max_in_flight.map_or(self.bounds.in_flight_per_application, |bound| bound as usize)
    }

    /// The part of a bound that bulk may fill; something, however small.
    fn part(&self, bound: usize) -> usize {
        (bound.saturating_mul(self.bounds.bulk_percent) / 100).max(1)
    }

    /// Counts bytes that are about to be released.
    pub(crate) fn release(
        &self,
        admission: &Admission,
        connection: &Connection,
        bytes: usize,
    ) -> Result<Unread, Fault> {
        let application = Counted::within(&admission.load.unread, bytes, self.bounds.unread_per_application);
        let connection = Counted::within(&connection.load.unread, bytes, connection.unread_bound);
        match (application, connection) {
            (Some(application), Some(connection)) => {
                Ok(Unread { _application: application, _connection: connection })
            }
            (None, _) | (_, None) => {
                Err(Fault::new(Reason::TooManyInFlight)
                    .saying("too much of earlier answers was not read yet"))
            }
        }
    }
}

/// One connection, as far as its exchanges know it.
#[derive(Clone)]
pub(crate) struct Connection {
    pub(crate) peer: std::net::IpAddr,
    /// The certificate that its other side has shown.
    shown: Option<Arc<Shown>>,
    /// Its calls of health and reflection.
    pub(crate) looking: Arc<AtomicUsize>,
    load: Arc<Load>,
    unread_bound: usize,
}

impl Connection {
    pub(crate) fn new(peer: std::net::IpAddr, unread_bound: usize) -> Self {
        Self { peer, shown: None, looking: Arc::default(), load: Arc::default(), unread_bound }
    }

    /// The same connection, with the certificate that its other side has shown.
    pub(crate) fn showing(self, shown: Option<Shown>) -> Self {
        Self { shown: shown.map(Arc::new), ..self }
    }

    /// That certificate, as long as it is good.
    pub(crate) fn certificate(&self) -> Result<Option<&ClientCertificate>, Fault> {
        self.shown.as_ref().map(|shown| shown.certificate()).transpose()
    }
}

impl Counted {
    pub(crate) fn within(counter: &Arc<AtomicUsize>, amount: usize, bound: usize) -> Option<Self> {
        let grown = |now: usize| now.checked_add(amount).filter(|grown| *grown <= bound);
        counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, grown).ok()?;
        Some(Self { counter: counter.clone(), amount })
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.counter.fetch_sub(self.amount, Ordering::Relaxed);
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use std::net::IpAddr;

    use super::*;

    pub(crate) fn application(id: &str, max_in_flight: Option<u32>) -> Application {
        Application {
            id: ApplicationId::parse(id).unwrap(),
            agency: "H13.01".into(),
            connected: true,
            platform_methods: Default::default(),
            max_in_flight,
        }
    }

    fn bounded(in_flight: usize, unread_per_application: usize) -> InFlight {
        InFlight::new(&Exchanges { in_flight, unread_per_application, ..Exchanges::default() })
    }

    #[test]
    fn an_application_at_its_bound_is_refused_and_another_is_not() {
        let in_flight = bounded(10, 0);
        let (one, other) = (application("tthc", Some(1)), application("dkkd", Some(1)));
        let admitted = in_flight.admit(in_flight.enter().unwrap(), &one).unwrap();
        let refused = in_flight.admit(in_flight.enter().unwrap(), &one).unwrap_err();
        assert_eq!(refused.reason(), Reason::TooManyInFlight);
        assert!(in_flight.admit(in_flight.enter().unwrap(), &other).is_ok());
        drop(admitted);
        assert!(in_flight.admit(in_flight.enter().unwrap(), &one).is_ok());
        assert_eq!(in_flight.exchanges(), 0);
    }

    #[test]
    fn a_gateway_at_its_bound_refuses_whoever_calls() {
        let in_flight = bounded(1, 0);
        let _slot = in_flight.enter().unwrap();
        assert_eq!(in_flight.enter().unwrap_err().reason(), Reason::Overloaded);
    }

    #[test]
    fn bulk_has_a_part_of_the_room_of_gateway_application_and_domain_and_leaves_the_rest() {
        for (gateway, per_application, capacity, expected) in
            [(40, 100, 100, 10), (100, 40, 100, 10), (100, 100, 40, 10), (100, 100, 2, 1)]
        {
            let in_flight = InFlight::new(&Exchanges {
                in_flight: gateway,
                in_flight_per_application: per_application,
                bulk_percent: 25,
                ..Exchanges::default()
            });
            let (land, one) = (Arc::from("land"), application("tthc", None));
            let admit = || in_flight.admit(in_flight.enter().unwrap(), &one).unwrap();
            let bulk = || {
                let mut admission = admit();
                in_flight
                    .admit_bulk(&mut admission, &one, &land, capacity)
                    .map(|work| (admission, Some(work)))
            };
            let mut held: Vec<(Admission, Option<Work>)> = (0..expected).map(|_| bulk().unwrap()).collect();
            assert_eq!(bulk().unwrap_err().reason(), Reason::BulkLimited);
            assert_eq!(
                (in_flight.exchanges(), in_flight.bulk()),
                (expected, expected),
                "who is refused is gone"
            );
            held.extend((expected..gateway.min(per_application)).map(|_| (admit(), None)));
            held.remove(0);
            assert!(bulk().is_ok(), "one ended");
        }
    }

    #[test]
    fn bulk_of_one_domain_takes_no_room_of_another() {
        let (in_flight, one) = (bounded(100, 0), application("tthc", None));
        let bulk = |domain: &str| {
            let mut admission = in_flight.admit(in_flight.enter().unwrap(), &one).unwrap();
            in_flight.admit_bulk(&mut admission, &one, &Arc::from(domain), 1).map(|work| (admission, work))
        };
        let _land = bulk("land").unwrap();
        assert!(bulk("land").is_err());
        assert!(bulk("health").is_ok());
    }

    #[test]
    fn an_answer_that_is_read_slowly_takes_room_of_the_gateway_and_none_of_the_domain() {
        let (in_flight, one) = (bounded(100, 0), application("tthc", None));
        let bulk = || {
            let mut admission = in_flight.admit(in_flight.enter().unwrap(), &one).unwrap();
            in_flight.admit_bulk(&mut admission, &one, &Arc::from("land"), 1).map(|work| (admission, work))
        };
        let (slow, work) = bulk().unwrap();
        assert!(bulk().is_err());
        drop(work);
        let next = bulk().expect("the provider is free");
        assert!(bulk().is_err());
        assert_eq!(in_flight.bulk(), 2);
        drop((slow, next));
        assert_eq!(in_flight.bulk(), 0);
    }

    #[test]
    fn unread_answers_count_until_they_are_read_or_given_up() {
        let in_flight = bounded(10, 100);
        let connection = Connection::new(IpAddr::from([127, 0, 0, 1]), 1_000);
        let admission = in_flight.admit(in_flight.enter().unwrap(), &application("tthc", None)).unwrap();
        let unread = in_flight.release(&admission, &connection, 80).unwrap();
        assert!(in_flight.release(&admission, &connection, 30).is_err());
        drop(unread);
        assert!(in_flight.release(&admission, &connection, 30).is_ok());
    }
}
