//! What the gateway says of its health, as a whole and of each service.
//!
//! Four things decide it that change on their own: the rules, the broker, the subject key of the month, and whether the
//! gateway leaves. What is said follows from all of them at every change of one.

use std::collections::{BTreeMap, BTreeSet};

use tokio::sync::Mutex;
use tonic_health::ServingStatus;
use tonic_health::server::HealthReporter;

/// The name that stands for the gateway as a whole.
const WHOLE: &str = "";

/// The health of a gateway.
pub(crate) struct Health {
    reporter: HealthReporter,
    known: Mutex<Known>,
}

/// What decides, and what was said last.
#[derive(Default)]
struct Known {
    /// The services that callers may see; `None` without rules.
    open: Option<BTreeSet<String>>,
    has_broker: bool,
    has_key: bool,
    leaves: bool,
    /// One for each service that rules have ever opened; only a signed snapshot adds a name.
    serving: BTreeMap<String, bool>,
}

impl Health {
    /// Without rules, a broker and a subject key: not serving.
    pub(crate) async fn new(reporter: HealthReporter) -> Self {
        reporter.set_service_status(WHOLE, ServingStatus::NotServing).await;
        Self { reporter, known: Mutex::default() }
    }

    /// Follows new rules. A service that they no longer open is not serving from now on.
    pub(crate) async fn open(&self, services: impl IntoIterator<Item = String>) {
        self.tell(|known| known.open = Some(services.into_iter().collect())).await;
    }

    /// The broker is there.
    pub(crate) async fn find_broker(&self) {
        self.tell(|known| known.has_broker = true).await;
    }

    /// The broker is not there: no exchange can be served.
    pub(crate) async fn lose_broker(&self) {
        self.tell(|known| known.has_broker = false).await;
    }

    /// The subject key of the month is there.
    pub(crate) async fn find_key(&self) {
        self.tell(|known| known.has_key = true).await;
    }

    /// The subject key of the month is not there: no subject could be named, and so no exchange entered.
    pub(crate) async fn lose_key(&self) {
        self.tell(|known| known.has_key = false).await;
    }

    /// Whatever comes, nothing is served any more.
    pub(crate) async fn leave(&self) {
        self.tell(|known| known.leaves = true).await;
    }

    /// Says what has changed. The lock is held meanwhile, so that two changes are said in their order.
    async fn tell(&self, change: impl FnOnce(&mut Known)) {
        let mut known = self.known.lock().await;
        change(&mut known);
        for (service, serves) in known.changed() {
            let status = if serves { ServingStatus::Serving } else { ServingStatus::NotServing };
            self.reporter.set_service_status(&service, status).await;
            known.serving.insert(service, serves);
        }
    }
}

impl Known {
    /// The services of which something else is to be said than before.
    fn changed(&self) -> Vec<(String, bool)> {
        let none = BTreeSet::new();
        let open = self.open.as_ref().unwrap_or(&none);
        let serves = self.open.is_some() && self.has_broker && self.has_key && !self.leaves;
        let names: BTreeSet<&str> =
            self.serving.keys().chain(open).map(String::as_str).chain([WHOLE]).collect();
        let now = names.into_iter().map(|name| (name, serves && (name == WHOLE || open.contains(name))));
        let changed = now.filter(|(name, serves)| self.serving.get(*name) != Some(serves));
        changed.map(|(name, serves)| (name.to_owned(), serves)).collect()
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use tonic::Request;
    use tonic_health::pb::HealthCheckRequest;
    use tonic_health::pb::health_check_response::ServingStatus::{self, NotServing, Serving};
    use tonic_health::pb::health_server::Health as _;
    use tonic_health::server::HealthService;

    use super::*;

    pub(crate) const LAND: &str = "lgsp.land.v1.LandService";
    const HEALTH: &str = "lgsp.health.v1.HealthService";

    /// The health of a gateway that has its broker and its key, and no rules yet.
    async fn health() -> Health {
        let health = Health::new(HealthReporter::new()).await;
        health.find_broker().await;
        health.find_key().await;
        health
    }

    pub(crate) async fn open(health: &Health, services: &[&str]) {
        health.open(services.iter().map(|name| (*name).to_owned())).await;
    }

    pub(crate) async fn told(health: &Health, service: &str) -> ServingStatus {
        let server = HealthService::from_health_reporter(health.reporter.clone());
        let request = Request::new(HealthCheckRequest { service: service.to_owned() });
        server.check(request).await.unwrap().into_inner().status()
    }

    #[tokio::test]
    async fn a_service_that_is_withdrawn_serves_no_more() {
        let health = health().await;
        assert_eq!(told(&health, "").await, NotServing);
        open(&health, &[LAND, HEALTH]).await;
        open(&health, &[LAND]).await;
        assert_eq!(told(&health, LAND).await, Serving);
        assert_eq!(told(&health, HEALTH).await, NotServing);
        assert_eq!(told(&health, "").await, Serving);
        open(&health, &[LAND, HEALTH]).await;
        assert_eq!(told(&health, HEALTH).await, Serving);
    }

    #[tokio::test]
    async fn a_gateway_that_leaves_serves_nothing_whatever_comes() {
        let health = health().await;
        open(&health, &[LAND]).await;
        health.leave().await;
        open(&health, &[LAND, HEALTH]).await;
        health.find_broker().await;
        for service in ["", LAND, HEALTH] {
            assert_eq!(told(&health, service).await, NotServing, "{service:?}");
        }
    }

    #[tokio::test]
    async fn nothing_is_served_while_the_broker_is_lost() {
        let health = health().await;
        open(&health, &[LAND]).await;
        health.lose_broker().await;
        open(&health, &[LAND, HEALTH]).await;
        for service in ["", LAND, HEALTH] {
            assert_eq!(told(&health, service).await, NotServing, "{service:?}");
        }
        health.find_broker().await;
        for service in ["", LAND, HEALTH] {
            assert_eq!(told(&health, service).await, Serving, "{service:?}");
        }
    }

    #[tokio::test]
    async fn nothing_is_served_while_the_subject_key_of_the_month_is_missing() {
        let health = health().await;
        health.lose_key().await;
        open(&health, &[LAND]).await;
        for service in ["", LAND] {
            assert_eq!(told(&health, service).await, NotServing, "{service:?}");
        }
        health.find_key().await;
        for service in ["", LAND] {
            assert_eq!(told(&health, service).await, Serving, "{service:?}");
        }
    }
}
