//! Which test was meant.

use crate::history::{History, TestRecord};

/// How like a name must be to be told, of 1.
const LIKENESS_MIN: f64 = 0.7;

/// The tests whose ids are nearest to a text, nearest first: those that have it in them, then those
/// that are spelt alike.
#[must_use]
pub fn nearest(history: &History, text: &str, most: usize) -> Vec<String> {
    let (suite, wanted) = match text.split_once(':') {
        Some((suite, name)) if !name.starts_with(':') => (Some(suite), name),
        Some(_) | None => (None, text),
    };
    let lower = wanted.to_lowercase();
    let mut found: Vec<(bool, f64, String)> = Vec::new();
    for record in history.suites() {
        let other_suite = suite.is_some_and(|suite| record.name().as_str() != suite);
        for TestRecord { id, .. } in record.tests() {
            let has = !lower.is_empty() && id.name.to_lowercase().contains(&lower);
            let like = strsim::jaro_winkler(&id.name, wanted);
            let like = if other_suite { like - 0.1 } else { like };
            if has || like >= LIKENESS_MIN {
                found.push((has, like, id.to_string()));
            }
        }
    }
    found.sort_by(|a, b| b.0.cmp(&a.0).then(b.1.total_cmp(&a.1)).then(a.2.cmp(&b.2)));
    found.truncate(most);
    found.into_iter().map(|(.., id)| id).collect()
}
