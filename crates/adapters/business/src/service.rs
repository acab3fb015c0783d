use std::sync::Arc;
use std::time::Duration;

use lgsp_adapter::page::{self, Query};
use lgsp_adapter::parse::{enumeration, maybe_person_key, maybe_ward, person_key, short};
use lgsp_adapter::{Deadline, Fault, Fields, invalid, status};
use lgsp_identifiers::EnterpriseCode;
use lgsp_proto::business::v1::business_service_server::BusinessService;
use lgsp_proto::business::v1::{
    EnterpriseStatus, GetEnterpriseRequest, GetEnterpriseResponse, ListEnterprisesByRepresentativeRequest,
    ListEnterprisesByRepresentativeResponse, VerifyEnterpriseRequest, VerifyEnterpriseResponse,
};
use lgsp_proto::record::v1::Match;
use tonic::{Request, Response, Status};

use crate::verify::{self, Claims};
use crate::{Parts, Source};

const PAGE_DEFAULT: usize = 50;
const PAGE_MOST: usize = 200;
/// As the contract bounds it.
const NAME_LENGTH: usize = 300;

/// The business service over a source.
#[derive(Debug)]
pub struct Business<S> {
    source: Arc<S>,
    query_timeout: Duration,
}

impl<S: Source> Business<S> {
    /// Makes the service; a query of it takes `query_timeout` at most.
    pub fn new(source: Arc<S>, query_timeout: Duration) -> Self {
        Self { source, query_timeout }
    }

    async fn enterprise(
        &self,
        asked: &GetEnterpriseRequest,
        parts: Parts,
        deadline: Deadline,
    ) -> Result<GetEnterpriseResponse, Fault> {
        let code = enterprise_code(&asked.enterprise_code)?;
        let enterprise = deadline.found(self.source.enterprise(&code, parts, deadline.of_query()).await)?;
        Ok(GetEnterpriseResponse { enterprise: Some(enterprise) })
    }

    async fn verify(
        &self,
        asked: &VerifyEnterpriseRequest,
        deadline: Deadline,
    ) -> Result<VerifyEnterpriseResponse, Fault> {
        let code = enterprise_code(&asked.enterprise_code)?;
        let claims = claims(asked)?;
        let enterprise = self.source.enterprise(&code, Parts::NONE, deadline.of_query()).await;
        let enterprise = deadline.found(enterprise)?;
        let represents = match &claims.representative {
            Some(person) => self.source.represents(&code, person, deadline.of_query()).await,
            None => Ok(Match::NotClaimed),
        };
        let represents = represents.map_err(|error| deadline.fault(error))?;
        Ok(verify::compare(&claims, represents, enterprise))
    }

    async fn by_representative(
        &self,
        asked: &ListEnterprisesByRepresentativeRequest,
        parts: Parts,
        deadline: Deadline,
    ) -> Result<ListEnterprisesByRepresentativeResponse, Fault> {
        let person = person_key("personal_number", &asked.personal_number)?;
        let size = page::size(asked.page_size, PAGE_DEFAULT, PAGE_MOST)?;
        let query = Query::new("ListEnterprisesByRepresentative", &[person.as_str()]);
        let after = query.after(&asked.page_token)?;
        let found = self.source.enterprises_of(&person, after, size + 1, parts, deadline.of_query()).await;
        let page = page::cut(found.map_err(|error| deadline.fault(error))?, size);
        let next_page_token = query.next(page.next);
        Ok(ListEnterprisesByRepresentativeResponse { next_page_token, enterprises: page.records })
    }
}

#[tonic::async_trait]
impl<S: Source> BusinessService for Business<S> {
    async fn get_enterprise(
        &self,
        request: Request<GetEnterpriseRequest>,
    ) -> Result<Response<GetEnterpriseResponse>, Status> {
        let deadline = Deadline::of(&request, self.query_timeout);
        let parts = Parts::of(&Fields::of(&request), "enterprise");
        self.enterprise(request.get_ref(), parts, deadline).await.map(Response::new).map_err(status)
    }

    async fn verify_enterprise(
        &self,
        request: Request<VerifyEnterpriseRequest>,
    ) -> Result<Response<VerifyEnterpriseResponse>, Status> {
        let deadline = Deadline::of(&request, self.query_timeout);
        self.verify(request.get_ref(), deadline).await.map(Response::new).map_err(status)
    }

    async fn list_enterprises_by_representative(
        &self,
        request: Request<ListEnterprisesByRepresentativeRequest>,
    ) -> Result<Response<ListEnterprisesByRepresentativeResponse>, Status> {
        let deadline = Deadline::of(&request, self.query_timeout);
        let parts = Parts::of(&Fields::of(&request), "enterprises");
        self.by_representative(request.get_ref(), parts, deadline).await.map(Response::new).map_err(status)
    }
}

fn enterprise_code(text: &str) -> Result<EnterpriseCode, Fault> {
    EnterpriseCode::parse(text).map_err(|error| invalid("enterprise_code", error))
}

fn claims(asked: &VerifyEnterpriseRequest) -> Result<Claims, Fault> {
    let status: EnterpriseStatus = enumeration("status", asked.status)?;
    let claims = Claims {
        name: short("name", &asked.name, NAME_LENGTH)?,
        representative: maybe_person_key(
            "representative_personal_number",
            &asked.representative_personal_number,
        )?,
        ward_code: maybe_ward("ward_code", &asked.ward_code)?,
        status: Some(status).filter(|status| *status != EnterpriseStatus::Unspecified),
    };
    if !claims.are_any() {
        return Err(invalid("name", "at least one claim besides the code is required"));
    }
    Ok(claims)
}
