//! What is shown: view models of the picture, each with its template.

pub(crate) mod frame;
pub(crate) mod link;
pub(crate) mod overview;
pub(crate) mod plain;
pub(crate) mod words;

use askama::Template;

/// A part of a page, which is sent again when it changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Part {
    pub(crate) name: &'static str,
    pub(crate) html: String,
}

/// Fills a template. It has nothing that could fail but memory.
pub(crate) fn filled(template: &impl Template) -> String {
    template.render().unwrap_or_default()
}

fn part(name: &'static str, template: &impl Template) -> Part {
    Part { name, html: filled(template) }
}
