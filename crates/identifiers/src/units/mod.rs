//! The administrative units of Can Tho city: the 103 wards in use since 1 July 2025, and the 263 of the former
//! provinces 92, 93 and 94 that they were made of.
//!
//! **A code can have two meanings.** A new ward took over the code of one of the wards merged into it: `31120` was
//! Phường An Hòa and is now the larger Phường Cái Khế. In today's data each of the 103 codes in use was a ward before,
//! and the other 160 are former codes only. Three rules follow:
//!
//! * [`resolve`] reads a code as the ward in use if there is one, else as a former ward, and answers with the ward in
//!   use. This never loses a person or parcel: the main successor of a former ward that kept its code is the ward with
//!   that code now (a test holds this true of the data).
//! * What was recorded under a former code is found from the ward in use by [`predecessors`], not by equality of codes.
//! * 19 former wards were divided between two. A code alone cannot tell on which side something lies; [`resolve`]
//!   takes the one that got most of it, and [`Resolved::is_certain`] says that it was a choice.
//!
//! Compiled from the MIT-licensed package vietnamadminunits 1.0.4; its notice is beside the data.

mod tables;

use crate::{ProvinceCode, WardCode, names};
use tables::{BY_CURRENT, BY_FORMER, FORMER_WARDS, NAMES, WARDS};

/// What a ward is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum WardKind {
    /// Phường: urban.
    Ward,
    /// Xã: rural.
    Commune,
    /// Thị trấn: the town of a rural district; none since 1 July 2025.
    Township,
}

impl WardKind {
    /// The word that a name begins with.
    pub fn title_vi(self) -> &'static str {
        match self {
            Self::Ward => "Phường",
            Self::Commune => "Xã",
            Self::Township => "Thị trấn",
        }
    }

    fn of(title: &str) -> Option<Self> {
        [Self::Ward, Self::Commune, Self::Township].into_iter().find(|kind| kind.title_vi() == title)
    }
}

/// A ward in use since 1 July 2025.
#[derive(Clone, Debug, PartialEq)]
pub struct Ward {
    /// Its code, which was that of a former ward too.
    pub code: WardCode,
    /// The name with its kind: `Phường Ninh Kiều`.
    pub name: &'static str,
    /// Urban or rural.
    pub kind: WardKind,
    /// Latitude of the centre point, in degrees of WGS 84.
    pub latitude: f64,
    /// Longitude of the centre point, in degrees of WGS 84.
    pub longitude: f64,
    /// Area in square kilometres.
    pub area_km2: f64,
}

/// A ward as it was before 1 July 2025.
#[derive(Clone, Debug, PartialEq)]
pub struct FormerWard {
    /// Its code, which a larger ward may have now.
    pub code: WardCode,
    /// The name with its kind: `Phường An Hòa`.
    pub name: &'static str,
    /// Urban, rural, or a town.
    pub kind: WardKind,
    /// Code of the former district: 3 digits.
    pub district_code: &'static str,
    /// Name of the former district.
    pub district: &'static str,
    /// The former province: 92, 93 or 94.
    pub province_code: ProvinceCode,
    /// Name of the former province.
    pub province: &'static str,
    /// Latitude of the centre point, in degrees of WGS 84.
    pub latitude: f64,
    /// Longitude of the centre point, in degrees of WGS 84.
    pub longitude: f64,
}

impl Ward {
    /// The name without its kind: `Ninh Kiều`.
    pub fn short_name(&self) -> &'static str {
        short(self.name, self.kind)
    }
}

impl FormerWard {
    /// The name without its kind: `An Hòa`.
    pub fn short_name(&self) -> &'static str {
        short(self.name, self.kind)
    }
}

fn short(name: &'static str, kind: WardKind) -> &'static str {
    name.strip_prefix(kind.title_vi()).map_or(name, str::trim_start)
}

/// How much of a former ward went into a ward in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Share {
    /// All of it.
    Whole,
    /// The greater part of a divided ward.
    Most,
    /// The lesser part of a divided ward.
    Rest,
}

/// A former ward, or part of one, became part of a ward in use.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Succession {
    /// Code of the former ward.
    pub former: WardCode,
    /// Code of the ward in use.
    pub current: WardCode,
    /// How much of it.
    pub share: Share,
}

/// How [`resolve`] read a code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Reading {
    /// The code is in use and never was another ward's. No code is so today.
    Current,
    /// The code is in use, and was this ward's before.
    Reused(&'static FormerWard),
    /// The code is a former one only.
    Former(&'static FormerWard),
}

/// The ward in use that a code stands for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Resolved {
    /// The ward in use.
    pub ward: &'static Ward,
    /// How the code was read.
    pub reading: Reading,
}

impl Resolved {
    /// False if the code is that of a former ward which was divided, so that the ward in use is only the likelier one.
    pub fn is_certain(&self) -> bool {
        match self.reading {
            Reading::Current | Reading::Reused(_) => true,
            Reading::Former(former) => successors(former.code).len() == 1,
        }
    }
}

/// A ward found by its name.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Named {
    /// A ward in use.
    Current(&'static Ward),
    /// A former ward.
    Former(&'static FormerWard),
}

impl Named {
    /// The ward in use: itself, or the main successor.
    pub fn ward(self) -> Option<&'static Ward> {
        match self {
            Self::Current(ward) => Some(ward),
            Self::Former(former) => main_successor(former.code),
        }
    }
}

/// All wards in use, sorted by code.
pub fn wards() -> &'static [Ward] {
    &WARDS
}

/// All former wards, sorted by code.
pub fn former_wards() -> &'static [FormerWard] {
    &FORMER_WARDS
}

/// The ward that has this code now.
pub fn current(code: WardCode) -> Option<&'static Ward> {
    WARDS.binary_search_by_key(&code, |ward| ward.code).ok().map(|index| &WARDS[index])
}

/// The ward that had this code before 1 July 2025.
pub fn former(code: WardCode) -> Option<&'static FormerWard> {
    FORMER_WARDS.binary_search_by_key(&code, |ward| ward.code).ok().map(|index| &FORMER_WARDS[index])
}

/// What became of a former ward: one succession, or two with the main one first. Empty for a code that never was one.
pub fn successors(former: WardCode) -> &'static [Succession] {
    run_of(&BY_FORMER, former, |succession| succession.former)
}

/// What a ward in use was made of; the former ward whose code it has comes first. Empty for a code not in use.
pub fn predecessors(current: WardCode) -> &'static [Succession] {
    run_of(&BY_CURRENT, current, |succession| succession.current)
}

/// The run of successions that have this code, in a table sorted by it.
fn run_of(sorted: &[Succession], code: WardCode, code_of: fn(&Succession) -> WardCode) -> &[Succession] {
    let start = sorted.partition_point(|succession| code_of(succession) < code);
    let length = sorted[start..].partition_point(|succession| code_of(succession) == code);
    &sorted[start..start + length]
}

/// The ward in use that took most of a former one.
pub fn main_successor(former: WardCode) -> Option<&'static Ward> {
    successors(former).first().and_then(|succession| current(succession.current))
}

/// The ward in use that a code stands for, whichever time the code is of. A code in use now is read as such.
///
/// ```
/// use lgsp_identifiers::{WardCode, units};
///
/// let resolved = units::resolve(WardCode::parse("31117")?).expect("a former ward of the city");
/// assert_eq!((resolved.ward.name, resolved.is_certain()), ("Phường Cái Khế", true));
/// assert_eq!(units::resolve(WardCode::parse("00001")?), None);
/// # Ok::<(), lgsp_identifiers::Error>(())
/// ```
pub fn resolve(code: WardCode) -> Option<Resolved> {
    match (current(code), former(code)) {
        (Some(ward), Some(former)) => Some(Resolved { ward, reading: Reading::Reused(former) }),
        (Some(ward), None) => Some(Resolved { ward, reading: Reading::Current }),
        (None, Some(former)) => {
            main_successor(code).map(|ward| Resolved { ward, reading: Reading::Former(former) })
        }
        (None, None) => None,
    }
}

/// The wards of a name, old or new, with or without its kind; wards in use come first. Several have one name: 14
/// names occurred more than once before 2025.
///
/// ```
/// use lgsp_identifiers::units::{self, Named};
///
/// let wards = units::named("ninh kiều");
/// assert!(matches!(wards[0], Named::Current(ward) if ward.name == "Phường Ninh Kiều"));
/// ```
pub fn named(name: &str) -> &'static [Named] {
    NAMES.get(&names::key(name)).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests;
