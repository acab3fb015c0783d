//! The inventory beside the rules: systems of the city, connected or not, and data services of the national platform.

use std::collections::BTreeMap;

use lgsp_core::ApplicationId;
use lgsp_proto::registry::v1::item::Item as Of;
use lgsp_proto::registry::v1::{AgreementRecord, Edit, Item, NationalService, NationalServiceState, System};

use super::Checked;
use super::check::{Checker, SLUG};
use super::entries;
use super::folder::INVENTORY;
use super::parse::{Document, Entry};
use crate::catalogue::{import, put};
use crate::working_days::date;

impl Checker<'_> {
    /// Rules from before there was an inventory have none.
    pub(super) fn inventory(&mut self) {
        if !self.folder.files.contains_key(INVENTORY) {
            return;
        }
        let keys = ["system", "national-service"];
        let Some(mut read) = Document::read(self.folder, INVENTORY, &keys, &mut self.problems) else {
            return;
        };
        let systems = read.take("system", &mut self.problems);
        self.systems(systems);
        let national_services = read.take("national-service", &mut self.problems);
        self.national_services(national_services);
    }

    fn systems(&mut self, entries: Vec<Entry<entries::System>>) {
        let mut seen = BTreeMap::new();
        for entry in entries {
            self.slug(&entry, "system", &entry.value.id, &mut seen);
            self.named(&entry, "name-vi", &entry.value.name_vi);
            let application = &entry.value.application;
            let is_known = self.snapshot.applications.iter().any(|known| known.id == *application);
            if !application.is_empty() && !is_known {
                self.unknown(&entry, "application", application, "one of applications.toml");
            }
            let planned = &entry.value.planned;
            if !planned.is_empty() && date(planned).is_none() {
                self.bad(&entry, format!("`planned` = {planned} is no date"), "a date such as 2026-07-01");
            }
            let Some(agency_code) = self.known_agency(&entry, &entry.value.agency) else { continue };
            let entries::System { id, name_vi, name_en, application, why_not, planned, .. } = entry.value;
            let system = System {
                id,
                name_vi,
                name_en,
                agency_code,
                application,
                why_not,
                planned,
                ..Default::default()
            };
            self.inventory.push(Item { item: Some(Of::System(system)) });
        }
    }

    fn national_services(&mut self, entries: Vec<Entry<entries::NationalService>>) {
        let mut seen = BTreeMap::new();
        for entry in entries {
            self.slug(&entry, "national service", &entry.value.id, &mut seen);
            self.named(&entry, "name-vi", &entry.value.name_vi);
            let since = &entry.value.since;
            if !since.is_empty() && date(since).is_none() {
                self.bad(&entry, format!("`since` = {since} is no date"), "a date such as 2026-07-01");
            }
            let state = match entry.value.state {
                entries::NationalServiceState::Available => NationalServiceState::Available,
                entries::NationalServiceState::InUse => NationalServiceState::InUse,
            };
            let entries::NationalService { id, name_vi, name_en, since, .. } = entry.value;
            let service =
                NationalService { id, name_vi, name_en, state: state.into(), since, ..Default::default() };
            self.inventory.push(Item { item: Some(Of::NationalService(service)) });
        }
    }

    fn slug<T>(&mut self, entry: &Entry<T>, what: &str, id: &str, seen: &mut BTreeMap<String, usize>) {
        if ApplicationId::parse(id).is_none() {
            self.bad(entry, format!("{what} `{id}` is not well formed"), SLUG);
        }
        self.once(seen, entry, what, id);
    }
}

impl Checked {
    /// The systems and the national data services of the inventory, as far as files say anything of them.
    pub fn inventory_of_files(&self) -> (Vec<&System>, Vec<&NationalService>) {
        let items = || self.inventory.iter().filter_map(|item| item.item.as_ref());
        let systems = items().filter_map(|item| if let Of::System(it) = item { Some(it) } else { None });
        let national =
            items().filter_map(|item| if let Of::NationalService(it) = item { Some(it) } else { None });
        (systems.collect(), national.collect())
    }

    /// The edits of the change that a registry begins with.
    pub(crate) fn first(&self) -> Vec<Edit> {
        let mut edits = import(&self.snapshot, &AgreementRecord::default());
        edits.extend(self.inventory());
        edits
    }

    /// The edits that put the inventory.
    pub(crate) fn inventory(&self) -> Vec<Edit> {
        let named = self.inventory.iter().filter_map(|item| match item.item.clone()? {
            Of::System(it) => Some((it.id.clone(), Of::System(it))),
            Of::NationalService(it) => Some((it.id.clone(), Of::NationalService(it))),
            _ => None,
        });
        named.map(|(id, item)| put(None, item, id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use lgsp_core::indicators::Held;
    use lgsp_proto::registry::v1::Change;

    use super::*;
    use crate::catalogue::Catalogue;
    use crate::rules::{Folder, check};

    #[test]
    fn the_figures_of_the_first_report_come_out_of_the_registry_that_ships() {
        let checked = check(&Folder::of(crate::shipped().iter().copied()), "production").unwrap();
        let mut catalogue = Catalogue::default();
        catalogue.apply(&Change { sequence: 1, edits: checked.first(), ..Change::default() }).unwrap();
        let mut held = Held::default();
        catalogue.items().for_each(|(_, item)| held.add(&Item { item: Some(item) }));
        let stood = held.stood();
        let printed = [stood.applications, stood.national, stood.systems]
            .map(|ratio| ratio.map(|ratio| format!("{ratio} = {}", ratio.percent().unwrap_or_default())));
        let printed = printed.map(Option::unwrap_or_default);
        assert_eq!(printed, ["11/11 = 100.0%", "8/15 = 53.3%", "11/31 = 35.5%"]);
    }

    #[test]
    fn rules_without_an_inventory_hold_and_a_wrong_one_is_told_with_its_lines() {
        let shipped = crate::shipped().iter().copied().filter(|(name, _)| *name != INVENTORY);
        assert!(check(&Folder::of(shipped.clone()), "production").unwrap().inventory().is_empty());
        let wrong = "[[system]]\nid = \"A b\"\nname-vi = \"x\"\nname-en = \"x\"\nagency = \"H13.01\"\napplication = \"nobody\"\nplanned = \"soon\"\n\
                     [[national-service]]\nid = \"a\"\nname-vi = \"\"\nname-en = \"\"\nstate = \"available\"\nsince = \"1/7\"\n";
        let problems = check(&Folder::of(shipped.chain([(INVENTORY, wrong)])), "production").unwrap_err();
        let told = problems.to_string();
        for part in [
            "`A b` is not well formed",
            "`nobody` is unknown",
            "`name-vi` is empty",
            "`since` = 1/7 is no date",
            "`planned` = soon is no date",
        ] {
            assert!(told.contains(part), "{part} is missing in {told}");
        }
    }
}
