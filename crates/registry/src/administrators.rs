//! Takes what administrators say of agencies, purposes and roles.

use std::collections::BTreeSet;

use lgsp_core::Fault;
use lgsp_proto::registry::v1::administration_service_server::AdministrationService;
use lgsp_proto::registry::v1::{AdministrationDecision, PutAgencyRequest, PutPurposeRequest, PutRoleRequest};
use tonic::{Request, Response, Status};

use crate::administration::{put_agency, put_purpose, put_role};
use crate::asked::{Asked, answered};
use crate::desk::{Desk, Taken};

/// The service, as the bus serves it.
#[derive(Debug)]
pub(crate) struct Administrators {
    desk: Desk,
}

impl Administrators {
    pub fn new(desk: Desk) -> Self {
        Self { desk }
    }

    async fn agency(&self, asked: Asked, request: PutAgencyRequest) -> Result<AdministrationDecision, Fault> {
        let taken = self.desk.take(&asked, |held, _| {
            let PutAgencyRequest { agency, gone, reason } = request.clone();
            put_agency(&held.catalogue, agency.unwrap_or_default(), gone, reason)
        });
        Ok(told(taken.await?, ""))
    }

    async fn purpose(
        &self,
        asked: Asked,
        request: PutPurposeRequest,
    ) -> Result<AdministrationDecision, Fault> {
        let taken = self.desk.take(&asked, |held, _| {
            let PutPurposeRequest { purpose, gone, reason } = request.clone();
            put_purpose(&held.catalogue, purpose.unwrap_or_default(), gone, reason)
        });
        Ok(told(taken.await?, ""))
    }

    async fn role(&self, asked: Asked, request: PutRoleRequest) -> Result<AdministrationDecision, Fault> {
        let taken = self.desk.take(&asked, |held, occasion| {
            let platform = held.rules.methods().filter(|method| method.platform);
            let known: BTreeSet<&str> = platform.map(|method| method.path.trim_start_matches('/')).collect();
            put_role(&held.catalogue, request.clone(), &known, occasion)
        });
        let name = request.role.as_ref().map(|role| role.name.clone()).unwrap_or_default();
        Ok(told(taken.await?, &name))
    }
}

fn told(taken: Taken, role: &str) -> AdministrationDecision {
    AdministrationDecision {
        proposal: taken.held.catalogue.role_proposal(role).cloned(),
        revision: taken.revision,
        gateways_behind: taken.gateways_behind,
    }
}

#[tonic::async_trait]
impl AdministrationService for Administrators {
    async fn put_agency(
        &self,
        request: Request<PutAgencyRequest>,
    ) -> Result<Response<AdministrationDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.agency(asked, request.into_inner()).await)
    }

    async fn put_purpose(
        &self,
        request: Request<PutPurposeRequest>,
    ) -> Result<Response<AdministrationDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.purpose(asked, request.into_inner()).await)
    }

    async fn put_role(
        &self,
        request: Request<PutRoleRequest>,
    ) -> Result<Response<AdministrationDecision>, Status> {
        let asked = Asked::of(request.extensions());
        answered(self.role(asked, request.into_inner()).await)
    }
}
