//! A provider of population data that does as the number says.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::{Stream, StreamExt, stream};
use lgsp_bus::status;
use lgsp_core::{Fault, Reason};
use lgsp_proto::population::v1::population_service_server::PopulationService;
use lgsp_proto::population::v1::{
    Citizen, GetCitizenRequest, GetCitizenResponse, GetHouseholdRequest, GetHouseholdResponse,
    ListResidentsRequest, ListResidentsResponse, Resident, VerifyCitizenRequest, VerifyCitizenResponse,
};
use tokio::sync::Notify;
use tonic::{Request, Response, Status};

pub const KNOWN: &str = "092085000001";
pub const UNKNOWN: &str = "092085000404";
/// Its answer never comes.
pub const SILENT: &str = "092085000504";
/// Its answer is held until it is let go.
pub const HELD: &str = "092085000102";
/// Its answer is a megabyte, but for what it is wrapped in.
pub const LARGE: &str = "092085000413";
pub const OLD_CARD: &str = "361234567";

/// How many requests came so far, and what one that is held waits for.
#[derive(Clone, Default)]
pub struct Provider(pub Arc<AtomicUsize>, pub Arc<Notify>);

type Residents = Pin<Box<dyn Stream<Item = Result<ListResidentsResponse, Status>> + Send>>;

#[tonic::async_trait]
impl PopulationService for Provider {
    async fn get_citizen(
        &self,
        request: Request<GetCitizenRequest>,
    ) -> Result<Response<GetCitizenResponse>, Status> {
        self.0.fetch_add(1, Ordering::Relaxed);
        // As an adapter would have it that makes spans of its own.
        tracing::debug_span!(target: "lgsp_adapter", "find").in_scope(|| ());
        let number = request.into_inner().personal_number;
        let full_name = match number.as_str() {
            UNKNOWN => return Err(status(&Fault::new(Reason::NotFound))),
            SILENT => std::future::pending().await,
            LARGE => "x".repeat(900_000),
            HELD => {
                self.1.notified().await;
                "Nguyễn Văn An".to_owned()
            }
            _ => "Nguyễn Văn An".to_owned(),
        };
        let citizen = Citizen {
            personal_number: number,
            full_name,
            religion: "not granted".to_owned(),
            old_identity_number: OLD_CARD.to_owned(),
            ..Citizen::default()
        };
        Ok(Response::new(GetCitizenResponse { citizen: Some(citizen) }))
    }

    async fn verify_citizen(
        &self,
        _: Request<VerifyCitizenRequest>,
    ) -> Result<Response<VerifyCitizenResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    async fn get_household(
        &self,
        _: Request<GetHouseholdRequest>,
    ) -> Result<Response<GetHouseholdResponse>, Status> {
        Err(Status::unimplemented(""))
    }

    type ListResidentsStream = Residents;

    /// As many as asked for; one without an end after 7, and one that fails after 8.
    async fn list_residents(
        &self,
        request: Request<ListResidentsRequest>,
    ) -> Result<Response<Residents>, Status> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let count = request.into_inner().page_size;
        let residents = stream::iter((0..count).map(|number| Ok(resident(number))));
        let residents: Residents = match count {
            7 => residents.chain(stream::pending()).boxed(),
            8 => residents.chain(stream::iter([Err(status(&Fault::new(Reason::SourceUnavailable)))])).boxed(),
            _ => residents.boxed(),
        };
        Ok(Response::new(residents))
    }
}

fn resident(number: i32) -> ListResidentsResponse {
    let resident = Resident { personal_number: format!("092085{number:06}"), ..Resident::default() };
    ListResidentsResponse { resident: Some(resident), ..ListResidentsResponse::default() }
}
