//! The inventory: what is counted and is no rule. Files without one say nothing of it.

use lgsp_proto::registry::v1::{NationalService, System};
use lgsp_registry::rules::Checked;

use super::{Act, By, Difference, Step};
use crate::client::code::fields::{self, changed};
use crate::client::code::known::Known;

const DEVELOPER: &str = "developer";
const OPERATOR: &str = "operator";

pub(super) fn systems(wanted: &Checked, known: &Known) -> Vec<Difference> {
    let (ours, _) = wanted.inventory_of_files();
    let mut differences = Vec::new();
    for wanted in &ours {
        let now = known.systems.iter().find(|it| it.id == wanted.id);
        // What an application connects is told by its connection, and stays.
        let of_connection = now.cloned().unwrap_or_default();
        let put = System { etag: of_connection.etag, put: of_connection.put, ..(*wanted).clone() };
        let mut put = System { connected: of_connection.connected, ..put };
        // One of the same id is connected with its application.
        let comes_of_itself = wanted.application == wanted.id;
        if comes_of_itself && now.is_some() {
            put.application = of_connection.application.clone();
        }
        if now == Some(&put) {
            continue;
        }
        let before = now.map(|it| fields::of("System", it)).unwrap_or_default();
        let fields = changed(&before, &fields::of("System", &put));
        let is_connected_so = of_connection.application == put.application;
        let put = System { application: of_connection.application, ..put };
        let mut steps = Vec::new();
        if now != Some(&put) {
            steps.push(Step::new(Act::PutSystem(Box::new(put)), By::of(DEVELOPER, &wanted.agency_code)));
        }
        if !is_connected_so && !comes_of_itself {
            let what = "name the system when its application is connected: lgsp connection request --system";
            steps.push(Step::by_hand(what, By::of(DEVELOPER, &wanted.agency_code)));
        }
        differences.push(match now {
            Some(_) => Difference::changed("system", &wanted.id, fields, steps),
            None => Difference::added("system", &wanted.id, fields, steps),
        });
    }
    if !ours.is_empty() {
        let gone = known.systems.iter().filter(|it| !ours.iter().any(|wanted| wanted.id == it.id));
        // No call takes one away: reports of the past count it.
        differences.extend(gone.map(|it| Difference::removed("system", &it.id, Vec::new())));
    }
    differences
}

pub(super) fn national_services(wanted: &Checked, known: &Known) -> Vec<Difference> {
    let (_, ours) = wanted.inventory_of_files();
    let mut differences = Vec::new();
    for wanted in &ours {
        let now = known.national_services.iter().find(|it| it.id == wanted.id);
        let (etag, of_put) = (now.map_or(0, |it| it.etag), now.and_then(|it| it.put.clone()));
        let put = NationalService { etag, put: of_put, ..(*wanted).clone() };
        if now == Some(&put) {
            continue;
        }
        let before = now.map(|it| fields::of("NationalService", it)).unwrap_or_default();
        let fields = changed(&before, &fields::of("NationalService", &put));
        let steps = vec![Step::new(Act::PutNationalService(Box::new(put)), By::role(OPERATOR))];
        differences.push(match now {
            Some(_) => Difference::changed("national-service", &wanted.id, fields, steps),
            None => Difference::added("national-service", &wanted.id, fields, steps),
        });
    }
    if !ours.is_empty() {
        let gone = known.national_services.iter().filter(|it| !ours.iter().any(|wanted| wanted.id == it.id));
        differences.extend(gone.map(|it| Difference::removed("national-service", &it.id, Vec::new())));
    }
    differences
}
