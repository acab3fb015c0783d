//! Tells how every link was in a period, for its report.

use lgsp_core::indicators::midnight_after;
use lgsp_core::time::{micros, timestamp};
use lgsp_core::{Fault, rule};
use lgsp_proto::monitor::v1::{LinkAvailability, ReportAvailabilityRequest, ReportAvailabilityResponse};
use tokio::time::Instant;

use crate::link::Id;
use crate::listen::now_us;
use crate::monitor::STORE_PATIENCE;
use crate::service::{Service, millis, unanswered, violation};
use crate::uptime::{Known, times};

/// Links of one message.
const AT_ONCE: usize = 500;

impl Service {
    /// How each link was that there was before the period ended.
    ///
    /// # Errors
    /// The period is none, or the store did not answer.
    pub async fn availability(
        &self,
        request: &ReportAvailabilityRequest,
    ) -> Result<Vec<ReportAvailabilityResponse>, Fault> {
        let now_us = now_us();
        let (since_us, asked_us) = period(request)?;
        let until_us = asked_us.min(now_us).max(since_us);
        // A whole day: two reports of one day say the same.
        let kept_us = midnight_after(now_us.saturating_sub(self.shared.keep_us));
        let known_us = since_us.max(kept_us).min(until_us);
        let (history, soon) = (&self.shared.history, || Instant::now() + STORE_PATIENCE);
        let watched = history.watched((known_us, until_us), soon()).await.map_err(unanswered)?;
        let mut links = Vec::new();
        for link in history.links(until_us, soon()).await.map_err(unanswered)? {
            let of = self.of(&link, &watched, (known_us, until_us)).await.map_err(unanswered)?;
            let before_ms = millis(known_us - since_us);
            links.extend(of.map(|of| LinkAvailability { unobserved_ms: of.unobserved_ms + before_ms, ..of }));
        }
        let mut messages: Vec<ReportAvailabilityResponse> = vec![ReportAvailabilityResponse {
            kept_since: Some(timestamp(kept_us)),
            told_until: Some(timestamp(until_us)),
            links: Vec::new(),
        }];
        messages.extend(links.chunks(AT_ONCE).map(|links| ReportAvailabilityResponse {
            links: links.to_vec(),
            ..ReportAvailabilityResponse::default()
        }));
        Ok(messages)
    }

    /// How one link was; `None` if it was gone before the period began.
    async fn of(
        &self,
        link: &Id,
        watched: &[(i64, i64)],
        period: (i64, i64),
    ) -> Result<Option<LinkAvailability>, lgsp_store::Error> {
        let (history, soon) = (&self.shared.history, Instant::now() + STORE_PATIENCE);
        // More changes than are read are the newest: what was before them is not known.
        let (changes, _) = history.of(link, period, soon).await?;
        let doubted = history.doubted(link, period, soon).await?;
        let known = Known { changes: &changes, watched, doubted: &doubted };
        let told = times(known, period);
        let changed = changes.iter().any(|change| change.at_us >= period.0);
        let is_gone = told.unobserved_us == period.1 - period.0 && !changed && !watched.is_empty();
        Ok((!is_gone).then(|| LinkAvailability {
            link: link.to_string(),
            up_ms: millis(told.up_us),
            silent_ms: millis(told.silent_us),
            announced_down_ms: millis(told.announced_us),
            unannounced_down_ms: millis(told.unannounced_us),
            unobserved_ms: millis(told.unobserved_us),
        }))
    }
}

fn period(request: &ReportAvailabilityRequest) -> Result<(i64, i64), Fault> {
    let moment = |moment: &Option<_>| moment.as_ref().map_or(0, micros);
    let (since_us, until_us) = (moment(&request.since), moment(&request.until));
    if since_us > until_us {
        return Err(Fault::invalid(vec![violation("since", rule!("is after the end"))]));
    }
    Ok((since_us, until_us))
}
