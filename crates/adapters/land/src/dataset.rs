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

/// What a mapping alone says of the borders.
#[derive(Debug)]
pub(crate) struct Described {
    projections: Vec<Projection>,
    /// What of it cannot be.
    pub(crate) mismatches: Vec<Mismatch>,
}

/// Reads what a mapping says of the borders, before anything is opened.
pub(crate) fn described(mapping: &Mapping) -> Described {
    let column = mapping.0.get(PARCEL.name).and_then(|parcel| parcel.columns.get("geometry"));
    let systems = column.map(|column| column.format.as_slice()).unwrap_or_default();
    let (projections, mismatches) = projections(systems);
    Described { projections, mismatches }
}

impl Dataset {
    /// Adds the type that the database gives the column.
    ///
    /// # Errors
    /// The mapping names no system that we know, or too little to find borders by.
    pub(crate) fn of(described: Described, mapping: &Mapping, tables: &Tables) -> Result<Self, OpenError> {
        let Described { projections, mut mismatches } = described;
        let mapped = mapping.0.get(PARCEL.name);
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

    /// The system of a border that PostGIS says to be in one, if it does, and that was measured in one, if that is known. `None`
    /// if it cannot be told: then nothing is guessed.
    pub(crate) fn projection(&self, by_postgis: Option<i64>, measured: Option<i64>) -> Option<&Projection> {
        let in_degrees = matches!(self.projections.as_slice(), [only] if only.epsg() == WGS_84);
        // What a border was measured in says nothing of the degrees that it is told in.
        let measured = measured.filter(|_| !in_degrees);
        let stated = match (by_postgis, measured) {
            (Some(one), Some(other)) if one != other => return None,
            (one, other) => one.or(other),
        };
        match (self.projections.as_slice(), stated) {
            ([only], None) => Some(only),
            (_, None) => None,
            (several, Some(stated)) => several.iter().find(|one| i64::from(one.epsg()) == stated),
        }
    }

    /// The system that PostGIS says a row's border to be in, if it does: it writes 0 where it knows none.
    pub(crate) fn by_postgis(&self, row: &Row) -> Result<Option<i64>, SourceError> {
        match self.form {
            Form::PostGis => Ok(row.maybe_integer("geometry_srid")?.filter(|srid| *srid != 0)),
            Form::Text => Ok(None),
        }
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

    fn epsg(dataset: &Dataset, by_postgis: Option<i64>, measured: Option<i64>) -> Option<i32> {
        dataset.projection(by_postgis, measured).map(Projection::epsg)
    }

    #[test]
    fn a_border_is_in_the_only_system_or_in_the_one_that_is_stated() {
        let native = dataset(&[], Form::Text);
        assert_eq!(epsg(&native, None, Some(9209)), Some(WGS_84), "it was only measured in the other");
        let in_degrees = dataset(&["EPSG:4326"], Form::PostGis);
        assert_eq!(epsg(&in_degrees, Some(4326), Some(5897)), Some(WGS_84));
        assert_eq!(epsg(&in_degrees, Some(5897), None), None, "it contradicts the configuration");
        let one = dataset(&["EPSG:5897"], Form::PostGis);
        assert_eq!(epsg(&one, None, None), Some(5897));
        assert_eq!(epsg(&one, Some(9209), None), None, "it contradicts the configuration");
        let two = dataset(&["EPSG:5897", "EPSG:9209"], Form::PostGis);
        assert_eq!(epsg(&two, Some(9209), None), Some(9209));
        assert_eq!(epsg(&two, None, Some(5897)), Some(5897));
        assert_eq!(epsg(&two, Some(9209), Some(5897)), None, "it contradicts itself");
        assert_eq!(epsg(&two, None, None), None, "which of the two is not guessed");
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
