use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use lgsp_adapter::parse::{
    OneOf, enumeration, given, maybe_ward, one_of, partial_date, person_key, short, wards_in_use,
};
use lgsp_adapter::{Deadline, Fault, invalid, page, status, stream};
use lgsp_identifiers::{OldIdentityCard, WardCode};
use lgsp_proto::population::v1::population_service_server::PopulationService;
use lgsp_proto::population::v1::{
    GetCitizenRequest, GetCitizenResponse, GetHouseholdRequest, GetHouseholdResponse, ListResidentsRequest,
    ListResidentsResponse, ResidenceKind, VerifyCitizenRequest, VerifyCitizenResponse,
};
use lgsp_proto::record::v1::Sex;
use tonic::{Request, Response, Status};

use crate::verify::{self, Claims};
use crate::{HouseholdKey, Source};

const RESIDENTS_DEFAULT: usize = 500;
const RESIDENTS_MOST: usize = 5_000;
/// As the contract bounds them.
const HOUSEHOLD_NUMBER_LENGTH: usize = 20;
const NAME_LENGTH: usize = 100;

/// The population service over a source.
#[derive(Debug)]
pub struct Population<S> {
    source: Arc<S>,
    query_timeout: Duration,
}

impl<S: Source> Population<S> {
    /// Makes the service; a query of it takes `query_timeout` at most.
    pub fn new(source: Arc<S>, query_timeout: Duration) -> Self {
        Self { source, query_timeout }
    }

    async fn citizen(
        &self,
        asked: &GetCitizenRequest,
        deadline: Deadline,
    ) -> Result<GetCitizenResponse, Fault> {
        let key = person_key("personal_number", &asked.personal_number)?;
        let citizen = deadline.found(self.source.citizen(&key, deadline.of_query()).await)?;
        Ok(GetCitizenResponse { citizen: Some(citizen) })
    }

    async fn verify(
        &self,
        asked: &VerifyCitizenRequest,
        deadline: Deadline,
    ) -> Result<VerifyCitizenResponse, Fault> {
        let key = person_key("personal_number", &asked.personal_number)?;
        let claims = claims(asked)?;
        let citizen = deadline.found(self.source.citizen(&key, deadline.of_query()).await)?;
        Ok(verify::compare(&claims, citizen))
    }

    async fn household(
        &self,
        asked: &GetHouseholdRequest,
        deadline: Deadline,
    ) -> Result<GetHouseholdResponse, Fault> {
        let key = household_key(asked)?;
        let household = deadline.found(self.source.household(&key, deadline.of_query()).await)?;
        Ok(GetHouseholdResponse { household: Some(household) })
    }

    fn residents(&self, asked: &ListResidentsRequest, deadline: Deadline) -> Result<Residents, Fault> {
        let wards: Arc<[WardCode]> = wards_in_use("ward_code", &asked.ward_code)?.into();
        let kind: ResidenceKind = enumeration("residence_kind", asked.residence_kind)?;
        let size = page::size(asked.page_size, RESIDENTS_DEFAULT, RESIDENTS_MOST)?;
        let query = page::Query::new("ListResidents", &[wards[0].as_str(), kind.as_str_name()]);
        let after = query.after(&asked.page_token)?;

        let source = Arc::clone(&self.source);
        let fetch = move |after, limit| {
            let (source, wards) = (Arc::clone(&source), Arc::clone(&wards));
            async move {
                let residents = source.residents(&wards, kind, after, limit, deadline.of_query()).await;
                residents.map_err(|error| deadline.fault(error))
            }
        };
        let answer = move |resident, next: Option<i64>| ListResidentsResponse {
            resident: Some(resident),
            next_page_token: query.next(next),
        };
        Ok(Box::pin(stream::records(size, after, fetch, answer)))
    }
}

type Residents = Pin<Box<dyn Stream<Item = Result<ListResidentsResponse, Status>> + Send>>;

#[tonic::async_trait]
impl<S: Source> PopulationService for Population<S> {
    type ListResidentsStream = Residents;

    async fn get_citizen(
        &self,
        request: Request<GetCitizenRequest>,
    ) -> Result<Response<GetCitizenResponse>, Status> {
        let deadline = Deadline::of(&request, self.query_timeout);
        self.citizen(request.get_ref(), deadline).await.map(Response::new).map_err(status)
    }

    async fn verify_citizen(
        &self,
        request: Request<VerifyCitizenRequest>,
    ) -> Result<Response<VerifyCitizenResponse>, Status> {
        let deadline = Deadline::of(&request, self.query_timeout);
        self.verify(request.get_ref(), deadline).await.map(Response::new).map_err(status)
    }

    async fn get_household(
        &self,
        request: Request<GetHouseholdRequest>,
    ) -> Result<Response<GetHouseholdResponse>, Status> {
        let deadline = Deadline::of(&request, self.query_timeout);
        self.household(request.get_ref(), deadline).await.map(Response::new).map_err(status)
    }

    async fn list_residents(
        &self,
        request: Request<ListResidentsRequest>,
    ) -> Result<Response<Residents>, Status> {
        let deadline = Deadline::of(&request, self.query_timeout);
        self.residents(request.get_ref(), deadline).map(Response::new).map_err(status)
    }
}

fn household_key(asked: &GetHouseholdRequest) -> Result<HouseholdKey, Fault> {
    let (number, person) = (&asked.household_number, &asked.personal_number);
    match one_of(("household_number", number), ("personal_number", person))? {
        OneOf::First(number) if number.chars().count() > HOUSEHOLD_NUMBER_LENGTH => {
            Err(invalid("household_number", format!("is longer than {HOUSEHOLD_NUMBER_LENGTH}")))
        }
        OneOf::First(number) => Ok(HouseholdKey::Number(number.to_owned())),
        OneOf::Second(number) => person_key("personal_number", number).map(HouseholdKey::Member),
    }
}

fn claims(asked: &VerifyCitizenRequest) -> Result<Claims, Fault> {
    let sex: Sex = enumeration("sex", asked.sex)?;
    let claims = Claims {
        full_name: short("full_name", &asked.full_name, NAME_LENGTH)?,
        date_of_birth: partial_date("date_of_birth", asked.date_of_birth.as_ref())?,
        sex: Some(sex).filter(|sex| *sex != Sex::Unknown),
        old_identity_number: given("old_identity_number", &asked.old_identity_number)?
            .map(|text| OldIdentityCard::parse(text).map(|card| card.as_str().to_owned()))
            .transpose()
            .map_err(|error| invalid("old_identity_number", error))?,
        ward_code: maybe_ward("ward_code", &asked.ward_code)?,
    };
    if !claims.are_any() {
        return Err(invalid("full_name", "at least one claim besides the number is required"));
    }
    Ok(claims)
}
