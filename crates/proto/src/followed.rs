use crate::monitor::v1::{Link, LinkChange, LinkKind, LinkState};

impl LinkChange {
    /// Brings a list of links up to date, as whoever follows them does. A link that was not there before joins it, unless it has `most`
    /// already.
    pub fn apply_to(&self, links: &mut Vec<Link>, most: usize) {
        let Some(link) = links.iter_mut().find(|link| link.id == self.link) else {
            if links.len() < most {
                links.push(self.begin());
            }
            return;
        };
        let maintenance_until = link.maintenance_until.filter(|_| self.to() == LinkState::Maintenance);
        *link = Link { maintenance_until, ..self.begin() };
    }

    /// The link as it is since the change.
    fn begin(&self) -> Link {
        let kind = self.link.split('/').next().unwrap_or_default().to_uppercase();
        Link {
            id: self.link.clone(),
            kind: LinkKind::from_str_name(&format!("LINK_KIND_{kind}")).unwrap_or_default().into(),
            state: self.to,
            cause: self.cause.clone(),
            since: self.at,
            evidence: self.evidence.clone(),
            measured: self.measured,
            unknown_since: None,
            maintenance_until: None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_follows_links_has_what_the_list_would_tell() {
        let at = |seconds| Some(prost_types::Timestamp { seconds, nanos: 0 });
        let change = |link: &str, to: LinkState, seconds| LinkChange {
            link: link.to_owned(),
            to: to.into(),
            measured: LinkState::Down.into(),
            cause: "no-traffic".to_owned(),
            at: at(seconds),
            ..LinkChange::default()
        };
        let mut links = Vec::new();
        change("source/land/office", LinkState::Working, 1).apply_to(&mut links, 2);
        links[0].unknown_since = at(2);
        links[0].maintenance_until = at(9);
        change("source/land/office", LinkState::Maintenance, 3).apply_to(&mut links, 2);
        assert_eq!(
            (links.len(), links[0].kind(), links[0].state()),
            (1, LinkKind::Source, LinkState::Maintenance)
        );
        assert_eq!((links[0].since, links[0].unknown_since), (at(3), None), "it is heard of again");
        assert_eq!((links[0].maintenance_until, links[0].measured()), (at(9), LinkState::Down));
        change("source/land/office", LinkState::Silent, 4).apply_to(&mut links, 2);
        assert_eq!((links[0].maintenance_until, links[0].cause.as_str()), (None, "no-traffic"));

        change("provider/land", LinkState::Working, 5).apply_to(&mut links, 2);
        change("provider/health", LinkState::Working, 5).apply_to(&mut links, 2);
        assert_eq!(
            links.iter().map(|link| &*link.id).collect::<Vec<_>>(),
            ["source/land/office", "provider/land"]
        );
    }
}
