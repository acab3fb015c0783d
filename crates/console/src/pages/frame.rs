//! What every page has around it.

use crate::text::Say;

/// Light or dark, or as the browser says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|theme| theme.name() == name)
    }

    /// The next one, when somebody switches.
    pub(crate) fn next(self) -> Self {
        match self {
            Self::Auto => Self::Dark,
            Self::Dark => Self::Light,
            Self::Light => Self::Auto,
        }
    }
}

/// The frame of a page.
#[derive(Clone, Debug)]
pub(crate) struct Frame {
    pub(crate) say: Say,
    pub(crate) theme: Theme,
    /// A text's name. No title holds a name of anything.
    pub(crate) title: &'static str,
    /// Where this page is, for forms that lead back to it.
    pub(crate) path: String,
    /// Who has signed in, and what their forms hold.
    pub(crate) who: Option<Who>,
    /// Where parts of this page come from again.
    pub(crate) live: Option<String>,
    pub(crate) is_wall: bool,
}

/// Who has signed in.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) name: String,
    pub(crate) form: String,
}

impl Frame {
    pub(crate) fn title(&self) -> String {
        self.say.of(self.title)
    }

    pub(crate) fn form(&self) -> &str {
        self.who.as_ref().map_or("", |who| &who.form)
    }

    pub(crate) fn style(&self) -> &'static str {
        crate::web::assets::style()
    }

    /// The dark palette, which comes after the style.
    pub(crate) fn dark(&self) -> &'static str {
        crate::web::assets::dark()
    }

    /// Where it holds, as CSS has it; `None`: nowhere.
    pub(crate) fn dark_where(&self) -> Option<&'static str> {
        match self.theme {
            Theme::Auto => Some("(prefers-color-scheme: dark)"),
            Theme::Dark => Some("all"),
            Theme::Light => None,
        }
    }

    pub(crate) fn script(&self) -> &'static str {
        crate::web::assets::script()
    }

    pub(crate) fn icon(&self) -> &'static str {
        crate::web::assets::icon()
    }

    pub(crate) fn other_language(&self) -> &'static str {
        self.say.0.other().code()
    }

    pub(crate) fn theme_name(&self) -> String {
        self.say.of(match self.theme {
            Theme::Auto => "theme-auto",
            Theme::Light => "theme-light",
            Theme::Dark => "theme-dark",
        })
    }

    pub(crate) fn is_at(&self, path: &str) -> bool {
        self.path == path
    }
}
