//! Patterns of subjects: a `*` stands for anything, the rest for itself.

/// Whether a text is as a pattern says.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut text) = text.strip_prefix(first) else { return false };
    let mut parts = rest.split('*').peekable();
    while let Some(part) = parts.next() {
        if parts.peek().is_none() {
            return text.ends_with(part);
        }
        let Some(at) = text.find(part) else { return false };
        text = &text[at + part.len()..];
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_anything_and_the_rest_for_itself() {
        for (pattern, text, expected) in [
            ("provider/land", "provider/land", true),
            ("provider/land", "provider/landing", false),
            ("*", "", true),
            ("source/land/*", "source/land/office", true),
            ("source/land/*", "source/health/office", false),
            ("*/office", "source/land/office", true),
            ("source/*/office", "source/land/office", true),
            ("source/*/*ice", "source/land/office", true),
            ("a*a", "a", false),
            ("*land*land", "land", false),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }
}
