//! What the bus calls.

use std::pin::Pin;
use std::time::Duration;

use lgsp_bus::{Inbound, RequestHead};
use lgsp_core::{Fault, Reason};
use lgsp_proto::ledger::v1::audit_service_server::AuditService;
use lgsp_proto::ledger::v1::{
    CheckCompletenessRequest, CheckCompletenessResponse, CountExchangesRequest, CountExchangesResponse,
    DecidedResponse, DestroySubjectKeyRequest, DestroySubjectKeyResponse, Disclosure, EraseExchangesRequest,
    Exchange, ExportExchangesRequest, ExportedExchange, ExposedExchange, FollowAuditRequest,
    GetCheckpointRequest, GetCheckpointResponse, GetExchangeRequest, GetExchangeResponse,
    MarkExchangesRequest, ReportExposureRequest, ReportSubjectRequest, SearchExchangesRequest,
    SearchExchangesResponse,
};
use tokio_stream::Stream;
use tonic::{Extensions, Request, Response, Status};

use super::Audit;
use crate::service::{LONGEST, LONGEST_STREAM, deadline};

/// A caller who brings no deadline waits no longer than this for what reads much of the log.
const LONG: Duration = Duration::from_secs(60);

pub(super) type Told<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

pub(super) fn answer<T>(answered: Result<T, Fault>) -> Result<Response<T>, Status> {
    answered.map(Response::new).map_err(|fault| lgsp_bus::status(&fault))
}

/// Who calls: without, nothing is decided.
pub(super) fn head(extensions: &Extensions) -> Result<&RequestHead, Status> {
    let head = extensions.get::<Inbound>().map(|inbound| &inbound.head);
    head.ok_or_else(|| lgsp_bus::status(&Reason::Internal.into()))
}

#[tonic::async_trait]
impl AuditService for Audit {
    async fn search_exchanges(
        &self,
        request: Request<SearchExchangesRequest>,
    ) -> Result<Response<SearchExchangesResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        answer(self.search(request, deadline(&extensions, LONGEST)).await)
    }

    async fn count_exchanges(
        &self,
        request: Request<CountExchangesRequest>,
    ) -> Result<Response<CountExchangesResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        answer(self.count(request, deadline(&extensions, LONG)).await)
    }

    async fn get_exchange(
        &self,
        request: Request<GetExchangeRequest>,
    ) -> Result<Response<GetExchangeResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        answer(self.exchange(request, deadline(&extensions, LONGEST)).await)
    }

    type FollowAuditStream = Told<Exchange>;

    async fn follow_audit(
        &self,
        request: Request<FollowAuditRequest>,
    ) -> Result<Response<Self::FollowAuditStream>, Status> {
        let (_, extensions, request) = request.into_parts();
        let application = extensions.get::<Inbound>().map(|inbound| inbound.head.application.to_string());
        let application = application.unwrap_or_default();
        answer(self.follow(&application, request, deadline(&extensions, LONGEST_STREAM)))
    }

    type ExportExchangesStream = Told<ExportedExchange>;

    async fn export_exchanges(
        &self,
        request: Request<ExportExchangesRequest>,
    ) -> Result<Response<Self::ExportExchangesStream>, Status> {
        let (_, extensions, request) = request.into_parts();
        answer(self.export(request, deadline(&extensions, LONGEST_STREAM)).await)
    }

    type ReportSubjectStream = Told<Disclosure>;

    async fn report_subject(
        &self,
        request: Request<ReportSubjectRequest>,
    ) -> Result<Response<Self::ReportSubjectStream>, Status> {
        let (_, extensions, request) = request.into_parts();
        answer(self.report(request, deadline(&extensions, LONGEST_STREAM)).await)
    }

    type ReportExposureStream = Told<ExposedExchange>;

    async fn report_exposure(
        &self,
        request: Request<ReportExposureRequest>,
    ) -> Result<Response<Self::ReportExposureStream>, Status> {
        let (_, extensions, request) = request.into_parts();
        answer(self.exposure(request, deadline(&extensions, LONGEST_STREAM)).await)
    }

    async fn get_checkpoint(
        &self,
        request: Request<GetCheckpointRequest>,
    ) -> Result<Response<GetCheckpointResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        answer(self.checkpoint(request, deadline(&extensions, LONGEST)).await)
    }

    async fn check_completeness(
        &self,
        request: Request<CheckCompletenessRequest>,
    ) -> Result<Response<CheckCompletenessResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        answer(self.completeness(request, deadline(&extensions, LONG)).await)
    }

    async fn mark_exchanges(
        &self,
        request: Request<MarkExchangesRequest>,
    ) -> Result<Response<DecidedResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        answer(self.mark(head(&extensions)?, request, deadline(&extensions, LONGEST)).await)
    }

    async fn erase_exchanges(
        &self,
        request: Request<EraseExchangesRequest>,
    ) -> Result<Response<DecidedResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        answer(self.erase(head(&extensions)?, request, deadline(&extensions, LONGEST)).await)
    }

    async fn destroy_subject_key(
        &self,
        request: Request<DestroySubjectKeyRequest>,
    ) -> Result<Response<DestroySubjectKeyResponse>, Status> {
        let (_, extensions, request) = request.into_parts();
        answer(self.destroy_key(head(&extensions)?, request, deadline(&extensions, LONGEST)).await)
    }
}
