//! Agreements of a file alone, to be proposed: what they name, the registry that they are proposed to looks at.

use bytes::Bytes;
use lgsp_proto::registry::v1 as wire;

use super::folder::Folder;
use super::parse::{self, Entry};
use super::{build, entries, moment};
use crate::problem::Problems;

/// What problems name as the file.
const FILE: &str = "--file";

/// Reads the agreements of a file in the shape of `agreements.toml`.
///
/// # Errors
/// Everything that cannot be read, each problem with its line.
pub fn agreements(content: Bytes) -> Result<Vec<wire::Agreement>, Problems> {
    let folder = Folder { files: [(FILE.to_owned(), content)].into() };
    let mut problems = Problems::default();
    let entries: Vec<Entry<entries::Agreement>> = parse::entries(&folder, FILE, "agreement", &mut problems);
    let agreements = entries.into_iter().filter_map(|entry| agreement(entry, &mut problems)).collect();
    if problems.all.is_empty() { Ok(agreements) } else { Err(problems) }
}

fn agreement(entry: Entry<entries::Agreement>, problems: &mut Problems) -> Option<wire::Agreement> {
    let Entry { line, mut value, .. } = entry;
    let grants = std::mem::take(&mut value.grants).into_iter().map(|grant| {
        let entries::Grant { method, fields } = grant.into_inner();
        wire::Grant { method, fields }
    });
    let grants = grants.collect();
    let mut at = |moment: &toml::value::Datetime| {
        let micros = moment::micros(moment);
        if micros.is_none() {
            problems.add(FILE, line, format!("`{moment}` is no moment"), moment::ACCEPTED);
        }
        micros
    };
    let period = (at(&value.valid_from), at(&value.valid_to));
    let (Some(from), Some(to)) = period else { return None };
    Some(build::agreement(value, (from, to), grants))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AGREEMENTS: &[u8] = include_bytes!("../../../../deploy/config/registry/agreements.toml");

    #[test]
    fn the_shipped_agreements_are_read_alone() {
        let agreements = agreements(Bytes::from_static(AGREEMENTS)).unwrap();
        assert!(agreements.iter().all(|terms| !terms.grants.is_empty() && terms.valid_to.is_some()));
        assert!(agreements.len() > 5, "{}", agreements.len());
    }

    #[test]
    fn what_cannot_be_read_is_told_with_its_line() {
        let text = "[[agreement]]\nid = \"tt-x\"\nversion = 1\napplication = \"x\"\nservice = \"a.v1.B\"\n\
                    purposes = [\"verify\"]\nvalid-from = 2026-01-01T00:00:00\nvalid-to = 2027-01-01\n\
                    legal-basis = \"l\"\nstate = \"active\"\nwish = 1\n";
        let problems = agreements(text.into()).unwrap_err();
        assert!(problems.all[0].to_string().starts_with("--file:11: "), "{problems}");
        let problems = agreements(text.replace("wish = 1", "").into_bytes().into()).unwrap_err();
        let told = problems.all[0].to_string();
        assert!(told.starts_with("--file:1: `2026-01-01T00:00:00` is no moment"), "{told}");
    }
}
