//! Answers lists, follows and completeness. It reads what is filed, and never stands in the way of the intake.

use std::pin::Pin;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use lgsp_bus::Inbound;
use lgsp_core::time::unix_micros;
use lgsp_core::{ApplicationId, ExchangeId, Fault, Reason, Violation};
use lgsp_proto::ledger::v1::ledger_service_server::LedgerService;
use lgsp_proto::ledger::v1::{
    CountTrafficRequest, Exchange, ExchangeFilter, FollowExchangesRequest, GetCompletenessRequest,
    GetCompletenessResponse, ListExchangesRequest, ListExchangesResponse, Sealed, TrafficCounts,
};
use prost::Message;
use tokio::time::Instant;
use tokio_stream::Stream;
use tonic::{Extensions, Request, Response, Status};

use crate::abandon::Open;
use crate::damage::Damages;
use crate::files::log::{self, Place};
use crate::filing::Filed;
use crate::follow::{Followers, Wanted};
use crate::index::{Found, Index, Query};
use crate::keep::Shelf;
use crate::{disk, entry, page};

/// Entries of a page, unless another number is asked for.
const DEFAULT_PAGE: usize = 100;
const LARGEST_PAGE: usize = 1_000;
/// Most encoded bytes of one page: the embedded broker carries answers of 1 MiB.
pub(crate) const MOST_PAGE_BYTES: usize = 768 * 1024;
/// Most gateway instances that completeness tells of.
pub(crate) const MOST_GATEWAYS: usize = 200;
/// How long a list waits for what is durable and not filed yet. If that takes longer, the list tells what is filed.
const CATCH_UP: Duration = Duration::from_secs(5);
/// A caller who brings no deadline waits no longer than this.
pub(crate) const LONGEST: Duration = Duration::from_secs(10);
/// Distinct dossiers of a year are read from its entries.
const LONGEST_COUNT: Duration = Duration::from_secs(60);
pub(crate) const LONGEST_STREAM: Duration = Duration::from_secs(60 * 60);

type Exchanges = Pin<Box<dyn Stream<Item = Result<Exchange, Status>> + Send>>;

/// The ledger's service, as the bus serves it.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    /// What is archived: it changes while no ledger runs.
    pub shelf: Arc<Shelf>,
    pub index: Index,
    pub log: log::Reader,
    pub filed: Filed,
    pub followers: Followers,
    pub open: Arc<Open>,
    pub damages: Damages,
}

impl Service {
    async fn list(
        &self,
        request: ListExchangesRequest,
        deadline: Instant,
    ) -> Result<ListExchangesResponse, Fault> {
        let limit = page_size(request.page_size)?;
        let filter = request.filter.unwrap_or_default();
        let after = page::read(&request.page_token, "page_token", &filter)?;
        let exchange = exchange_of(&filter)?;
        self.catch_up(deadline).await;
        let query = Query { exchange, after, limit: limit + 1, filter };
        let mut found = self.index.list(&query, deadline).await.map_err(unanswered)?;
        let has_more = found.len() > limit;
        found.truncate(limit);
        let mut exchanges = self.read(found.clone()).await?;
        let fit = that_fit(&exchanges);
        let is_cut = has_more || fit < exchanges.len();
        exchanges.truncate(fit);
        let last = fit.checked_sub(1).and_then(|last| found.get(last)).filter(|_| is_cut);
        let next_page_token = last.map(|last| page::write(&last.at, &query.filter)).unwrap_or_default();
        Ok(ListExchangesResponse { exchanges, next_page_token })
    }

    /// Waits for what is durable and not filed yet, but not for long. Whether all of it is filed.
    pub async fn catch_up(&self, deadline: Instant) -> bool {
        self.filed.catch_up(deadline.min(Instant::now() + CATCH_UP)).await
    }

    /// Reads what was found. Where a sealed part is damaged, the exchange is told as the index knows it.
    pub async fn read(&self, found: Vec<Found>) -> Result<Vec<Exchange>, Fault> {
        let sealed = self.sealed(found.iter().map(|found| found.place).collect()).await?;
        Ok(found.into_iter().zip(sealed).map(|(found, sealed)| exchange_of_leaf(found, sealed)).collect())
    }

    /// Of these exchanges, those that have entries in an archive.
    pub async fn archived(&self, exchanges: Vec<ExchangeId>) -> Result<Vec<ExchangeId>, Fault> {
        let (shelf, folder) = (Arc::clone(&self.shelf), self.log.folder().to_owned());
        let look = move || {
            let mut archived = Vec::new();
            for exchange in exchanges {
                if shelf.has_exchange(&exchange)? {
                    archived.push(exchange);
                }
            }
            Ok(archived)
        };
        disk(folder, look).await.map_err(unanswered)
    }

    /// Reads sealed parts, each at its place; none where it is damaged.
    pub async fn sealed(&self, places: Vec<Place>) -> Result<Vec<Option<Bytes>>, Fault> {
        let (log, damages) = (self.log.clone(), self.damages.clone());
        let read = disk(log.folder().to_owned(), move || {
            let sealed = places.into_iter().map(|place| {
                let sealed = log.sealed(place)?;
                Ok(sealed.map_err(|damage| damages.note(damage)).ok())
            });
            sealed.collect()
        });
        read.await.map_err(unanswered)
    }

    fn follow(
        &self,
        application: &str,
        request: FollowExchangesRequest,
        deadline: Instant,
    ) -> Result<Exchanges, Fault> {
        let filter = request.filter.unwrap_or_default();
        let exchange = exchange_of(&filter)?;
        let wanted = Wanted { filter, exchange };
        let is_wanted = move |exchange: &Exchange| wanted.matches(exchange);
        Ok(Box::pin(self.followers.follow(application, is_wanted, deadline)?))
    }

    async fn completeness(&self, deadline: Instant) -> Result<GetCompletenessResponse, Fault> {
        self.catch_up(deadline).await;
        let gateways = self.index.gateways(MOST_GATEWAYS as i64, deadline).await.map_err(unanswered)?;
        let abandoned = self.index.abandoned(deadline).await.map_err(unanswered)?;
        let told =
            gateways.iter().map(|(gateway, sequence, entered)| sequence.to_message(gateway, entered.last_us));
        Ok(GetCompletenessResponse { gateways: told.collect(), open: self.open.len() as u64, abandoned })
    }
}

#[tonic::async_trait]
impl LedgerService for Service {
    async fn list_exchanges(
        &self,
        request: Request<ListExchangesRequest>,
    ) -> Result<Response<ListExchangesResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        let listed = self.list(request, deadline(&extensions, LONGEST)).await;
        listed.map(Response::new).map_err(|fault| lgsp_bus::status(&fault))
    }

    type FollowExchangesStream = Exchanges;

    async fn follow_exchanges(
        &self,
        request: Request<FollowExchangesRequest>,
    ) -> Result<Response<Self::FollowExchangesStream>, Status> {
        let (_, extensions, request) = request.into_parts();
        let application = extensions.get::<Inbound>().map(|inbound| inbound.head.application.clone());
        let application = application.as_ref().map_or("", ApplicationId::as_str);
        let stream = self.follow(application, request, deadline(&extensions, LONGEST_STREAM));
        stream.map(Response::new).map_err(|fault| lgsp_bus::status(&fault))
    }

    async fn get_completeness(
        &self,
        request: Request<GetCompletenessRequest>,
    ) -> Result<Response<GetCompletenessResponse>, Status> {
        let told = self.completeness(deadline(request.extensions(), LONGEST)).await;
        told.map(Response::new).map_err(|fault| lgsp_bus::status(&fault))
    }

    type CountTrafficStream = Pin<Box<dyn Stream<Item = Result<TrafficCounts, Status>> + Send>>;

    async fn count_traffic(
        &self,
        request: Request<CountTrafficRequest>,
    ) -> Result<Response<Self::CountTrafficStream>, Status> {
        let (_, extensions, request) = request.into_parts();
        let counted = self.traffic(request, deadline(&extensions, LONGEST_COUNT)).await;
        let messages = counted.map_err(|fault| lgsp_bus::status(&fault))?;
        Ok(Response::new(Box::pin(tokio_stream::iter(messages.into_iter().map(Ok)))))
    }
}

/// The caller's deadline, on our clock.
pub(crate) fn deadline(extensions: &Extensions, longest: Duration) -> Instant {
    let left = extensions.get::<Inbound>().map(|inbound| {
        let left = inbound.head.deadline_us.saturating_sub(unix_micros(SystemTime::now()));
        Duration::from_micros(u64::try_from(left).unwrap_or(0))
    });
    Instant::now() + left.unwrap_or(longest).min(longest)
}

pub(crate) fn page_size(asked: i32) -> Result<usize, Fault> {
    match usize::try_from(asked) {
        Ok(0) => Ok(DEFAULT_PAGE),
        Ok(size) if size <= LARGEST_PAGE => Ok(size),
        Ok(_) | Err(_) => Err(invalid("page_size", "is not between 0 and 1000")),
    }
}

fn exchange_of(filter: &ExchangeFilter) -> Result<Option<ExchangeId>, Fault> {
    if filter.exchange_id.is_empty() {
        return Ok(None);
    }
    let exchange = ExchangeId::parse(&filter.exchange_id);
    exchange.map(Some).ok_or_else(|| invalid("filter.exchange_id", "is not a UUID"))
}

pub(crate) fn invalid(field: &str, rule: &str) -> Fault {
    Fault::invalid(vec![Violation { field: field.to_owned(), rule: rule.to_owned() }])
}

pub(crate) fn unanswered(error: impl std::error::Error + Send + Sync + 'static) -> Fault {
    Fault::new(Reason::SourceUnavailable).because(error)
}

/// How many of the exchanges one answer carries: at least one.
pub(crate) fn that_fit(exchanges: &[Exchange]) -> usize {
    let mut bytes = 0;
    let fit = exchanges.iter().take_while(|exchange| {
        bytes += exchange.encoded_len() + 8;
        bytes <= MOST_PAGE_BYTES
    });
    fit.count().max(1).min(exchanges.len())
}

/// An exchange as a sealed part tells it, or else as it was found.
pub(crate) fn exchange_of_leaf(found: Found, sealed: Option<Bytes>) -> Exchange {
    let signed = found.signed;
    let sealed = sealed.and_then(|bytes| Sealed::decode(bytes).ok());
    sealed.map_or_else(|| indexed(found), |sealed| entry::exchange(sealed, signed))
}

fn indexed(found: Found) -> Exchange {
    Exchange {
        exchange_id: found.at.exchange.to_string(),
        admitted: Some(lgsp_core::time::timestamp(found.at.admitted_us)),
        application: found.application,
        service: found.service,
        method: found.method,
        outcome: found.outcome,
        platform: found.platform,
        signed: found.signed.to_message(),
        ..Default::default()
    }
}
