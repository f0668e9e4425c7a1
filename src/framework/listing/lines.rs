//! Listings that are lines of text.

use std::collections::BTreeSet;

use super::{ListedGroup, shown};

/// See [`super::ListFormat::Lines`].
pub(super) fn lines(stdout: &[u8]) -> Vec<ListedGroup> {
    stdout
        .split(|byte| *byte == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.trim_ascii().is_empty())
        .map(|line| ListedGroup {
            name: shown(line),
            argument: line.to_vec(),
            tests: None,
            exclusive: false,
        })
        .collect()
}

/// The line behind which `dotnet test --list-tests` names tests, in English.
const DOTNET_TESTS: &str = "The following Tests are available:";

/// See [`super::ListFormat::Dotnet`]. A group is selected by the names that begin with its class's.
pub(super) fn dotnet(stdout: &[u8]) -> Vec<ListedGroup> {
    let text = String::from_utf8_lossy(stdout);
    let mut classes: BTreeSet<&str> = BTreeSet::new();
    let mut inside = false;
    for line in text.lines() {
        match line.strip_prefix("    ") {
            Some(name) if inside => classes.extend(class_of(name)),
            Some(_) => {}
            None => inside = line.trim_end() == DOTNET_TESTS || (inside && line.trim().is_empty()),
        }
    }
    let group = |class: &str| ListedGroup {
        name: class.to_owned(),
        argument: format!("FullyQualifiedName~{class}.").into_bytes(),
        tests: None,
        exclusive: false,
    };
    classes.into_iter().map(group).collect()
}

/// What stands before a test's method, whose parameters may have dots.
fn class_of(test: &str) -> Option<&str> {
    let name = test.split('(').next().unwrap_or(test);
    name.rsplit_once('.').map(|(class, _)| class)
}

#[cfg(test)]
mod tests {
    use super::super::{ListFormat, parse};

    #[test]
    fn lines_keep_their_bytes() {
        let groups = parse(ListFormat::Lines, b"a b\r\n\n  \n\xff\xc3\xa9\nlast").unwrap();
        let found: Vec<(&str, &[u8])> =
            groups.iter().map(|group| (&*group.name, &*group.argument)).collect();
        let expected: [(&str, &[u8]); 3] =
            [("a b", b"a b"), ("\\xffé", b"\xff\xc3\xa9"), ("last", b"last")];
        assert_eq!(found, expected);
    }

    #[test]
    fn dotnet_names_classes_behind_its_heading() {
        let text = "  shop -> bin/shop.dll\n    not.a.Test\n\
                    The following Tests are available:\n    \
                    Shop.Basket.Adds(x: 1.5)\n    Shop.Basket.Counts\n    Shop.Till.Opens\n\n\
                    bye\n    no.more.Of\n";
        let groups = parse(ListFormat::Dotnet, text.as_bytes()).unwrap();
        let names: Vec<&str> = groups.iter().map(|group| &*group.name).collect();
        assert_eq!(names, ["Shop.Basket", "Shop.Till"]);
        assert_eq!(groups[0].argument, b"FullyQualifiedName~Shop.Basket.");
    }
}
