use std::sync::Arc;
use std::time::Duration;

use lgsp_adapter::page::{self, Query};
use lgsp_adapter::parse::{OneOf, given, one_of, partial_date, person_key, short};
use lgsp_adapter::{Deadline, Fault, Fields, Reason, SourceError, invalid, records, status};
use lgsp_identifiers::{HealthInsuranceCard, PartialDate};
use lgsp_proto::health::v1::health_service_server::HealthService;
use lgsp_proto::health::v1::{
    GetPatientSummaryRequest, GetPatientSummaryResponse, ListImmunizationsRequest, ListImmunizationsResponse,
    VerifyInsuranceRequest, VerifyInsuranceResponse,
};
use tonic::{Request, Response, Status};

use crate::verify::{self, Claims};
use crate::{Parts, PatientKey, Source};

const IMMUNIZATIONS_DEFAULT: usize = 50;
const IMMUNIZATIONS_MOST: usize = 200;
/// As the contract bounds it.
const NAME_LENGTH: usize = 100;

/// The health service over a source.
#[derive(Debug)]
pub struct Health<S> {
    source: Arc<S>,
    query_timeout: Duration,
}

impl<S: Source> Health<S> {
    /// Makes the service; a query of it takes `query_timeout` at most.
    pub fn new(source: Arc<S>, query_timeout: Duration) -> Self {
        Self { source, query_timeout }
    }

    async fn verify(
        &self,
        asked: &VerifyInsuranceRequest,
        deadline: Deadline,
    ) -> Result<VerifyInsuranceResponse, Fault> {
        let holder = patient_key(&asked.card_number, &asked.personal_number)?;
        let on = day(&asked.on_date)?;
        let claims = Claims {
            full_name: short("full_name", &asked.full_name, NAME_LENGTH)?,
            date_of_birth: partial_date("date_of_birth", asked.date_of_birth.as_ref())?,
        };
        let cards = self.source.cards(&holder, deadline.of_query()).await;
        let mut cards = cards.map_err(|error| deadline.fault(error))?;
        if let PatientKey::Card(asked) = &holder {
            cards.retain(|card| verify::is_asked_for(asked, &card.record));
        }
        if !verify::are_of_one_person(&cards) {
            return Err(deadline.fault(SourceError::Contradictory));
        }
        let card = verify::that_matters(cards, on).ok_or_else(|| Fault::new(Reason::NotFound))?;
        Ok(verify::answer(&claims, card, on))
    }

    async fn summary(
        &self,
        asked: &GetPatientSummaryRequest,
        parts: Parts,
        deadline: Deadline,
    ) -> Result<GetPatientSummaryResponse, Fault> {
        let patient = patient_key(&asked.card_number, &asked.personal_number)?;
        let summary = deadline.found(self.source.summary(&patient, parts, deadline.of_query()).await)?;
        Ok(GetPatientSummaryResponse { summary: Some(summary) })
    }

    async fn immunizations(
        &self,
        asked: &ListImmunizationsRequest,
        deadline: Deadline,
    ) -> Result<ListImmunizationsResponse, Fault> {
        let person = person_key("personal_number", &asked.personal_number)?;
        let size = page::size(asked.page_size, IMMUNIZATIONS_DEFAULT, IMMUNIZATIONS_MOST)?;
        let query = Query::new("ListImmunizations", &[person.as_str()]);
        let after = query.after(&asked.page_token)?;
        let found = self.source.immunizations(&person, after, size + 1, deadline.of_query()).await;
        let found = found.map_err(|error| deadline.fault(error))?;
        if found.is_empty() && after != page::START {
            // A token is given only where more follow.
            return Err(invalid("page_token", "continues a list that has changed since: begin anew"));
        }
        let page = page::cut(found, size);
        let next_page_token = query.next(page.next);
        Ok(ListImmunizationsResponse { next_page_token, immunizations: page.records })
    }
}

#[tonic::async_trait]
impl<S: Source> HealthService for Health<S> {
    async fn verify_insurance(
        &self,
        request: Request<VerifyInsuranceRequest>,
    ) -> Result<Response<VerifyInsuranceResponse>, Status> {
        let deadline = Deadline::of(&request, self.query_timeout);
        self.verify(request.get_ref(), deadline).await.map(Response::new).map_err(status)
    }

    async fn get_patient_summary(
        &self,
        request: Request<GetPatientSummaryRequest>,
    ) -> Result<Response<GetPatientSummaryResponse>, Status> {
        let deadline = Deadline::of(&request, self.query_timeout);
        let parts = Parts::of(&Fields::of(&request));
        self.summary(request.get_ref(), parts, deadline).await.map(Response::new).map_err(status)
    }

    async fn list_immunizations(
        &self,
        request: Request<ListImmunizationsRequest>,
    ) -> Result<Response<ListImmunizationsResponse>, Status> {
        let deadline = Deadline::of(&request, self.query_timeout);
        self.immunizations(request.get_ref(), deadline).await.map(Response::new).map_err(status)
    }
}

fn patient_key(card_number: &str, personal_number: &str) -> Result<PatientKey, Fault> {
    match one_of(("card_number", card_number), ("personal_number", personal_number))? {
        OneOf::First(card) => HealthInsuranceCard::parse(card)
            .map(PatientKey::Card)
            .map_err(|error| invalid("card_number", error)),
        OneOf::Second(number) => person_key("personal_number", number).map(PatientKey::Person),
    }
}

/// The day in question; today in Viet Nam, if none is given.
fn day(text: &str) -> Result<PartialDate, Fault> {
    let Some(text) = given("on_date", text)? else { return Ok(records::today()) };
    PartialDate::parse_full(text).map_err(|error| invalid("on_date", error))
}
