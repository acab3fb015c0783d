//! In which coordinates the borders of a source are, and how they are written.

use lgsp_adapter::{Mapping, Mismatch, OpenError, Row, SourceError, Tables};

use crate::projection::{Projection, WGS_84};
use crate::relations::PARCEL;

/// Before EPSG's number of a system, as a mapping writes it: `EPSG:5897`.
const PREFIX: &str = "EPSG:";
/// The columns in which a source tells a border's box that has no index for borders.
const BOX: [&str; 4] = ["west", "south", "east", "north"];

/// The borders of a source.
#[derive(Clone, Debug)]
pub(crate) struct Dataset {
    /// The systems of their coordinates; never empty.
    pub(crate) projections: Vec<Projection>,
    /// How they are written.
    pub(crate) form: Form,
    /// Whether they are an agency's own, of which nothing is known that the mapping does not say.
    pub(crate) is_mapped: bool,
}

/// How borders are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// As GeoJSON, with their boxes in columns.
    Text,
    /// As PostGIS has them.
    PostGis,
}

impl Dataset {
    /// Learns it from the mapping, and from the type that the database gives the column.
    ///
    /// # Errors
    /// The mapping names no system that we know, or too little to find borders by.
    pub(crate) fn of(mapping: &Mapping, tables: &Tables) -> Result<Self, OpenError> {
        let mapped = mapping.0.get(PARCEL.name);
        let systems = mapped.and_then(|parcel| parcel.columns.get("geometry")).map(|column| &column.format);
        let (projections, mut mismatches) = projections(systems.map(Vec::as_slice).unwrap_or_default());
        let form = form(tables).unwrap_or_else(|found| {
            mismatches.push(mismatch("geometry", found));
            Form::Text
        });
        if let (Some(parcel), Form::Text) = (mapped, form) {
            for column in BOX.into_iter().filter(|column| !parcel.columns.contains_key(*column)) {
                let found =
                    "is required and not mapped: the geometry is a text, of which no index knows the place";
                mismatches.push(mismatch(column, found));
            }
        }
        if mismatches.is_empty() {
            Ok(Self { projections, form, is_mapped: mapped.is_some() })
        } else {
            Err(OpenError::Mismatch(mismatches))
        }
    }

    /// The system of a record's border, if it can be told.
    pub(crate) fn projection(&self, stated: Option<i64>) -> Option<&Projection> {
        match (self.projections.as_slice(), stated) {
            // What the border was measured in says nothing of the degrees that it is told in.
            ([only], _) if only.epsg() == WGS_84 && self.form == Form::Text => Some(only),
            ([only], None) => Some(only),
            (_, None) => None,
            (several, Some(stated)) => several.iter().find(|one| i64::from(one.epsg()) == stated),
        }
    }

    /// The system that a record says its border is in; PostGIS writes 0 where it knows none.
    pub(crate) fn stated(&self, row: &Row) -> Result<Option<i64>, SourceError> {
        let by_postgis = match self.form {
            Form::PostGis => row.maybe_integer("geometry_srid")?.filter(|srid| *srid != 0),
            Form::Text => None,
        };
        Ok(by_postgis.or(row.maybe_integer("source_epsg")?))
    }
}

fn projections(systems: &[String]) -> (Vec<Projection>, Vec<Mismatch>) {
    if systems.is_empty() {
        return (Projection::of(WGS_84).into_iter().collect(), Vec::new());
    }
    let (mut projections, mut mismatches) = (Vec::new(), Vec::new());
    for system in systems {
        let epsg = system.strip_prefix(PREFIX).and_then(|epsg| epsg.parse().ok());
        match epsg.and_then(Projection::of) {
            Some(projection) => projections.push(projection),
            None => {
                let known = Projection::known().map(|epsg| format!("{PREFIX}{epsg}")).collect::<Vec<_>>();
                let found = format!("{system:?} is no system that is known; accepted: {}", known.join(", "));
                mismatches.push(mismatch("geometry.format", found));
            }
        }
    }
    (projections, mismatches)
}

/// The form of the borders; or what is wrong with the column.
fn form(tables: &Tables) -> Result<Form, String> {
    let Some(name) = tables.type_of(PARCEL.name, "geometry") else { return Ok(Form::Text) };
    // With its schema in front, if PostGIS is not where names are looked for.
    match name.rsplit('.').next().unwrap_or_default() {
        "geometry" => Ok(Form::PostGis),
        "text" | "character varying" => Ok(Form::Text),
        _ => Err(format!("is of type {name}, and a geometry of PostGIS or a text with GeoJSON is read")),
    }
}

fn mismatch(column: &str, found: impl Into<String>) -> Mismatch {
    Mismatch { place: format!("mapping.{}.columns.{column}", PARCEL.name), found: found.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dataset(systems: &[&str], form: Form) -> Dataset {
        let systems: Vec<String> = systems.iter().map(|system| (*system).to_owned()).collect();
        let (projections, mismatches) = projections(&systems);
        assert!(mismatches.is_empty(), "{mismatches:?}");
        Dataset { projections, form, is_mapped: true }
    }

    fn epsg(dataset: &Dataset, stated: Option<i64>) -> Option<i32> {
        dataset.projection(stated).map(Projection::epsg)
    }

    #[test]
    fn a_record_is_in_the_only_system_or_in_the_one_that_it_states() {
        let native = dataset(&[], Form::Text);
        assert_eq!(epsg(&native, Some(9209)), Some(WGS_84), "it was only measured in the other");
        let one = dataset(&["EPSG:5897"], Form::PostGis);
        assert_eq!(epsg(&one, None), Some(5897));
        assert_eq!(epsg(&one, Some(9209)), None, "it contradicts the configuration");
        let two = dataset(&["EPSG:5897", "EPSG:9209"], Form::PostGis);
        assert_eq!(epsg(&two, Some(9209)), Some(9209));
        assert_eq!(epsg(&two, None), None, "which of the two is not guessed");
    }

    #[test]
    fn a_system_that_nobody_knows_is_named_with_those_that_are() {
        for system in ["5897", "EPSG:5895", "EPSG:", "epsg:5897x"] {
            let (_, mismatches) = projections(&[system.to_owned()]);
            assert_eq!(mismatches[0].place, "mapping.parcel.columns.geometry.format");
            assert!(mismatches[0].found.contains("EPSG:9209"), "{mismatches:?}");
        }
    }
}
