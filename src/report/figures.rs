//! Lists for people to read.

use crate::model::thousands;

/// How many things a list in a sentence names before it counts the others.
const NAMED_MAX: usize = 5;

/// `a, b and 7 more`, each made by `show`.
pub(super) fn some_of<T>(items: &[T], show: impl Fn(&T) -> String) -> String {
    let named: Vec<String> = items.iter().take(NAMED_MAX).map(show).collect();
    let mut out = named.join(", ");
    if items.len() > NAMED_MAX {
        out.push_str(" and ");
        out.push_str(&thousands((items.len() - NAMED_MAX) as u64));
        out.push_str(" more");
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_counted() {
        assert_eq!(some_of(&[1, 2], ToString::to_string), "1, 2");
        let many: Vec<usize> = (0..1_005).collect();
        assert_eq!(some_of(&many, ToString::to_string), "0, 1, 2, 3, 4 and 1,000 more");
    }
}
