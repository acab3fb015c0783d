use std::sync::Arc;

use lgsp_bus::Inbound;

/// What of an answer may leave the gateway, so that an adapter need not read the rest. It is no guard: that is the
/// gateway's filter.
#[derive(Clone, Debug, Default)]
pub struct Fields {
    /// Paths as the agreement writes them; `None` wants everything.
    granted: Option<Arc<[String]>>,
}

impl Fields {
    /// Reads the paths that came with a request; without any, everything is wanted.
    pub fn of<T>(request: &tonic::Request<T>) -> Self {
        let inbound = request.extensions().get::<Inbound>();
        Self {
            granted: inbound
                .map(|inbound| Arc::clone(&inbound.head.fields))
                .filter(|fields| !fields.is_empty()),
        }
    }

    /// Whether a field of the answer, or anything below it, may leave.
    pub fn wants(&self, path: &str) -> bool {
        let Some(granted) = &self.granted else { return true };
        granted.iter().any(|field| field == "*" || is_within(path, field) || is_within(field, path))
    }
}

fn is_within(path: &str, above: &str) -> bool {
    path.strip_prefix(above).is_some_and(|below| below.is_empty() || below.starts_with('.'))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wants(granted: &[&str], path: &str) -> bool {
        let granted: Vec<String> = granted.iter().map(|field| (*field).to_owned()).collect();
        Fields { granted: Some(granted.into()) }.wants(path)
    }

    #[test]
    fn a_field_is_wanted_if_it_or_a_part_of_it_may_leave() {
        for granted in ["*", "parcel", "parcel.owners", "parcel.owners.name"] {
            assert!(wants(&["parcel.area_m2", granted], "parcel.owners"), "{granted}");
        }
        for granted in ["parcel.area_m2", "parcel.owners_former", "parcels", "owners"] {
            assert!(!wants(&[granted], "parcel.owners"), "{granted}");
        }
    }

    #[test]
    fn without_a_mask_everything_is_wanted() {
        assert!(Fields::of(&tonic::Request::new(())).wants("parcel.owners"));
    }
}
