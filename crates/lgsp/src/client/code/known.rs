//! What the registry holds, read page by page.

use lgsp_proto::registry::v1::history_service_client::HistoryServiceClient;
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{
    Agency, AgreementRecord, ConnectionRecord, CredentialRecord, GetRegistryRequest, Moment, NationalService,
    Person, PersonProposal, Purpose, Role, RoleProposal, ServiceRecord, System,
};

use super::DEADLINE;
use crate::client::Error;
use crate::client::registry::{MOST_PAGES, answered_within};
use crate::client::session::Session;

/// The largest page of the registry's.
const PAGE_SIZE: i32 = 200;

/// All records of one moment, each kind in its order.
#[derive(Clone, Debug, Default)]
pub(crate) struct Known {
    pub sequence: u64,
    pub revision: u64,
    pub environment: String,
    /// Who asked.
    pub caller: Person,
    pub agencies: Vec<Agency>,
    pub purposes: Vec<Purpose>,
    pub roles: Vec<Role>,
    pub role_proposals: Vec<RoleProposal>,
    pub services: Vec<ServiceRecord>,
    pub connections: Vec<ConnectionRecord>,
    pub credentials: Vec<CredentialRecord>,
    pub systems: Vec<System>,
    pub national_services: Vec<NationalService>,
    /// None of them, for whoever may not see them.
    pub persons: Vec<Person>,
    pub person_proposals: Vec<PersonProposal>,
    pub agreements: Vec<AgreementRecord>,
}

impl Known {
    /// Reads what is held at a moment; none: now.
    pub(crate) async fn read(session: &Session, as_of: Option<Moment>) -> Result<Self, Error> {
        let mut client = HistoryServiceClient::new(session.channel.clone())
            .max_decoding_message_size(crate::client::session::LARGEST_MESSAGE);
        let mut known = Self::default();
        let mut page_token = String::new();
        for _ in 0..MOST_PAGES {
            let page = GetRegistryRequest { as_of, page_size: PAGE_SIZE, page_token };
            let request = session.request(page, Some(DEADLINE))?;
            let page = answered_within(session, DEADLINE, client.get_registry(request)).await?;
            (known.sequence, known.revision) = (page.sequence, page.revision);
            known.environment = page.environment;
            known.caller = page.caller.unwrap_or_default();
            page.items.into_iter().filter_map(|item| item.item).for_each(|item| known.add(item));
            page_token = page.next_page_token;
            if page_token.is_empty() {
                break;
            }
        }
        Ok(known)
    }

    pub(crate) fn add(&mut self, item: Of) {
        match item {
            Of::Agency(it) => self.agencies.push(it),
            Of::Purpose(it) => self.purposes.push(it),
            Of::Role(it) => self.roles.push(it),
            Of::RoleProposal(it) => self.role_proposals.push(it),
            Of::ServiceRecord(it) => self.services.push(it),
            Of::Connection(it) => self.connections.push(it),
            Of::Credential(it) => self.credentials.push(it),
            Of::System(it) => self.systems.push(it),
            Of::Person(it) => self.persons.push(it),
            Of::PersonProposal(it) => self.person_proposals.push(it),
            Of::Agreement(it) => self.agreements.push(it),
            Of::NationalService(it) => self.national_services.push(it),
            // Histories hold these; what is held now is told as records.
            Of::Application(_) | Of::Service(_) => {}
        }
    }
}
