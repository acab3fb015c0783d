//! What the cadastre knows of a parcel besides where it lies.

use lgsp_identifiers::PartialDate;
use lgsp_identifiers::units::WardKind;
use lgsp_proto::land::v1::{OwnerKind, ParcelStatus, RestrictionKind, UseOrigin};
use lgsp_proto::population::v1::{LifeStatus, Relation};
use uuid::Uuid;

use super::geometry::{Bounds, Point, area_m2, middle};
use super::ground::{Plot, Sheets};
use super::holders::enterprise;
use crate::clock::{blur, date, day_in, stamps};
use crate::dice::Dice;
use crate::people::Place;
use crate::record::{Certificate, Citizen, FormerKey, LandUse, Owner, Parcel, Restriction};

/// Where a parcel lies and what it is called.
pub(super) struct Site<'a> {
    pub place: &'a Place,
    pub border: Vec<Point>,
    pub sheet: Sheets,
    pub number: u32,
    pub map_scale: i32,
}

impl<'a> Site<'a> {
    pub(super) fn whole(place: &'a Place, plot: &Plot) -> Self {
        let Plot { border, sheet, number, map_scale } = plot;
        Self { place, border: border.clone(), sheet: *sheet, number: *number, map_scale: *map_scale }
    }
}

/// Rights to a parcel: whose, since when, and for what.
pub(super) struct Register {
    owners: Vec<Owner>,
    since: PartialDate,
    purpose: Purpose,
    is_example: bool,
}

#[derive(Clone, Copy)]
enum Purpose {
    UrbanDwelling,
    RuralDwelling,
    Field(&'static str, &'static str),
    Trade(&'static str, &'static str),
    Public(&'static str, &'static str),
}

const GARDEN: Purpose = Purpose::Field("CLN", "Đất trồng cây lâu năm");

const FIELDS: &[(u32, Purpose)] = &[
    (50, Purpose::Field("LUC", "Đất chuyên trồng lúa nước")),
    (35, GARDEN),
    (15, Purpose::Field("NTS", "Đất nuôi trồng thủy sản")),
];

const TRADES: &[(u32, Purpose)] = &[
    (6, Purpose::Trade("TMD", "Đất thương mại, dịch vụ")),
    (4, Purpose::Trade("SKC", "Đất cơ sở sản xuất phi nông nghiệp")),
];

const PUBLIC: &[(u32, Purpose)] = &[
    (4, Purpose::Public("TSC", "Đất xây dựng trụ sở cơ quan")),
    (4, Purpose::Public("DGD", "Đất xây dựng cơ sở giáo dục và đào tạo")),
    (2, Purpose::Public("DYT", "Đất xây dựng cơ sở y tế")),
];

/// The bank of the synthetic city.
const LENDER: &str = "Ngân hàng Mẫu, chi nhánh Cần Thơ";

impl Register {
    /// A parcel of the household's people.
    pub(super) fn of_people(
        dice: &mut Dice,
        place: &Place,
        people: &[Citizen],
        is_dwelling: bool,
        is_example: bool,
    ) -> Self {
        let purpose = match (is_dwelling, place.former.kind) {
            (true, WardKind::Ward | WardKind::Township) => Purpose::UrbanDwelling,
            (true, WardKind::Commune) => Purpose::RuralDwelling,
            // Between houses there is room for a garden, not for a field.
            (false, WardKind::Ward) => GARDEN,
            (false, WardKind::Township | WardKind::Commune) => dice.weighted(FIELDS),
        };
        let head_year = people.first().map_or(1960, |head| head.date_of_birth.year());
        let earliest = u32::from(head_year + 20).clamp(1988, 2025);
        let year = dice.within(earliest..=2025) as u16;
        let since = day_in(dice, year);
        let owners = owners(dice, people, since, matches!(purpose, Purpose::Field(..)), is_example);
        Self { owners, since, purpose, is_example }
    }

    /// A parcel of an enterprise, a public body or a community.
    pub(super) fn of_body(dice: &mut Dice, place: &Place) -> Self {
        let year = dice.within(1996..=2025) as u16;
        let since = day_in(dice, year);
        let kind = dice.weighted(&[
            (7, OwnerKind::Enterprise),
            (2, OwnerKind::PublicBody),
            (1, OwnerKind::Community),
        ]);
        let mut owner = Owner {
            kind,
            personal_number: None,
            old_identity: None,
            enterprise_code: None,
            name: format!("Ủy ban nhân dân {}", place.ward.name),
            share: (1, 1),
            since,
            until: None,
        };
        let purpose = match kind {
            OwnerKind::Enterprise => {
                let (code, name) = enterprise(dice.below(u32::MAX));
                (owner.enterprise_code, owner.name) = (Some(code), name);
                dice.weighted(TRADES)
            }
            OwnerKind::Community => {
                owner.name = format!("Cộng đồng dân cư {}", place.ward.short_name());
                Purpose::Public("TIN", "Đất tín ngưỡng")
            }
            OwnerKind::PublicBody | OwnerKind::Person | OwnerKind::Household | OwnerKind::Unspecified => {
                dice.weighted(PUBLIC)
            }
        };
        Self { owners: vec![owner], since, purpose, is_example: false }
    }

    /// The parcel of these rights at a site.
    pub(super) fn parcel(&self, dice: &mut Dice, id: i64, site: Site<'_>) -> Parcel {
        let area = (area_m2(&site.border) * 10.0).round() / 10.0;
        let place = site.place;
        let key = site.sheet.key(site.number);
        let former_key = Some(site.sheet.former_key(site.number)).filter(|former| *former != key);
        let measured = dice.within(2008..=2024) as u16;
        let measured_on = day_in(dice, measured);
        let certificate = (self.is_example || dice.chance(880)).then(|| certificate(dice, self.since));
        let is_soc_trang = place.former.province_code.as_str() == "94";
        let (updated_us, as_of_us) = stamps(dice);
        Parcel {
            id,
            uuid: Uuid::new_v8(dice.bytes()),
            former_keys: former_key
                .map(|key| FormerKey { key, valid_to: date(2025, 6, 30) })
                .into_iter()
                .collect(),
            former_ward: place.is_written_formerly.then_some(place.former.code),
            address: place.text(),
            area_m2: area,
            // Older certificates measured with a tape.
            certified_area_m2: certificate.as_ref().map(|_| certified(dice, area)),
            use_origin: self.use_origin(dice),
            certificate,
            disputed: !self.is_example && dice.chance(8),
            planned_use_code: (self.is_example || dice.chance(700)).then(|| self.purpose.code()),
            centre: middle(&site.border),
            bounds: Bounds::around(&site.border),
            border: site.border,
            // The former Soc Trang was measured in another zone (assumed).
            source_epsg: if is_soc_trang { 9209 } else { 5897 },
            map_scale: site.map_scale,
            measured_on: dice.chance(930).then(|| blur(dice, measured_on, 120, 50)),
            status: ParcelStatus::InUse,
            valid_from: self.since.min(measured_on),
            valid_to: None,
            land_uses: self.purpose.land_uses(dice, area),
            owners: self.owners.clone(),
            restrictions: self.restrictions(dice),
            predecessor: None,
            key,
            updated_us,
            as_of_us,
        }
    }

    fn use_origin(&self, dice: &mut Dice) -> UseOrigin {
        match self.purpose {
            Purpose::Trade(..) => UseOrigin::Leased,
            Purpose::Public(..) => UseOrigin::AllocatedFree,
            Purpose::UrbanDwelling | Purpose::RuralDwelling | Purpose::Field(..) => dice.weighted(&[
                (45, UseOrigin::Recognised),
                (40, UseOrigin::Transferred),
                (10, UseOrigin::AllocatedPaid),
                (5, UseOrigin::Unspecified),
            ]),
        }
    }

    fn restrictions(&self, dice: &mut Dice) -> Vec<Restriction> {
        let kind = match dice.below(1000) {
            _ if self.is_example => return Vec::new(),
            0..90 => RestrictionKind::Mortgage,
            90..97 => RestrictionKind::Seizure,
            97..110 => RestrictionKind::Easement,
            110..114 => RestrictionKind::RecoveryNotice,
            _ => return Vec::new(),
        };
        let (holder, years) = match kind {
            RestrictionKind::Mortgage => (LENDER, 5),
            RestrictionKind::Seizure => ("Cơ quan thi hành án dân sự", 0),
            RestrictionKind::RecoveryNotice => ("Ủy ban nhân dân thành phố Cần Thơ", 0),
            RestrictionKind::Easement | RestrictionKind::Unspecified => ("Hành lang an toàn lưới điện", 0),
        };
        let year = dice.within(2021..=2026) as u16;
        let since = day_in(dice, year);
        let until = if years == 0 { None } else { PartialDate::year_only(since.year() + years) };
        vec![Restriction { kind, holder, since, until }]
    }
}

impl Purpose {
    fn code(self) -> &'static str {
        match self {
            Self::UrbanDwelling => "ODT",
            Self::RuralDwelling => "ONT",
            Self::Field(code, _) | Self::Trade(code, _) | Self::Public(code, _) => code,
        }
    }

    /// One use, or a dwelling with its garden.
    fn land_uses(self, dice: &mut Dice, area: f64) -> Vec<LandUse> {
        let whole = |code, title_vi, until| vec![LandUse { code, title_vi, area_m2: area, until }];
        let term =
            |dice: &mut Dice, years: u32| PartialDate::year_only(dice.within(2030..=2030 + years) as u16);
        let (code, title_vi, most) = match self {
            Self::UrbanDwelling => ("ODT", "Đất ở tại đô thị", 150.0),
            Self::RuralDwelling => ("ONT", "Đất ở tại nông thôn", 300.0),
            Self::Field(code, title_vi) => return whole(code, title_vi, term(dice, 45)),
            Self::Trade(code, title_vi) => return whole(code, title_vi, term(dice, 40)),
            Self::Public(code, title_vi) => return whole(code, title_vi, None),
        };
        if area <= most {
            return whole(code, title_vi, None);
        }
        let garden = ((area - most) * 10.0).round() / 10.0;
        vec![
            LandUse { code, title_vi, area_m2: most, until: None },
            LandUse {
                code: "CLN",
                title_vi: "Đất trồng cây lâu năm",
                area_m2: garden,
                until: term(dice, 45),
            },
        ]
    }
}

fn certified(dice: &mut Dice, area: f64) -> f64 {
    if dice.chance(750) { area } else { (area * (0.96 + 0.08 * dice.fraction()) * 10.0).round() / 10.0 }
}

fn certificate(dice: &mut Dice, issued_on: PartialDate) -> Certificate {
    let letters = dice.pick(&["AB", "BD", "BP", "BS", "CB", "CK", "CS", "CX", "DA", "DĐ"]);
    let issuer = if issued_on.year() < 2014 {
        "Ủy ban nhân dân cấp huyện"
    } else {
        "Chi nhánh Văn phòng Đăng ký đất đai"
    };
    Certificate {
        serial: format!("{letters} {:06}", dice.below(1_000_000)),
        register: format!("{}{:05}", dice.pick(&["H", "CH", "CS"]), dice.within(1..=99_999)),
        issued_on,
        issuer,
    }
}

/// Head and spouse in common, the head alone, the household, or heirs with shares; now and then after a former owner.
fn owners(
    dice: &mut Dice,
    people: &[Citizen],
    since: PartialDate,
    is_field: bool,
    is_example: bool,
) -> Vec<Owner> {
    let is_adult =
        |citizen: &&Citizen| citizen.date_of_birth.year() <= 2007 && citizen.life_status == LifeStatus::Alive;
    let is_kin = |citizen: &&Citizen| citizen.relation != Relation::NotRelated;
    let adults: Vec<&Citizen> = people.iter().filter(is_kin).filter(is_adult).collect();
    let head = adults.first().copied().or_else(|| people.first());
    let spouse = adults.iter().copied().find(|citizen| citizen.relation == Relation::Spouse);
    let Some(head) = head else { return Vec::new() };
    let heirs: Vec<&Citizen> = adults.iter().copied().take(3).collect();
    let person = |citizen: &Citizen, share| owner(citizen, OwnerKind::Person, share, since);
    let mut owners = match spouse {
        Some(spouse) if is_example || dice.chance(620) => vec![person(head, (0, 0)), person(spouse, (0, 0))],
        _ if is_field && dice.chance(350) => vec![owner(head, OwnerKind::Household, (1, 1), since)],
        _ if heirs.len() > 2 && dice.chance(80) => heirs.iter().map(|heir| person(heir, (1, 3))).collect(),
        _ => vec![person(head, (1, 1))],
    };
    if !is_example && since.year() > 2000 && dice.chance(60) {
        let mut former = owner(head, OwnerKind::Person, (1, 1), date(1994, 1, 1));
        // Sold or left behind by somebody whom the cadastre knows by name only.
        former.name = "Chủ sử dụng trước (dữ liệu mẫu)".to_owned();
        (former.personal_number, former.old_identity, former.until) = (None, None, Some(since));
        owners.push(former);
    }
    owners
}

fn owner(citizen: &Citizen, kind: OwnerKind, share: (u32, u32), since: PartialDate) -> Owner {
    // Certificates named the old card until the personal number replaced it.
    let is_of_old = since.year() < 2016;
    let title = if kind == OwnerKind::Household { "Hộ ông (bà) " } else { "" };
    Owner {
        kind,
        personal_number: Some(citizen.personal_number.clone()),
        old_identity: citizen.old_identity.clone().filter(|_| is_of_old),
        enterprise_code: None,
        name: format!("{title}{}", citizen.full_name),
        share,
        since,
        until: None,
    }
}

impl Parcel {
    /// Ends the parcel with the reason: nobody holds it any more.
    pub(super) fn end(&mut self, status: ParcelStatus, on: PartialDate) {
        self.status = status;
        for former in &mut self.former_keys {
            former.valid_to = on;
        }
        for owner in &mut self.owners {
            owner.until = owner.until.or(Some(on));
        }
        self.restrictions.clear();
        self.disputed = false;
        self.valid_to = Some(on);
        self.valid_from = self.valid_from.min(date(1994, 1, 1));
        self.measured_on = None;
    }

    /// Makes the parcel one that came out of another.
    pub(super) fn begin_from(&mut self, predecessor: Uuid, on: PartialDate) {
        self.predecessor = Some(predecessor);
        self.valid_from = on;
        for owner in &mut self.owners {
            if owner.until.is_none() {
                owner.since = owner.since.max(on);
            }
        }
        self.owners.retain(|owner| owner.until.is_none());
        self.measured_on = Some(on);
    }
}
