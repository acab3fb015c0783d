//! Who holds a parcel now: until when somebody does may be empty, to come, known in part only, or not understood.

use lgsp_adapter::records::today;
use lgsp_proto::land::v1::{ListParcelsByOwnerRequest, Parcel, RestrictionKind};
use lgsp_proto::record::v1::PartialDate;

use crate::fixtures::{Cadastre, Form, uuid};
use crate::{PERSON, owned_by};

/// The mapping of an owner's last day, which is not the only one of its kind.
const UNTIL: &str = "share_denominator = \"mau_so\"
since = { column = \"tu_ngay\", format = [\"dd/mm/yyyy\", \"mm/yyyy\", \"yyyy\"] }
until = { column = \"den_ngay\", format = [\"dd/mm/yyyy\", \"mm/yyyy\", \"yyyy\"] }";

fn owners(parcel: &Parcel) -> Vec<&str> {
    parcel.owners.iter().map(|owner| owner.name.as_str()).collect()
}

#[tokio::test]
async fn an_empty_last_day_is_none_whether_or_not_the_mapping_names_a_form() {
    let none = "UPDATE chu_su_dung SET den_ngay = '' WHERE den_ngay IS NULL;
                UPDATE chu_su_dung SET den_ngay = '2001-01-01' WHERE ma_chu = 4;";
    for form in ["", ", format = [\"yyyy-mm-dd\"]"] {
        let other = format!("share_denominator = \"mau_so\"\nuntil = {{ column = \"den_ngay\"{form} }}");
        for mut cadastre in Cadastre::each_mapped_with(UNTIL, &other, none).await {
            assert_eq!(cadastre.by_id(&uuid(1)).await.unwrap().owners.len(), 2);
            assert_eq!(owners(&cadastre.by_id(&uuid(2)).await.unwrap()), ["Công ty thử nghiệm"]);
            assert_eq!(cadastre.of_owner(owned_by(PERSON)).await.unwrap(), [1, 3, 5]);
        }
    }
}

#[tokio::test]
async fn who_holds_a_parcel_to_a_day_to_come_or_to_the_end_of_this_year_holds_it_now() {
    let this_year = today().year().to_string();
    for (until, holds) in [("2999-12-31", true), (&this_year, true), ("2001-01-01", false)] {
        let ends = format!("UPDATE owner SET until = '{until}' WHERE owner_id = 6;");
        for mut cadastre in Cadastre::each_of(Form::Native, &ends).await {
            let expected: &[u32] = if holds { &[1, 3, 5] } else { &[1, 3] };
            assert_eq!(cadastre.of_owner(owned_by(PERSON)).await.unwrap(), expected, "{until}");
            let told = cadastre.by_id(&uuid(5)).await.unwrap().owners.len();
            assert_eq!(told, usize::from(holds), "{until}");
        }
    }
}

#[tokio::test]
async fn of_a_lease_of_an_enterprise_the_same_holds() {
    let leased = "UPDATE chu_su_dung SET den_ngay = '31/12/2999', so_cmnd = '361000009' WHERE ma_chu = 3;";
    for mut cadastre in Cadastre::each_of(Form::Mapped, leased).await {
        let enterprise_code = "0100109106".to_owned();
        let asked = ListParcelsByOwnerRequest { enterprise_code, ..Default::default() };
        assert_eq!(cadastre.of_owner(asked).await.unwrap(), [2]);
        assert_eq!(cadastre.of_owner(owned_by("361000009")).await.unwrap(), [2]);
        assert_eq!(owners(&cadastre.by_id(&uuid(2)).await.unwrap()), ["Công ty thử nghiệm"]);
    }
}

#[tokio::test]
async fn whose_last_day_is_not_understood_is_told_and_counted() {
    let odd = "UPDATE chu_su_dung SET den_ngay = '01.01.2001' WHERE ma_chu = 6;";
    for mut cadastre in Cadastre::each_of(Form::Mapped, odd).await {
        assert_eq!(cadastre.by_id(&uuid(5)).await.unwrap().owners.len(), 1);
        assert_eq!(cadastre.not_understood("owner", "until"), 1);
        assert_eq!(cadastre.of_owner(owned_by(PERSON)).await.unwrap(), [1, 3, 5]);
    }
}

#[tokio::test]
async fn a_restriction_is_told_to_its_last_day() {
    let this_year = today().year();
    let ends = format!("UPDATE restriction SET until = '{this_year}' WHERE restriction_id = 1;");
    for mut cadastre in Cadastre::each_of(Form::Native, &ends).await {
        let restrictions = cadastre.by_id(&uuid(1)).await.unwrap().restrictions;
        let [mortgage] = restrictions.as_slice() else { panic!("{restrictions:?}") };
        assert_eq!(mortgage.kind(), RestrictionKind::Mortgage);
        let until = PartialDate { year: this_year.into(), month: 0, day: 0 };
        assert_eq!(mortgage.until, Some(until));
    }
}
