//! Searches page by page, counts and follows.

use lgsp_core::Fault;
use lgsp_proto::ledger::v1::{
    CountExchangesRequest, CountExchangesResponse, Exchange, FollowAuditRequest, OutcomeCount,
    SearchExchangesRequest, SearchExchangesResponse,
};
use tokio::time::Instant;
use tokio_stream::StreamExt;

use super::Audit;
use super::filter;
use super::service::Told;
use crate::page;
use crate::service::{page_size, that_fit, unanswered};

impl Audit {
    pub(super) async fn search(
        &self,
        request: SearchExchangesRequest,
        deadline: Instant,
    ) -> Result<SearchExchangesResponse, Fault> {
        let limit = page_size(request.page_size)?;
        let filter = request.filter.unwrap_or_default();
        let after = page::read(&request.page_token, "page_token", &filter)?;
        self.log.catch_up(deadline).await;
        let mut wanted = self.wanted(&filter, deadline).await?;
        (wanted.search.after, wanted.search.limit) = (after, limit + 1);
        let mut found = self.log.index.search(&wanted.search, deadline).await.map_err(unanswered)?;
        let has_more = found.len() > limit;
        found.truncate(limit);
        let mut exchanges = self.log.read(found.clone()).await?;
        let fit = that_fit(&exchanges);
        let is_cut = has_more || fit < exchanges.len();
        exchanges.truncate(fit);
        let last = fit.checked_sub(1).and_then(|last| found.get(last)).filter(|_| is_cut);
        let next_page_token = last.map(|last| page::write(&last.at, &filter)).unwrap_or_default();
        let archived = self.log.shelf.within(wanted.search.since_us, wanted.search.until_us);
        let unlinked_months = wanted.unlinked_months;
        Ok(SearchExchangesResponse { exchanges, next_page_token, unlinked_months, archived })
    }

    pub(super) async fn count(
        &self,
        request: CountExchangesRequest,
        deadline: Instant,
    ) -> Result<CountExchangesResponse, Fault> {
        self.log.catch_up(deadline).await;
        let wanted = self.wanted(&request.filter.unwrap_or_default(), deadline).await?;
        let counts = self.log.index.count(&wanted.search, deadline).await.map_err(unanswered)?;
        let told = (0..).zip(counts).filter(|(_, count)| *count > 0);
        Ok(CountExchangesResponse {
            total: counts.iter().sum(),
            outcomes: told.map(|(outcome, count)| OutcomeCount { outcome, count }).collect(),
            unlinked_months: wanted.unlinked_months,
            archived: self.log.shelf.within(wanted.search.since_us, wanted.search.until_us),
        })
    }

    pub(super) fn follow(
        &self,
        application: &str,
        request: FollowAuditRequest,
        deadline: Instant,
    ) -> Result<Told<Exchange>, Fault> {
        let wanted = filter::read(&self.log.index.key, &request.filter.unwrap_or_default())?;
        let exchanges = self.log.followers.follow(application, |_: &Exchange| true, deadline)?;
        let audit = self.clone();
        Ok(Box::pin(async_stream::try_stream! {
            tokio::pin!(exchanges);
            while let Some(exchange) = exchanges.next().await {
                let exchange = exchange?;
                let is_wanted = audit.is_wanted(&wanted, &exchange, deadline).await;
                if is_wanted.map_err(|fault| lgsp_bus::status(&fault))? {
                    yield exchange;
                }
            }
        }))
    }
}

#[cfg(test)]
mod tests {
    use lgsp_core::Outcome;

    #[test]
    fn outcomes_are_counted_by_their_numbers() {
        let numbers = (0..).map_while(|number| Outcome::try_from(number).ok()).count();
        assert_eq!(numbers, crate::index::Counts::default().len());
    }
}
