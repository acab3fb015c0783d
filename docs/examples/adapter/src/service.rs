use std::sync::Arc;
use std::time::Duration;

use lgsp_adapter::parse::{OneOf, one_of};
use lgsp_adapter::{Deadline, Fault, Reason, invalid, status};
use lgsp_identifiers::PersonalNumber;
use tonic::{Request, Response, Status};

use crate::v1::vehicle_service_server::VehicleService;
use crate::v1::{GetVehicleRequest, GetVehicleResponse};
use crate::{Plate, Source};

/// As the contract bounds it.
const MOST_VEHICLES: usize = 50;

/// The vehicle service over a source.
#[derive(Debug)]
pub struct Vehicles<S> {
    source: Arc<S>,
    query_timeout: Duration,
}

impl<S: Source> Vehicles<S> {
    /// Makes the service; a query of it takes `query_timeout` at most.
    pub fn new(source: Arc<S>, query_timeout: Duration) -> Self {
        Self { source, query_timeout }
    }

    async fn get(&self, asked: &GetVehicleRequest, deadline: Deadline) -> Result<GetVehicleResponse, Fault> {
        let (plate, owner) = ("plate", "owner_personal_number");
        match one_of((plate, &asked.plate), (owner, &asked.owner_personal_number))? {
            OneOf::First(text) => self.of_plate(&Plate::parse(plate, text)?, deadline).await,
            OneOf::Second(text) => {
                let number = PersonalNumber::parse(text).map_err(|error| invalid(owner, error))?;
                self.of_owner(&number, deadline).await
            }
        }
    }

    async fn of_plate(&self, plate: &Plate, deadline: Deadline) -> Result<GetVehicleResponse, Fault> {
        let vehicle = deadline.found(self.source.of_plate(plate, deadline.of_query()).await)?;
        Ok(GetVehicleResponse { vehicles: vec![vehicle], more: false })
    }

    async fn of_owner(
        &self,
        owner: &PersonalNumber,
        deadline: Deadline,
    ) -> Result<GetVehicleResponse, Fault> {
        let found = self.source.of_owner(owner, MOST_VEHICLES + 1, deadline.of_query()).await;
        let mut vehicles = found.map_err(|error| deadline.fault(error))?;
        if vehicles.is_empty() {
            return Err(Fault::new(Reason::NotFound));
        }
        let more = vehicles.len() > MOST_VEHICLES;
        vehicles.truncate(MOST_VEHICLES);
        Ok(GetVehicleResponse { vehicles, more })
    }
}

#[tonic::async_trait]
impl<S: Source> VehicleService for Vehicles<S> {
    async fn get_vehicle(
        &self,
        request: Request<GetVehicleRequest>,
    ) -> Result<Response<GetVehicleResponse>, Status> {
        let deadline = Deadline::of(&request, self.query_timeout);
        self.get(request.get_ref(), deadline).await.map(Response::new).map_err(status)
    }
}
