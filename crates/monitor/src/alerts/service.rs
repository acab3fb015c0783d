//! What the bus calls: alerts, acknowledgements and silences.

use std::sync::Arc;

use lgsp_bus::RequestHead;
use lgsp_core::time::{micros, timestamp};
use lgsp_core::{Fault, Reason, Violation, rule};
use lgsp_proto::monitor::v1::alert_service_server::AlertService;
use lgsp_proto::monitor::v1::{
    AcknowledgeAlertRequest, Alert, AlertMatcher, AlertState, EndSilenceRequest, GetAlertRequest,
    GetAlertResponse, ListAlertsRequest, ListAlertsResponse, ListSilencesRequest, ListSilencesResponse,
    Silence, SilenceAlertsRequest,
};
use tokio::time::Instant;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use super::alert::Acknowledged;
use super::roll::View;
use super::rule::Rule;
use super::silence::{self, Matcher};
use super::watch::Alerts;
use crate::listen::now_us;
use crate::monitor::{STORE_PATIENCE, Shared};
use crate::service::{answer, head, unanswered, violation, who};

/// The alerts' service, as the bus serves it.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub shared: Arc<Shared>,
}

impl Service {
    fn alerts(&self) -> &Alerts {
        &self.shared.alerts
    }

    async fn list(&self, request: ListAlertsRequest) -> Result<ListAlertsResponse, Fault> {
        let now_us = now_us();
        let mut views = self.alerts().roll.lock().views(now_us);
        views.retain(|view| view.state != AlertState::Resolved);
        views.sort_by_key(|view| {
            (rank(view.state), std::cmp::Reverse(view.alert.finding.severity), view.alert.since_us)
        });
        let mut alerts: Vec<Alert> = views.iter().map(View::told).collect();
        if let Some(since) = &request.resolved_since {
            let resolved = self.alerts().kept.resolved(micros(since), Instant::now() + STORE_PATIENCE).await;
            let resolved = resolved.map_err(unanswered)?;
            alerts.extend(resolved.into_iter().map(|alert| View::of_the_past(alert).told()));
        }
        let untold_receivers = self.alerts().telling.untold();
        Ok(ListAlertsResponse { alerts, at: Some(timestamp(now_us)), untold_receivers })
    }

    async fn get(&self, id: &str) -> Result<GetAlertResponse, Fault> {
        let id = uuid(id)?;
        let at_hand = self.alerts().roll.lock().views(now_us()).into_iter().find(|view| view.alert.id == id);
        let (kept, soon) = (&self.alerts().kept, Instant::now() + STORE_PATIENCE);
        let view = match at_hand {
            Some(view) => view,
            None => View::of_the_past(kept.of(id, soon).await.map_err(unanswered)?.ok_or(Reason::NotFound)?),
        };
        let earlier = kept.earlier(&view.alert, soon).await.map_err(unanswered)?;
        let earlier = earlier.into_iter().map(|alert| View::of_the_past(alert).told());
        Ok(GetAlertResponse { alert: Some(view.told()), earlier: earlier.collect() })
    }

    async fn acknowledge(
        &self,
        head: &RequestHead,
        request: AcknowledgeAlertRequest,
    ) -> Result<Alert, Fault> {
        let id = uuid(&request.id)?;
        let acknowledged = Acknowledged { at_us: now_us(), by: who(head), note: request.note };
        if let Some(view) = self.alerts().acknowledge(id, acknowledged).await.map_err(unanswered)? {
            return Ok(view.told());
        }
        let soon = Instant::now() + STORE_PATIENCE;
        let is_known = self.alerts().kept.of(id, soon).await.map_err(unanswered)?.is_some();
        let is_pending = || self.alerts().roll.lock().views(now_us()).iter().any(|view| view.alert.id == id);
        if is_known || is_pending() {
            return Err(Fault::invalid(vec![violation("id", rule!("is resolved, or does not fire yet"))]));
        }
        Err(Reason::NotFound.into())
    }

    async fn silence(&self, head: &RequestHead, request: SilenceAlertsRequest) -> Result<Silence, Fault> {
        let now_us = now_us();
        let mut violations = Vec::new();
        let matcher = matcher(request.matcher.unwrap_or_default(), &mut violations);
        let until_us = request.until.as_ref().map_or(0, micros);
        if until_us <= now_us {
            violations.push(violation("until", rule!("is in the past")));
        } else if until_us - now_us > silence::LONGEST_US {
            violations.push(violation("until", rule!("is more than 30 days ahead")));
        }
        if !violations.is_empty() {
            return Err(Fault::invalid(violations));
        }
        let _deciding = self.alerts().deciding.lock().await;
        let open = self.alerts().roll.lock().silences.iter().filter(|it| it.end_us() > now_us).count();
        if open >= silence::MOST {
            return Err(Fault::new(Reason::AdapterOverloaded).saying("too much is silenced: end some"));
        }
        let silence = silence::Silence {
            id: Uuid::now_v7().to_string(),
            matcher,
            from_us: now_us,
            until_us,
            reason: request.reason,
            made_by: who(head),
            ended_us: 0,
            ended_by: String::new(),
        };
        self.put(&silence).await
    }

    async fn end(&self, head: &RequestHead, id: &str) -> Result<Silence, Fault> {
        let _deciding = self.alerts().deciding.lock().await;
        let known = self.alerts().roll.lock().silences.iter().find(|silence| silence.id == id).cloned();
        let mut silence = known.ok_or(Reason::NotFound)?;
        let now_us = now_us();
        // What is over stays as it was.
        if silence.end_us() > now_us {
            (silence.ended_us, silence.ended_by) = (now_us, who(head));
        }
        self.put(&silence).await
    }

    async fn put(&self, silence: &silence::Silence) -> Result<Silence, Fault> {
        self.alerts().silence(silence).await.map_err(unanswered)?;
        Ok(self.told(silence))
    }

    fn told(&self, silence: &silence::Silence) -> Silence {
        let alerts = if silence.holds(now_us()) { self.alerts().roll.lock().silenced_by(silence) } else { 0 };
        silence.told(alerts)
    }
}

/// The worst first, and what nobody has to act on last.
fn rank(state: AlertState) -> u8 {
    match state {
        AlertState::Firing => 0,
        AlertState::Acknowledged => 1,
        AlertState::Pending => 2,
        AlertState::Silenced => 3,
        AlertState::Resolved | AlertState::Unspecified => 4,
    }
}

fn matcher(asked: AlertMatcher, violations: &mut Vec<Violation>) -> Matcher {
    let rule = Rule::from_name(&asked.rule);
    if rule.is_none() && !asked.rule.is_empty() {
        violations.push(violation("matcher.rule", rule!("is no rule of alerts")));
    }
    let matcher = Matcher { rule, subject: asked.subject, owner: asked.owner };
    if matcher.names_nothing() && asked.rule.is_empty() {
        violations.push(violation("matcher", rule!("is required")));
    }
    matcher
}

fn uuid(text: &str) -> Result<Uuid, Fault> {
    text.parse().map_err(|_| Reason::NotFound.into())
}

#[tonic::async_trait]
impl AlertService for Service {
    async fn list_alerts(
        &self,
        request: Request<ListAlertsRequest>,
    ) -> Result<Response<ListAlertsResponse>, Status> {
        answer(self.list(request.into_inner()).await)
    }

    async fn get_alert(
        &self,
        request: Request<GetAlertRequest>,
    ) -> Result<Response<GetAlertResponse>, Status> {
        answer(self.get(&request.into_inner().id).await)
    }

    async fn acknowledge_alert(
        &self,
        request: Request<AcknowledgeAlertRequest>,
    ) -> Result<Response<Alert>, Status> {
        let (_, extensions, request) = request.into_parts();
        answer(self.acknowledge(head(&extensions)?, request).await)
    }

    async fn silence_alerts(
        &self,
        request: Request<SilenceAlertsRequest>,
    ) -> Result<Response<Silence>, Status> {
        let (_, extensions, request) = request.into_parts();
        answer(self.silence(head(&extensions)?, request).await)
    }

    async fn list_silences(
        &self,
        _: Request<ListSilencesRequest>,
    ) -> Result<Response<ListSilencesResponse>, Status> {
        let known = self.alerts().roll.lock().silences.clone();
        let silences = known.iter().map(|silence| self.told(silence)).collect();
        Ok(Response::new(ListSilencesResponse { silences }))
    }

    async fn end_silence(&self, request: Request<EndSilenceRequest>) -> Result<Response<Silence>, Status> {
        let (_, extensions, request) = request.into_parts();
        answer(self.end(head(&extensions)?, &request.id).await)
    }
}
