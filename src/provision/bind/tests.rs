//! Which alias is which database.

use super::*;
use crate::model::{Aliases, GroupId, Limits};

fn listed(alias: &str) -> WarmDatabase {
    WarmDatabase {
        alias: alias.to_owned(),
        url: "postgres://u:p@h/shop".to_owned(),
        name: format!("test_{alias}"),
        in_memory: false,
        mirror: None,
        after: Vec::new(),
        key: "k".to_owned(),
    }
}

/// A suite `web` with these lines, and what its framework lists.
fn databases(lines: &str, tables: &str, listed: &[WarmDatabase]) -> Result<Databases, BindError> {
    let text = format!("[[suite]]\nname = \"web\"\nframework = \"django\"\n{lines}\n{tables}");
    let config = Config::parse(&text).unwrap();
    let listed = BTreeMap::from([(config.suites[0].name.clone(), listed.to_vec())]);
    Databases::new(&config, &listed)
}

fn group(aliases: Option<&[&str]>) -> Group {
    let used = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    Group {
        id: GroupId::new(&SuiteName::new("web").unwrap(), "g"),
        members: Vec::new(),
        tests: None,
        exclusive: false,
        databases: true,
        aliases: aliases.map(|names| Aliases { used: used(names), dirties: Vec::new() }),
        late: false,
        limits: Limits::default(),
    }
}

/// `alias=database` of all that a group uses.
fn bound(databases: &Databases, aliases: Option<&[&str]>) -> Vec<String> {
    let group = group(aliases);
    let of = databases.of(&group);
    of.map(|binding| format!("{}={}", binding.alias.as_deref().unwrap_or("-"), binding.database))
        .collect()
}

const MAIN: &str = "[database.main]\nserver = \"managed\"\nengine = \"postgres\"\n";

#[test]
fn with_nothing_configured_the_frameworks_own_are_used() {
    let mut second = listed("read only");
    second.after = vec!["default".to_owned(), "read only".to_owned()];
    let databases = databases("", "", &[listed("default"), second]).unwrap();
    assert_eq!(bound(&databases, None), ["default=default", "read only=read_only"]);
    assert_eq!(bound(&databases, Some(&["default"])), ["default=default"]);
    assert_eq!(bound(&databases, Some(&[])), [""; 0]);
    let made = &databases.all["read_only"];
    assert_eq!(made.after, ["default"]);
    assert_eq!(made.url.as_deref(), Some("postgres://u:p@h/shop"));
    assert!(matches!(&made.prepare, Prepare::Framework(filling) if filling.alias == "read only"));
}

#[test]
fn a_configured_one_is_found_by_alias_by_name_or_because_it_is_the_only_one() {
    let two = [listed("default"), listed("other")];
    for (lines, tables, expected) in [
        ("databases = [\"main\"]", MAIN, ["default=main", "other=other"]),
        ("aliases = { other = \"main\" }", MAIN, ["default=default", "other=main"]),
        (
            "databases = [\"other\"]",
            "[database.other]\nurl = \"postgres://h/o\"\n",
            ["default=default", "other=other"],
        ),
    ] {
        let databases = databases(lines, tables, &two).unwrap();
        assert_eq!(bound(&databases, None), expected, "{lines}");
    }
    let databases = databases("databases = [\"main\"]", MAIN, &[listed("only")]).unwrap();
    assert_eq!(bound(&databases, None), ["only=main"]);
    assert!(matches!(databases.all["main"].prepare, Prepare::Framework(_)));
}

#[test]
fn a_configured_one_that_is_filled_already_stays_so() {
    for line in ["prepare = \"make\"", "schema = \"s.sql\""] {
        let tables = format!("{MAIN}{line}\n");
        let databases = databases("databases = [\"main\"]", &tables, &[listed("default")]);
        let prepare = &databases.unwrap().all["main"].prepare;
        assert!(!matches!(prepare, Prepare::Framework(_)), "{line}");
    }
}

#[test]
fn names_that_look_alike_stay_apart() {
    let listed = [listed("a b"), listed("a_b"), listed("a-b")];
    let databases = databases("", "", &listed).unwrap();
    assert_eq!(bound(&databases, None), ["a b=a_b", "a_b=web_a_b", "a-b=web_a_b_2"]);
}

#[test]
fn a_mirror_is_what_it_mirrors() {
    let mut mirror = listed("replica");
    mirror.mirror = Some("default".to_owned());
    let listed = [listed("default"), mirror];
    let databases = databases("databases = [\"main\"]", MAIN, &listed).unwrap();
    assert_eq!(bound(&databases, None), ["default=main", "replica=main"]);
}

#[test]
fn what_does_not_fit_is_refused() {
    for (lines, tables, part) in [
        ("aliases = { nope = \"main\" }", MAIN, "names `nope`, and its framework has `default`"),
        (
            "databases = [\"main\", \"more\"]",
            "[database.main]\nurl = \"postgres://h/m\"\n[database.more]\nurl = \"mysql://h/m\"\n",
            "which alias `[database.main]` is",
        ),
        (
            "databases = [\"main\"]",
            "[database.main]\nurl = \"mysql://h/m\"\n",
            "the settings have Postgres for the alias `default`, and `[database.main]` is MySQL",
        ),
    ] {
        let error = databases(lines, tables, &[listed("default")]).unwrap_err().to_string();
        assert!(error.contains(part), "{error}");
    }
}

fn two_suites(second_key: &str, lines: &str) -> Result<Databases, BindError> {
    let suite = |name: &str| format!("[[suite]]\nname = \"{name}\"\nframework = \"django\"\n");
    let text = format!("{}{lines}{}{lines}{MAIN}", suite("web"), suite("api"));
    let config = Config::parse(&text).unwrap();
    let mut second = listed("default");
    second.key = second_key.to_owned();
    let listed = BTreeMap::from([
        (config.suites[0].name.clone(), vec![listed("default")]),
        (config.suites[1].name.clone(), vec![second]),
    ]);
    Databases::new(&config, &listed)
}

#[test]
fn two_suites_share_what_is_equal_and_nothing_else() {
    let names = |databases: Databases| databases.all.into_keys().collect::<Vec<_>>();
    assert_eq!(names(two_suites("k", "").unwrap()), ["default", "main"]);
    assert_eq!(names(two_suites("other", "").unwrap()), ["api_default", "default", "main"]);
    assert!(two_suites("k", "databases = [\"main\"]\n").is_ok());
    let error = two_suites("other", "databases = [\"main\"]\n").unwrap_err().to_string();
    assert!(error.contains("`web:default` and, differently, by `api:default`"), "{error}");
}

#[test]
fn what_looks_like_a_variable_in_a_frameworks_url_is_none() {
    let mut odd = listed("default");
    odd.url = "postgres://u:${HOME}@h/d".to_owned();
    let databases = databases("", "", &[odd]).unwrap();
    let url = databases.all["default"].url.as_deref();
    assert_eq!(url, Some("postgres://u:%24%7BHOME}@h/d"));
}
