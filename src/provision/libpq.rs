//! How Postgres' own client programs are told where a database is: by the environment, since
//! arguments are there for every user of the machine to see.

use std::ffi::OsString;

use percent_encoding::percent_decode_str;
use url::Url;

/// The parameters of a URL that have a variable, each with it.
const PARAMETERS: [(&str, &str); 13] = [
    ("host", "PGHOST"),
    ("hostaddr", "PGHOSTADDR"),
    ("port", "PGPORT"),
    ("user", "PGUSER"),
    ("password", "PGPASSWORD"),
    ("dbname", "PGDATABASE"),
    ("sslmode", "PGSSLMODE"),
    ("sslrootcert", "PGSSLROOTCERT"),
    ("sslcert", "PGSSLCERT"),
    ("sslkey", "PGSSLKEY"),
    ("options", "PGOPTIONS"),
    ("application_name", "PGAPPNAME"),
    ("connect_timeout", "PGCONNECT_TIMEOUT"),
];

/// Runs the rest of the arguments without what would win over the variables that [`env()`] sets,
/// and says so by itself where there is no such program.
pub(super) const SCRIPT: &str = "unset PGSERVICE PGSERVICEFILE\n\
     [ -n \"$EVENLY_HOSTADDR\" ] || unset PGHOSTADDR\nunset EVENLY_HOSTADDR\n\
     command -v \"$1\" >/dev/null || { echo \"\\`$1\\` is not on PATH\" >&2; exit 127; }\n\
     exec \"$@\"";

/// The variables for the database of a URL; a parameter wins over the same thing before it.
pub(super) fn env(url: &Url) -> Vec<(OsString, OsString)> {
    let decoded = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    let mut parts: Vec<(&str, String)> = Vec::new();
    if let Some(host) = url.host_str().filter(|host| !host.is_empty()) {
        let host = decoded(host);
        parts.push(("PGHOST", host.trim_matches(['[', ']']).to_owned()));
    }
    if let Some(port) = url.port() {
        parts.push(("PGPORT", port.to_string()));
    }
    if !url.username().is_empty() {
        parts.push(("PGUSER", decoded(url.username())));
    }
    if let Some(password) = url.password() {
        parts.push(("PGPASSWORD", decoded(password)));
    }
    parts.push(("PGDATABASE", decoded(url.path().trim_start_matches('/'))));
    for (key, value) in url.query_pairs() {
        // Two of sqlx's own spellings, with dashes, have no other meaning.
        let key = key.replace("ssl-root-cert", "sslrootcert").replace('-', "");
        if let Some((_, variable)) = PARAMETERS.iter().find(|(parameter, _)| *parameter == key) {
            parts.retain(|(name, _)| name != variable);
            parts.push((variable, value.into_owned()));
        }
    }
    if parts.iter().any(|(name, _)| *name == "PGHOSTADDR") {
        parts.push(("EVENLY_HOSTADDR", "1".to_owned()));
    }
    parts.into_iter().map(|(name, value)| (name.into(), value.into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(url: &str) -> Vec<(String, String)> {
        let env = env(&Url::parse(url).unwrap());
        let text = |text: OsString| text.into_string().unwrap();
        env.into_iter().map(|(name, value)| (text(name), text(value))).collect()
    }

    fn pairs<const N: usize>(pairs: [(&str, &str); N]) -> Vec<(String, String)> {
        pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).into()
    }

    #[test]
    fn every_part_of_a_url_has_its_variable() {
        assert_eq!(
            told("postgres://u%40x:p%3Aw@h:5433/a%20b?sslmode=require"),
            pairs([
                ("PGHOST", "h"),
                ("PGPORT", "5433"),
                ("PGUSER", "u@x"),
                ("PGPASSWORD", "p:w"),
                ("PGDATABASE", "a b"),
                ("PGSSLMODE", "require"),
            ])
        );
    }

    #[test]
    fn a_parameter_wins_and_brackets_are_no_host() {
        let told_host = |url| told(url).into_iter().find(|(name, _)| name == "PGHOST").unwrap().1;
        assert_eq!(told_host("postgres://localhost/x?host=/run/pg"), "/run/pg");
        assert_eq!(told_host("postgres://[::1]/x"), "::1");
        assert_eq!(told_host("postgres://%2Frun%2Fpg/x"), "/run/pg");
    }
}
