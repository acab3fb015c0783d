//! What the bus calls.

use std::collections::BTreeSet;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use lgsp_bus::{Inbound, RequestHead};
use lgsp_core::time::{micros, timestamp};
use lgsp_core::{Fault, Reason, Violation, rule};
use lgsp_proto::monitor::v1::monitor_service_server::MonitorService;
use lgsp_proto::monitor::v1::{
    AnnounceMaintenanceRequest, AnnouncedMaintenance, CancelMaintenanceRequest, FollowLinksRequest,
    GetLinkRequest, GetLinkResponse, LinkChange, ListAnnouncedMaintenanceRequest,
    ListAnnouncedMaintenanceResponse, ListLinksRequest, ListLinksResponse, ListMaintenanceRequest,
    ListMaintenanceResponse, Maintenance, ReportAvailabilityRequest, ReportAvailabilityResponse,
};
use tokio::sync::broadcast::error::RecvError;
use tokio::time::{Instant, sleep_until};
use tokio_stream::Stream;
use tonic::{Extensions, Request, Response, Status};
use uuid::Uuid;

use crate::board::Change;
use crate::link::{Id, Kind};
use crate::listen::now_us;
use crate::monitor::{STORE_PATIENCE, Shared};
use crate::uptime::{Known, Times, times};
use crate::window::{self, Window};

/// Changes of one answer.
const MOST_SHOWN: usize = 500;
/// The period of a link's history, unless another is asked for.
const USUAL_US: i64 = 30 * 24 * 3_600 * 1_000_000;
/// How far in the past an announcement may begin: as long as it takes to send it.
const LATE_US: i64 = 60_000_000;
/// A stream ends so long before its deadline, so that its end is a good one.
const MARGIN: Duration = Duration::from_secs(1);
/// A caller who brings no deadline follows no longer than this.
const LONGEST_STREAM: Duration = Duration::from_secs(60 * 60);

type Availabilities = Pin<Box<dyn Stream<Item = Result<ReportAvailabilityResponse, Status>> + Send>>;
type Changes = Pin<Box<dyn Stream<Item = Result<LinkChange, Status>> + Send>>;

/// The monitor's service, as the bus serves it.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub shared: Arc<Shared>,
}

impl Service {
    async fn link(&self, request: GetLinkRequest) -> Result<GetLinkResponse, Fault> {
        let id = Id::parse(&request.id).ok_or(Reason::NotFound)?;
        let now_us = now_us();
        let until_us = request.until.as_ref().map_or(now_us, micros).min(now_us);
        let from_us = request.since.as_ref().map_or(until_us.saturating_sub(USUAL_US), micros);
        if from_us > until_us {
            return Err(Fault::invalid(vec![violation("since", rule!("is after the end"))]));
        }
        let (period, soon) = ((from_us, until_us), Instant::now() + STORE_PATIENCE);
        let history = &self.shared.history;
        let (changes, is_cut) = history.of(&id, period, soon).await.map_err(unanswered)?;
        let watched = history.watched(period, soon).await.map_err(unanswered)?;
        let doubted = history.doubted(&id, period, soon).await.map_err(unanswered)?;
        let link = self.shared.board.lock().shown_of(&id, now_us);
        if link.is_none() && changes.is_empty() {
            return Err(Reason::NotFound.into());
        }
        let known = Known { changes: &changes, watched: &watched, doubted: &doubted };
        let Times { announced_us, unannounced_us, unobserved_us, .. } = times(known, period);
        let within = changes.iter().rev().filter(|change| change.at_us >= from_us);
        Ok(GetLinkResponse {
            link,
            changes: within.take(MOST_SHOWN).map(Change::told).collect(),
            announced_down_ms: millis(announced_us),
            unannounced_down_ms: millis(unannounced_us),
            unobserved_ms: millis(unobserved_us),
            is_cut,
        })
    }

    async fn announce(
        &self,
        head: &RequestHead,
        request: AnnounceMaintenanceRequest,
    ) -> Result<Maintenance, Fault> {
        let now_us = now_us();
        let announcing = self.shared.announcing.lock().await;
        let links = self.links(&request)?;
        let from_us = request.from.as_ref().map_or(now_us, micros);
        let until_us = request.until.as_ref().map_or(0, micros);
        let mut violations = Vec::new();
        if from_us < now_us - LATE_US {
            violations.push(violation("from", rule!("is in the past")));
        }
        if until_us <= from_us || until_us <= now_us {
            violations.push(violation("until", rule!("is not after the beginning, or in the past")));
        } else if until_us - from_us > window::LONGEST_US {
            violations.push(violation("until", rule!("is more than 7 days after the beginning")));
        }
        if !violations.is_empty() {
            return Err(Fault::invalid(violations));
        }
        let open = self.shared.board.lock().windows.iter().filter(|it| it.end_us() > now_us).count();
        if open >= window::MOST {
            return Err(Fault::new(Reason::AdapterOverloaded).saying("too much is announced: cancel some"));
        }
        let window = Window {
            id: Uuid::now_v7().to_string(),
            links,
            from_us,
            until_us,
            reason: request.reason,
            announced_by: who(head),
            announced_us: now_us,
            cancelled_us: 0,
            cancelled_by: String::new(),
        };
        self.put(&window).await?;
        drop(announcing);
        Ok(maintenance(&window))
    }

    /// The links of an announcement, all of which are known.
    fn links(&self, request: &AnnounceMaintenanceRequest) -> Result<Vec<Id>, Fault> {
        let board = self.shared.board.lock();
        let known: BTreeSet<&Id> = board.ids().collect();
        let (mut links, mut violations) = (BTreeSet::new(), Vec::new());
        for named in &request.links {
            match Id::parse(named).filter(|id| known.contains(id)) {
                Some(id) => drop(links.insert(id)),
                None => violations.push(violation("links", rule!("is no link that the monitor knows"))),
            }
        }
        for named in &request.services {
            let service = lgsp_proto::pool().get_service_by_name(named);
            let domain = service.map(|service| lgsp_proto::options::service(&service).domain);
            let provider = domain.map(|domain| Id::new(Kind::Provider, domain));
            match provider.filter(|id| known.contains(id)) {
                Some(id) => drop(links.insert(id)),
                None => violations.push(violation(
                    "services",
                    rule!("has no provider that the monitor knows: name its links"),
                )),
            }
        }
        if links.is_empty() && violations.is_empty() {
            violations.push(violation("links", rule!("is required")));
        }
        if violations.is_empty() { Ok(links.into_iter().collect()) } else { Err(Fault::invalid(violations)) }
    }

    async fn cancel(&self, head: &RequestHead, id: &str) -> Result<Maintenance, Fault> {
        let announcing = self.shared.announcing.lock().await;
        let known = self.shared.board.lock().windows.iter().find(|window| window.id == id).cloned();
        let mut window = known.ok_or(Reason::NotFound)?;
        let now_us = now_us();
        // What is over stays as it was.
        if window.end_us() > now_us {
            (window.cancelled_us, window.cancelled_by) = (now_us, who(head));
            self.put(&window).await?;
        }
        drop(announcing);
        Ok(maintenance(&window))
    }

    /// Written down first: what a restart would not know of is not announced.
    async fn put(&self, window: &Window) -> Result<(), Fault> {
        let soon = Instant::now() + STORE_PATIENCE;
        self.shared.history.put(window, soon).await.map_err(unanswered)?;
        let read = self.shared.history.windows(now_us(), soon).await.map_err(unanswered)?;
        self.shared.board.lock().windows = read;
        Ok(())
    }

    fn follow(&self, deadline: Instant) -> Result<Changes, Fault> {
        let place = self.shared.followers.clone().try_acquire_owned();
        let place =
            place.map_err(|_| Fault::new(Reason::AdapterOverloaded).saying("too many follow already"))?;
        let (mut changes, leaving) = (self.shared.changes.subscribe(), self.shared.leaving.clone());
        let until = deadline.checked_sub(MARGIN).unwrap_or(deadline);
        Ok(Box::pin(async_stream::stream! {
            let _place = place;
            loop {
                let received = tokio::select! {
                    received = changes.recv() => received,
                    () = sleep_until(until) => return,
                    () = leaving.cancelled() => return,
                };
                match received {
                    Ok(change) => yield Ok(change),
                    Err(RecvError::Closed) => return,
                    Err(RecvError::Lagged(_)) => {
                        let slow = Fault::new(Reason::AdapterOverloaded).saying("the follower was too slow");
                        yield Err(lgsp_bus::status(&slow));
                        return;
                    }
                }
            }
        }))
    }
}

pub(crate) fn violation(field: &str, rule: lgsp_core::said::Rule) -> Violation {
    Violation { field: field.to_owned(), rule: rule.into() }
}

pub(crate) fn unanswered(error: lgsp_store::Error) -> Fault {
    Fault::new(Reason::SourceUnavailable).because(error)
}

pub(crate) fn millis(micros: i64) -> u64 {
    u64::try_from(micros / 1_000).unwrap_or(0)
}

/// The person who has signed in, or else the application that calls.
pub(crate) fn who(head: &RequestHead) -> String {
    head.person.as_ref().map_or_else(|| head.application.to_string(), ToString::to_string)
}

fn maintenance(window: &Window) -> Maintenance {
    let moment = |us: i64| (us != 0).then(|| timestamp(us));
    Maintenance {
        id: window.id.clone(),
        links: window.links.iter().map(ToString::to_string).collect(),
        from: moment(window.from_us),
        until: moment(window.end_us()),
        reason: window.reason.clone(),
        announced_by: window.announced_by.clone(),
        announced: moment(window.announced_us),
        cancelled: moment(window.cancelled_us),
        cancelled_by: window.cancelled_by.clone(),
    }
}

/// What everybody who is connected may know of a window; `None` if it is over, or is about nothing that they call.
fn announced(window: &Window, now_us: i64) -> Option<AnnouncedMaintenance> {
    let is_over = window.end_us() <= now_us.max(window.from_us);
    let every_domain = window.links.iter().any(|link| link.kind == Kind::Broker);
    let domains: BTreeSet<&str> = window.links.iter().filter_map(Id::domain).collect();
    if is_over || (domains.is_empty() && !every_domain) {
        return None;
    }
    Some(AnnouncedMaintenance {
        domains: domains.into_iter().map(str::to_owned).collect(),
        every_domain,
        from: Some(timestamp(window.from_us)),
        until: Some(timestamp(window.end_us())),
        reason: window.reason.clone(),
    })
}

/// Who calls: without, nothing is announced.
pub(crate) fn head(extensions: &Extensions) -> Result<&RequestHead, Status> {
    let head = extensions.get::<Inbound>().map(|inbound| &inbound.head);
    head.ok_or_else(|| lgsp_bus::status(&Reason::Internal.into()))
}

fn deadline(extensions: &Extensions) -> Instant {
    let longest = Instant::now() + LONGEST_STREAM;
    let Some(inbound) = extensions.get::<Inbound>() else { return longest };
    let at = UNIX_EPOCH + Duration::from_micros(u64::try_from(inbound.head.deadline_us).unwrap_or(0));
    longest.min(Instant::now() + at.duration_since(std::time::SystemTime::now()).unwrap_or_default())
}

pub(crate) fn answer<T>(answered: Result<T, Fault>) -> Result<Response<T>, Status> {
    answered.map(Response::new).map_err(|fault| lgsp_bus::status(&fault))
}

#[tonic::async_trait]
impl MonitorService for Service {
    async fn list_links(&self, _: Request<ListLinksRequest>) -> Result<Response<ListLinksResponse>, Status> {
        let now_us = now_us();
        let links = self.shared.board.lock().shown(now_us);
        Ok(Response::new(ListLinksResponse { links, at: Some(timestamp(now_us)) }))
    }

    async fn get_link(&self, request: Request<GetLinkRequest>) -> Result<Response<GetLinkResponse>, Status> {
        answer(self.link(request.into_inner()).await)
    }

    type ReportAvailabilityStream = Availabilities;

    async fn report_availability(
        &self,
        request: Request<ReportAvailabilityRequest>,
    ) -> Result<Response<Self::ReportAvailabilityStream>, Status> {
        let told = self.availability(&request.into_inner()).await;
        answer(told.map(|told| -> Availabilities { Box::pin(tokio_stream::iter(told.into_iter().map(Ok))) }))
    }

    type FollowLinksStream = Changes;

    async fn follow_links(
        &self,
        request: Request<FollowLinksRequest>,
    ) -> Result<Response<Self::FollowLinksStream>, Status> {
        answer(self.follow(deadline(request.extensions())))
    }

    async fn announce_maintenance(
        &self,
        request: Request<AnnounceMaintenanceRequest>,
    ) -> Result<Response<Maintenance>, Status> {
        let (_, extensions, request) = request.into_parts();
        answer(self.announce(head(&extensions)?, request).await)
    }

    async fn list_maintenance(
        &self,
        _: Request<ListMaintenanceRequest>,
    ) -> Result<Response<ListMaintenanceResponse>, Status> {
        let maintenance = self.shared.board.lock().windows.iter().map(maintenance).collect();
        Ok(Response::new(ListMaintenanceResponse { maintenance }))
    }

    async fn list_announced_maintenance(
        &self,
        _: Request<ListAnnouncedMaintenanceRequest>,
    ) -> Result<Response<ListAnnouncedMaintenanceResponse>, Status> {
        let now_us = now_us();
        let maintenance =
            self.shared.board.lock().windows.iter().filter_map(|it| announced(it, now_us)).collect();
        Ok(Response::new(ListAnnouncedMaintenanceResponse { maintenance }))
    }

    async fn cancel_maintenance(
        &self,
        request: Request<CancelMaintenanceRequest>,
    ) -> Result<Response<Maintenance>, Status> {
        let (_, extensions, request) = request.into_parts();
        answer(self.cancel(head(&extensions)?, &request.id).await)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_everybody_may_know_of_maintenance_is_what_runs_or_comes_and_the_domains_that_it_is_about() {
        let window = |links: &[&str]| Window {
            id: "0197f0d4".to_owned(),
            links: links.iter().filter_map(|link| Id::parse(link)).collect(),
            from_us: 10,
            until_us: 20,
            reason: "thay đĩa".to_owned(),
            announced_by: "dieu-hanh".to_owned(),
            announced_us: 1,
            cancelled_us: 0,
            cancelled_by: String::new(),
        };
        let told =
            |window: &Window, now_us| announced(window, now_us).map(|it| (it.domains, it.every_domain));
        let land = || Some((vec!["land".to_owned()], false));
        for (links, expected) in [
            (&["provider/land", "application/tthc"][..], land()),
            (&["source/land/office", "source/land/maps"], land()),
            (&["broker/kafka"], Some((Vec::new(), true))),
            (&["application/tthc", "witness/a.vn/w"], None),
        ] {
            assert_eq!(told(&window(links), 0), expected, "{links:?}");
        }
        let near = window(&["provider/land"]);
        assert_eq!((told(&near, 19), told(&near, 20)), (land(), None));
        let cancelled = |cancelled_us| Window { cancelled_us, ..window(&["provider/land"]) };
        assert_eq!(
            (told(&cancelled(5), 6), told(&cancelled(5), 5), told(&cancelled(15), 15)),
            (None, None, None)
        );
        let shown = announced(&cancelled(15), 12).unwrap();
        assert_eq!((shown.until, shown.reason.as_str()), (Some(timestamp(15)), "thay đĩa"));
    }
}
