//! Who is who: two administrators say so, and one takes away.

use std::time::SystemTime;

use lgsp_core::Reason;
use lgsp_core::time::{timestamp, unix_micros};
use lgsp_proto::registry::v1::administration_service_client::AdministrationServiceClient;
use lgsp_proto::registry::v1::{
    Agency, Credential, ListPersonsRequest, ListPersonsResponse, Person, PutAgencyRequest, PutRoleRequest,
    Role,
};
use tonic::{Response, Status};

use crate::caller::{App, refused};
use crate::fixture::{City, DAY_US, confirm, key_of, propose};

async fn persons(app: &App) -> Result<ListPersonsResponse, Status> {
    let request = app.request(ListPersonsRequest::default());
    app.decisions().list_persons(request).await.map(Response::into_inner)
}

async fn person(app: &App, id: &str) -> Person {
    persons(app).await.unwrap().persons.into_iter().find(|person| person.id == id).unwrap()
}

fn key(id: &str, number: u32) -> Credential {
    let name = format!("{id}-{number}");
    Credential {
        ed25519_public_key: key_of(&name).verifying_key().as_bytes().to_vec().into(),
        key_id: name,
        not_after: Some(timestamp(unix_micros(SystemTime::now()) + DAY_US)),
        ..Credential::default()
    }
}

#[tokio::test]
async fn an_administrator_alone_makes_nobody_and_gives_nobody_more() {
    let city = Box::pin(City::start()).await;
    let [one, two] = ["admin-1", "admin-2"].map(|id| city.hub.administrator(id));

    // A person of their own, whose key they have: the hub does not know them before another administrator does.
    let third = Person {
        id: "admin-3".to_owned(),
        agency_code: "H13.02".to_owned(),
        roles: vec!["administrator".to_owned()],
        credentials: vec![Credential {
            ed25519_public_key: key("admin-3", 0).ed25519_public_key,
            ..key("admin-3", 1)
        }],
        ..Person::default()
    };
    let waiting = propose(&one, third).await.unwrap().expect("it waits");
    let third = city.hub.person("admin-3", key_of("admin-3-0"));
    refused(persons(&third).await, Reason::TokenInvalid);
    refused(confirm(&one, &waiting).await, Reason::SamePerson);
    assert_eq!(
        persons(&two).await.unwrap().proposals,
        std::slice::from_ref(&waiting),
        "the other one sees it"
    );
    confirm(&two, &waiting).await.unwrap();
    assert_eq!(persons(&third).await.unwrap().proposals, []);

    // Whom one made known does not confirm for them: no person, and no role.
    let more = Person {
        roles: ["administrator", "operator"].map(str::to_owned).to_vec(),
        ..person(&one, "admin-1").await
    };
    let waiting = propose(&one, more).await.unwrap().expect("it waits");
    refused(confirm(&third, &waiting).await, Reason::SamePerson);
    let methods = vec!["lgsp.registry.v1.DecisionService/ListPersons".to_owned()];
    let role = Role { name: "clerk".to_owned(), methods, etag: 0 };
    let put = async |app: &App| {
        let request = PutRoleRequest { role: Some(role.clone()), ..PutRoleRequest::default() };
        AdministrationServiceClient::new(app.channel.clone()).put_role(app.request(request)).await
    };
    put(&one).await.unwrap().into_inner().proposal.expect("it waits");
    refused(put(&third).await, Reason::SamePerson);
    assert_eq!(put(&two).await.unwrap().into_inner().proposal, None);

    // What takes something away is so at once.
    let left = Person { left: true, ..person(&two, "admin-3").await };
    assert_eq!(propose(&one, left).await.unwrap(), None);
    refused(persons(&third).await, Reason::TokenInvalid);
}

#[tokio::test]
async fn a_key_that_was_taken_away_comes_back_by_no_old_copy_and_for_nobody() {
    let city = Box::pin(City::start()).await;
    let [one, two] = ["admin-1", "admin-2"].map(|id| city.hub.administrator(id));
    let developer = city.person("an.tuphap");
    let seen_by_both = person(&one, "an.tuphap").await;

    let lost = Person { credentials: Vec::new(), ..seen_by_both.clone() };
    assert_eq!(propose(&one, lost).await.unwrap(), None);
    let request = developer.request(ListPersonsRequest::default());
    refused(developer.decisions().list_persons(request).await, Reason::TokenInvalid);
    let moved = Person { agency_code: "H13.02".to_owned(), ..seen_by_both.clone() };
    refused(propose(&two, moved).await, Reason::Stale);
    let now = person(&two, "an.tuphap").await;
    let again = refused(propose(&two, Person { etag: now.etag, ..seen_by_both }).await, Reason::InvalidField);
    assert_eq!(again.violations[0].0, "person.credentials");
    let endless = Credential { not_after: None, ..key("an.tuphap", 2) };
    let endless =
        refused(propose(&two, Person { credentials: vec![endless], ..now }).await, Reason::InvalidField);
    assert_eq!(endless.violations[0].0, "person.credentials.not_after");
}

#[tokio::test]
async fn what_an_agency_is_called_is_not_changed_from_an_old_copy() {
    let city = Box::pin(City::start()).await;
    let put = async |id: &str, name: &str, etag: u64| {
        let agency =
            Agency { code: "H13.16".to_owned(), name_vi: name.to_owned(), name_en: name.to_owned(), etag };
        let app = city.hub.administrator(id);
        let request = PutAgencyRequest { agency: Some(agency), ..PutAgencyRequest::default() };
        AdministrationServiceClient::new(app.channel.clone()).put_agency(app.request(request)).await
    };
    put("admin-1", "Sở mới", 0).await.unwrap();
    let unseen = refused(put("admin-2", "Sở khác", 0).await, Reason::InvalidField);
    assert_eq!(unseen.violations[0], ("agency.etag".to_owned(), "is required".to_owned()));
    let seen = etag_of(&city, "H13.16").await;
    put("admin-2", "Sở khác", seen).await.unwrap();
    refused(put("admin-1", "Sở mới", seen).await, Reason::Stale);
}

/// As the registry tells it.
async fn etag_of(city: &City, code: &str) -> u64 {
    use lgsp_proto::registry::v1::GetRegistryRequest;
    use lgsp_proto::registry::v1::history_service_client::HistoryServiceClient;
    use lgsp_proto::registry::v1::item::Item as Of;

    let app = city.hub.administrator("admin-1");
    let request = app.request(GetRegistryRequest { page_size: 200, ..GetRegistryRequest::default() });
    let answer =
        HistoryServiceClient::new(app.channel.clone()).get_registry(request).await.unwrap().into_inner();
    let mut agencies = answer.items.into_iter().filter_map(|item| match item.item {
        Some(Of::Agency(agency)) => Some(agency),
        _ => None,
    });
    agencies.find(|agency| agency.code == code).unwrap().etag
}
