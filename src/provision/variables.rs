//! How tests are told where their databases are, and how a URL is told by the environment.

use std::ffi::OsString;

use crate::config;

/// `DATABASE_URL` for the first database, `DATABASE_URL_<NAME>` for each.
#[must_use]
pub fn of(urls: &[(&str, String)]) -> Vec<(OsString, OsString)> {
    let mut variables: Vec<(OsString, OsString)> = Vec::with_capacity(urls.len() + 1);
    if let Some((_, url)) = urls.first() {
        variables.push(("DATABASE_URL".into(), url.into()));
    }
    for (name, url) in urls {
        variables.push((config::variable(name).into(), url.into()));
    }
    variables
}

/// A text with each `${NAME}` replaced.
///
/// # Errors
/// The name of the first that is not set.
pub(super) fn expand(text: &str, get: &dyn Fn(&str) -> Option<String>) -> Result<String, String> {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, left)) = after.split_once('}') else { break };
        out.push_str(before);
        out.push_str(&get(name).ok_or_else(|| name.to_owned())?);
        rest = left;
    }
    out.push_str(rest);
    Ok(out)
}

/// A SQLite URL's relative path made absolute; any other URL as it is.
pub(super) fn absolute(url: &str, base: &std::path::Path) -> String {
    let Some(rest) = url.strip_prefix("sqlite:") else { return url.to_owned() };
    let path = rest.strip_prefix("//").unwrap_or(rest);
    if path.starts_with('/') {
        return url.to_owned();
    }
    format!("sqlite:{}/{path}", base.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_database_has_the_plain_name_too() {
        let of = of(&[("main", "u1".to_owned()), ("read-only", "u2".to_owned())]);
        let of: Vec<_> =
            of.iter().map(|(k, v)| (k.to_str().unwrap(), v.to_str().unwrap())).collect();
        assert_eq!(
            of,
            [("DATABASE_URL", "u1"), ("DATABASE_URL_MAIN", "u1"), ("DATABASE_URL_READ_ONLY", "u2")]
        );
    }

    #[test]
    fn variables_are_expanded_once_and_must_be_set() {
        let get = |name: &str| (name == "PW").then(|| "${x}".to_owned());
        assert_eq!(expand("a://u:${PW}@h/d", &get).unwrap(), "a://u:${x}@h/d");
        assert_eq!(expand("a${NO}b", &get), Err("NO".to_owned()));
        assert_eq!(expand("a${PW", &get).unwrap(), "a${PW");
    }
}
