use clap::ValueEnum;

/// Language of messages and tables.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Lang {
    /// English.
    #[default]
    En,
    /// Vietnamese.
    Vi,
}

impl Lang {
    /// The language of the environment: the first of `LC_ALL`, `LC_MESSAGES` and `LANG` that is set decides.
    pub fn of_environment(variable: impl Fn(&str) -> Option<String>) -> Self {
        let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
        match ["LC_ALL", "LC_MESSAGES", "LANG"].iter().find_map(set) {
            Some(locale) if locale.to_ascii_lowercase().starts_with("vi") => Self::Vi,
            Some(_) | None => Self::En,
        }
    }

    /// The text in this language.
    pub(crate) fn pick<'a>(self, en: &'a str, vi: &'a str) -> &'a str {
        match self {
            Self::En => en,
            Self::Vi => vi,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(variables: &[(&str, &str)], expected: Lang) {
        let variable = |name: &str| {
            variables.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
        };
        assert_eq!(Lang::of_environment(variable), expected, "{variables:?}");
    }

    #[test]
    fn the_environment_chooses_the_language() {
        check(&[], Lang::En);
        check(&[("LANG", "vi_VN.UTF-8")], Lang::Vi);
        check(&[("LC_ALL", "C"), ("LANG", "vi_VN.UTF-8")], Lang::En);
        check(&[("LC_ALL", ""), ("LANG", "vi")], Lang::Vi);
    }
}
