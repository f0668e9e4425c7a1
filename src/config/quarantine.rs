//! A list of tests that are known to be unreliable, as text to be read: `--quarantine FILE`.

use jiff::civil::Date;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::ConfigError;

/// One `[[quarantine]]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Quarantined {
    /// A test's id, or a glob over ids or names.
    pub test: String,
    /// The last day on which it counts.
    #[serde(deserialize_with = "date")]
    pub until: Date,
    /// Why it is there.
    #[serde(default)]
    pub reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Raw {
    #[serde(default)]
    quarantine: Vec<Quarantined>,
}

/// Reads the list's text; its entries are in the file's order.
///
/// # Errors
/// When it is not TOML, has a key that is not known, or an entry without a test or a day until
/// which it counts. The error names the line.
pub fn parse_quarantine(text: &str) -> Result<Vec<Quarantined>, ConfigError> {
    let Raw { quarantine } =
        toml::from_str(text).map_err(|error| ConfigError::from_toml(&error, text))?;
    if quarantine.iter().any(|entry| entry.test.is_empty()) {
        return Err(ConfigError::plain("`test` is empty: name a test, `suite:name`"));
    }
    Ok(quarantine)
}

/// Written as a string: a bare date is a type of its own in TOML.
fn date<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Date, D::Error> {
    let text = String::deserialize(deserializer)?;
    let day = text.parse::<Date>().ok().filter(|day| day.to_string() == text);
    day.ok_or_else(|| D::Error::custom(format!("`{text}` is not a day: write `\"2026-12-31\"`")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_are_read_in_their_order() {
        let text = "[[quarantine]]\ntest = \"web:a\"\nuntil = \"2026-12-31\"\nreason = \"#12\"\n\n\
                    [[quarantine]]\ntest = \"web:b.*\"\nuntil = \"2027-01-01\"\n";
        let read = parse_quarantine(text).unwrap();
        let read: Vec<_> = read
            .iter()
            .map(|entry| (&*entry.test, entry.until.to_string(), entry.reason.as_deref()))
            .collect();
        assert_eq!(
            read,
            [
                ("web:a", "2026-12-31".to_owned(), Some("#12")),
                ("web:b.*", "2027-01-01".to_owned(), None),
            ]
        );
        assert_eq!(parse_quarantine("").unwrap(), []);
    }

    #[test]
    fn what_is_wrong_names_its_line_and_the_nearest_key() {
        let entry = |lines: &str| parse_quarantine(&format!("[[quarantine]]\n{lines}"));
        let error = entry("test = \"a\"\nuntill = \"2026-12-31\"\n").unwrap_err();
        assert_eq!(error.line, Some(3));
        assert_eq!(error.hint.unwrap(), "did you mean `until` instead of `untill`?");
        let error = entry("test = \"a\"\n").unwrap_err();
        assert!(error.message.contains("missing field `until`"), "{error}");
        for day in ["31.12.2026", "2026-13-01", "2026-02-30", "tomorrow", "2026-12-31T00:00"] {
            let error = entry(&format!("test = \"a\"\nuntil = \"{day}\"\n")).unwrap_err();
            assert!(error.message.contains("is not a day"), "{day}: {error}");
        }
        assert!(entry("test = \"a\"\nuntil = 2026-12-31\n").is_err());
        assert!(entry("test = \"\"\nuntil = \"2026-12-31\"\n").is_err());
        let error = parse_quarantine("[[quarantined]]\ntest = \"a\"\n").unwrap_err();
        assert_eq!(error.hint.unwrap(), "did you mean `quarantine` instead of `quarantined`?");
    }
}
