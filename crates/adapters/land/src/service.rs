use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use futures::Stream;
use lgsp_adapter::page::{self, Query};
use lgsp_adapter::parse::{OneOf, one_of, person_key, wards_in_use};
use lgsp_adapter::{Deadline, Fault, Fields, invalid, status, stream};
use lgsp_identifiers::{EnterpriseCode, Format, ParcelKey, WardCode, format};
use lgsp_proto::land::v1::land_service_server::LandService;
use lgsp_proto::land::v1::{
    FindParcelsRequest, FindParcelsResponse, GetParcelRequest, GetParcelResponse, ListParcelsByOwnerRequest,
    ListParcelsByOwnerResponse, ListParcelsRequest, ListParcelsResponse, Parcel,
};
use tonic::{Request, Response, Status};

use crate::{OwnerKey, ParcelRef, Parts, Place, Source};

/// A parcel comes with all that hangs on it: more of them take longer than a caller who has not asked for more would wait.
const PAGE_DEFAULT: usize = 20;
const PAGE_MOST: usize = 200;
const STREAM_DEFAULT: usize = 500;
const STREAM_MOST: usize = 2_000;

/// The land service over a source.
#[derive(Debug)]
pub struct Land<S> {
    source: Arc<S>,
    query_timeout: Duration,
}

impl<S: Source> Land<S> {
    /// Makes the service; a query of it takes `query_timeout` at most.
    pub fn new(source: Arc<S>, query_timeout: Duration) -> Self {
        Self { source, query_timeout }
    }

    async fn parcel(
        &self,
        asked: &GetParcelRequest,
        parts: Parts,
        deadline: Deadline,
    ) -> Result<GetParcelResponse, Fault> {
        let parcel = parcel_ref(asked)?;
        let parcel = deadline.found(self.source.parcel(&parcel, parts, deadline.of_query()).await)?;
        Ok(GetParcelResponse { parcel: Some(parcel) })
    }

    async fn by_owner(
        &self,
        asked: &ListParcelsByOwnerRequest,
        parts: Parts,
        deadline: Deadline,
    ) -> Result<ListParcelsByOwnerResponse, Fault> {
        let owner = owner_key(asked)?;
        let size = page::size(asked.page_size, PAGE_DEFAULT, PAGE_MOST)?;
        let query = Query::new("ListParcelsByOwner", &[owner.as_str()]);
        let after = query.after(&asked.page_token)?;
        let parcels = self.source.parcels_of_owner(&owner, after, size + 1, parts, deadline.of_query()).await;
        let page = page::cut(parcels.map_err(|error| deadline.fault(error))?, size);
        Ok(ListParcelsByOwnerResponse { next_page_token: query.next(page.next), parcels: page.records })
    }

    async fn by_place(
        &self,
        asked: &FindParcelsRequest,
        parts: Parts,
        deadline: Deadline,
    ) -> Result<FindParcelsResponse, Fault> {
        let place = Place::parse(asked)?;
        let size = page::size(asked.page_size, PAGE_DEFAULT, PAGE_MOST)?;
        let query = Query::new("FindParcels", &[&place.canonical()]);
        let after = query.after(&asked.page_token)?;
        let page = page::cut(self.parcels_at(place, after, size + 1, parts, deadline).await?, size);
        Ok(FindParcelsResponse { next_page_token: query.next(page.next), parcels: page.records })
    }

    /// Reads on until enough parcels passed the exact test, or none are left. The deadline bounds it.
    async fn parcels_at(
        &self,
        place: Place,
        mut after: i64,
        wanted: usize,
        parts: Parts,
        deadline: Deadline,
    ) -> Result<Vec<(i64, Parcel)>, Fault> {
        let mut found = Vec::new();
        loop {
            let near =
                self.source.parcels_near(place.bounds(), after, wanted, parts, deadline.of_query()).await;
            let near = near.map_err(|error| deadline.fault(error))?;
            let none_left = near.len() < wanted;
            after = near.last().map_or(after, |(number, _)| *number);
            let at_place = |(_, parcel): &(i64, Parcel)| {
                parcel.geometry.as_ref().is_some_and(|border| place.meets(border))
            };
            found.extend(near.into_iter().filter(at_place));
            if none_left || found.len() >= wanted {
                found.truncate(wanted);
                return Ok(found);
            }
        }
    }

    fn of_ward(
        &self,
        asked: &ListParcelsRequest,
        parts: Parts,
        deadline: Deadline,
    ) -> Result<Parcels, Fault> {
        let wards: Arc<[WardCode]> = wards_in_use("ward_code", &asked.ward_code)?.into();
        let size = page::size(asked.page_size, STREAM_DEFAULT, STREAM_MOST)?;
        let query = Query::new("ListParcels", &[wards[0].as_str()]);
        let after = query.after(&asked.page_token)?;

        let source = Arc::clone(&self.source);
        let fetch = move |after, limit| {
            let (source, wards) = (Arc::clone(&source), Arc::clone(&wards));
            async move {
                let parcels = source.parcels_of_ward(&wards, after, limit, parts, deadline.of_query()).await;
                parcels.map_err(|error| deadline.fault(error))
            }
        };
        let answer = move |parcel, next: Option<i64>| ListParcelsResponse {
            parcel: Some(parcel),
            next_page_token: query.next(next),
        };
        Ok(Box::pin(stream::records(size, after, fetch, answer)))
    }
}

type Parcels = Pin<Box<dyn Stream<Item = Result<ListParcelsResponse, Status>> + Send>>;

#[tonic::async_trait]
impl<S: Source> LandService for Land<S> {
    type ListParcelsStream = Parcels;

    async fn get_parcel(
        &self,
        request: Request<GetParcelRequest>,
    ) -> Result<Response<GetParcelResponse>, Status> {
        let deadline = Deadline::of(&request, self.query_timeout);
        let parts = Parts::of(&Fields::of(&request), "parcel");
        self.parcel(request.get_ref(), parts, deadline).await.map(Response::new).map_err(status)
    }

    async fn list_parcels_by_owner(
        &self,
        request: Request<ListParcelsByOwnerRequest>,
    ) -> Result<Response<ListParcelsByOwnerResponse>, Status> {
        let deadline = Deadline::of(&request, self.query_timeout);
        let parts = Parts::of(&Fields::of(&request), "parcels");
        self.by_owner(request.get_ref(), parts, deadline).await.map(Response::new).map_err(status)
    }

    async fn find_parcels(
        &self,
        request: Request<FindParcelsRequest>,
    ) -> Result<Response<FindParcelsResponse>, Status> {
        let deadline = Deadline::of(&request, self.query_timeout);
        let parts = Parts::of(&Fields::of(&request), "parcels");
        self.by_place(request.get_ref(), parts, deadline).await.map(Response::new).map_err(status)
    }

    async fn list_parcels(&self, request: Request<ListParcelsRequest>) -> Result<Response<Parcels>, Status> {
        let deadline = Deadline::of(&request, self.query_timeout);
        let parts = Parts::of(&Fields::of(&request), "parcel");
        self.of_ward(request.get_ref(), parts, deadline).map(Response::new).map_err(status)
    }
}

fn parcel_ref(asked: &GetParcelRequest) -> Result<ParcelRef, Fault> {
    match one_of(("parcel_id", &asked.parcel_id), ("parcel_key", &asked.parcel_key))? {
        OneOf::First(id) => format::normalise(Format::Uuid, id)
            .map(ParcelRef::Id)
            .map_err(|error| invalid("parcel_id", error)),
        OneOf::Second(key) => {
            ParcelKey::parse(key).map(ParcelRef::Key).map_err(|error| invalid("parcel_key", error))
        }
    }
}

fn owner_key(asked: &ListParcelsByOwnerRequest) -> Result<OwnerKey, Fault> {
    let (person, enterprise) = (&asked.personal_number, &asked.enterprise_code);
    match one_of(("personal_number", person), ("enterprise_code", enterprise))? {
        OneOf::First(number) => person_key("personal_number", number).map(OwnerKey::Person),
        OneOf::Second(code) => EnterpriseCode::parse(code)
            .map(OwnerKey::Enterprise)
            .map_err(|error| invalid("enterprise_code", error)),
    }
}
