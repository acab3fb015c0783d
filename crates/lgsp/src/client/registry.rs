//! `lgsp services` and `lgsp applications`.

use std::time::{Duration, Instant};

use lgsp_proto::registry::v1::registry_service_client::RegistryServiceClient;
use lgsp_proto::registry::v1::{
    ApplicationSummary, ListApplicationsRequest, ListServicesRequest, ServiceSummary,
};

use super::links::Announced;
use super::output::{self, Listing, Surface, Tone};
use super::session::{GRACE, Session};
use super::table::{Cell, Shrink, Table};
use super::{Error, Lang, pages, words};
use crate::cli::client::{Applications, Operator, Services};

/// Time for one page.
pub(super) const DEADLINE: Duration = Duration::from_secs(5);

/// Pages of this size.
const PAGE_SIZE: i32 = 500;
/// Never more than this many of what is read as a whole.
pub(super) const MOST_PAGES: usize = 100;

/// Runs `lgsp services`.
///
/// # Errors
/// Whatever kept the list from being made.
pub(crate) async fn services(args: &Services, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let services = every_service(&session, lang).await?;
    let announced = Announced::of(&session, lang).await;
    let surface = Surface::of_stdout();
    let listing = surface.listing(args.output);
    if listing == Listing::Json {
        return services.iter().try_for_each(|service| {
            output::line(&announced.beside(&service.domain, output::json_line(service)?)?)
        });
    }
    services_table(&services, &announced, lang).write(listing, &surface)
}

/// Runs `lgsp applications`.
///
/// # Errors
/// Whatever kept the list from being made.
pub(crate) async fn applications(args: &Applications, lang: Lang) -> Result<(), Error> {
    let session = open(&args.operator).await?;
    let applications = every_application(&session, lang).await?;
    let surface = Surface::of_stdout();
    let listing = surface.listing(args.output);
    if listing == Listing::Json {
        return applications
            .iter()
            .try_for_each(|application| output::line(&output::json_line(application)?));
    }
    applications_table(&applications, lang).write(listing, &surface)
}

/// Says so if the hub knows no application of this id, where a list of what is its own is empty. Best effort: who may not list
/// applications is told nothing.
pub(super) async fn note_unknown_application(session: &Session, id: &str, lang: Lang) {
    if id.is_empty() {
        return;
    }
    let Ok(known) = every_application(session, lang).await else { return };
    if known.iter().all(|application| application.id != id) {
        let note = lang.pick("note: the hub knows no application", "lưu ý: nền tảng không có ứng dụng");
        output::note(&format!("{note} {id}"));
    }
}

pub(super) async fn open(operator: &Operator) -> Result<Session, Error> {
    Session::open(&operator.gateway, operator.bearer()?).await
}

async fn every_service(session: &Session, lang: Lang) -> Result<Vec<ServiceSummary>, Error> {
    let page = async |page_token| {
        let page = ListServicesRequest { page_size: PAGE_SIZE, page_token };
        let request = session.request(page, Some(DEADLINE))?;
        let mut client = RegistryServiceClient::new(session.channel.clone());
        let page = answered(session, client.list_services(request)).await?;
        Ok((page.services, page.next_page_token))
    };
    pages::all(lang, page).await
}

pub(super) async fn every_application(
    session: &Session,
    lang: Lang,
) -> Result<Vec<ApplicationSummary>, Error> {
    let page = async |page_token| {
        let page = ListApplicationsRequest { page_size: PAGE_SIZE, page_token };
        let request = session.request(page, Some(DEADLINE))?;
        let mut client = RegistryServiceClient::new(session.channel.clone());
        let page = answered(session, client.list_applications(request)).await?;
        Ok((page.applications, page.next_page_token))
    };
    pages::all(lang, page).await
}

/// Waits for a unary answer of one of the hub's own services, but not for a gateway that keeps silent.
pub(super) async fn answered<T>(
    session: &Session,
    call: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
) -> Result<T, Error> {
    answered_within(session, DEADLINE, call).await
}

/// The same for a call that may take longer.
pub(super) async fn answered_within<T>(
    session: &Session,
    deadline: Duration,
    call: impl Future<Output = Result<tonic::Response<T>, tonic::Status>>,
) -> Result<T, Error> {
    let began = Instant::now();
    let patience = deadline + GRACE;
    let answer =
        tokio::time::timeout(patience, call).await.map_err(|_| Error::NoAnswer { waited: patience })?;
    let answer = answer.map_err(|status| session.error(&status, None, began.elapsed()).of_the_hub())?;
    Ok(answer.into_inner())
}

fn services_table(services: &[ServiceSummary], announced: &Announced, lang: Lang) -> Table {
    let header = match lang {
        Lang::En => ["service", "title", "owner", "state", "agreements", "methods"],
        Lang::Vi => ["dịch vụ", "tên", "cơ quan chủ quản", "trạng thái", "thoả thuận", "phương thức"],
    };
    let [_, title, owner_name, _, agreements, methods] = header;
    let maintenance = (!announced.is_empty()).then(|| Announced::header(lang));
    let mut table = Table::new(header.into_iter().chain(maintenance).collect())
        .wrapping([title, owner_name, methods].into_iter().chain(maintenance).collect())
        .shrinking([agreements, owner_name, title].map(Shrink::Drop).to_vec());
    for service in services {
        let name_tone = if service.platform { Tone::Dim } else { Tone::Plain };
        let mut row = vec![
            Cell::new(&service.name, name_tone),
            lang.pick(&service.title_en, &service.title_vi).into(),
            owner(&service.owner_agency_code, &service.owner_agency_name).into(),
            words::service_state(service.state(), lang),
            service.agreements.to_string().into(),
            service.methods.join(", ").into(),
        ];
        row.extend(maintenance.map(|_| announced.cell(&service.domain, lang)));
        table.row(row);
    }
    table
}

fn applications_table(applications: &[ApplicationSummary], lang: Lang) -> Table {
    let header = match lang {
        Lang::En => ["application", "name", "agency", "state", "services", "roles"],
        Lang::Vi => ["ứng dụng", "tên", "cơ quan", "trạng thái", "dịch vụ", "vai trò"],
    };
    let [_, name, agency, _, services, roles] = header;
    let mut table = Table::new(header.to_vec())
        .wrapping(vec![name, agency, services, roles])
        .shrinking([roles, agency].map(Shrink::Drop).to_vec());
    for application in applications {
        let id_tone = if application.platform { Tone::Dim } else { Tone::Plain };
        let services: Vec<&str> = application.services.iter().map(|name| words::last_word(name)).collect();
        table.row(vec![
            Cell::new(&application.id, id_tone),
            lang.pick(&application.name_en, &application.name_vi).into(),
            owner(&application.agency_code, &application.agency_name).into(),
            words::application_state(application.state(), lang),
            services.join(", ").into(),
            application.roles.join(", ").into(),
        ]);
    }
    table
}

fn owner(code: &str, name: &str) -> String {
    format!("{code} {name}").trim().to_owned()
}
