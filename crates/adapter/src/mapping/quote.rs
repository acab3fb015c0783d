//! Names and texts of a configuration, as SQL writes them. Nothing of a configuration enters a statement unquoted, except
//! the queries and expressions that are SQL themselves.

/// A name: `cong_dan` is `"cong_dan"`. Both databases read it exactly so, upper and lower case apart.
pub(crate) fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A name with what stands before it: `dancu.cong_dan` is `"dancu"."cong_dan"`.
pub(crate) fn path(path: &str) -> String {
    path.split('.').map(name).collect::<Vec<_>>().join(".")
}

/// A text.
pub(crate) fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Whether a name can be one: SQL knows no empty name and no NUL.
pub(crate) fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.contains('\0')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_cannot_be_left() {
        assert_eq!(name(r#"cong"dan"#), r#""cong""dan""#);
        assert_eq!(path("dancu.cong_dan"), r#""dancu"."cong_dan""#);
        assert_eq!(text("Nữ' OR '1'='1"), "'Nữ'' OR ''1''=''1'");
    }
}
