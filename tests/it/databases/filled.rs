//! Databases that a framework lists and fills, handed out to groups that say what they use.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use evenly::config::Config;
use evenly::db::sqlite_path;
use evenly::framework::protocol::WarmDatabase;
use evenly::model::{Aliases, Group, GroupId, Limits, TemplateOrigin};
use evenly::provision::{
    After, Cache, Databases, Empty, Fill, Filled, Handed, More, Provision, Request, Told,
    owner_of_this_process,
};
use jiff::{Timestamp, ToSpan};
use tokio::task::LocalSet;

/// Notes what it was asked for; "fills" by writing the alias and what it found before it.
#[derive(Debug, Default)]
struct Scribe {
    asked: RefCell<Vec<String>>,
    fails: bool,
}

impl Fill for Scribe {
    fn fill<'a>(&'a self, empty: Empty<'a>) -> Filled<'a> {
        let Empty { filling, url, output, before } = empty;
        let seen = before.iter().map(|(alias, url)| {
            let there = sqlite_path(url).is_ok_and(|path| path.exists());
            format!("{alias}:{there}")
        });
        let seen: Vec<String> = seen.collect();
        self.asked.borrow_mut().push(format!("{} after [{}]", filling.alias, seen.join(" ")));
        fs::write(output, "what it printed").unwrap();
        let ends = if self.fails { Err("no such luck".to_owned()) } else { Ok(()) };
        assert!(sqlite_path(url).unwrap().exists());
        Box::pin(async move { ends })
    }
}

fn listed(alias: &str, after: &[&str]) -> WarmDatabase {
    WarmDatabase {
        alias: alias.to_owned(),
        url: "sqlite::memory:".to_owned(),
        name: alias.to_owned(),
        in_memory: true,
        mirror: None,
        after: after.iter().map(ToString::to_string).collect(),
        key: "k".to_owned(),
    }
}

fn databases() -> Databases {
    let config = "[[suite]]\nname = \"web\"\nframework = \"django\"\n";
    let config = Config::parse(config).unwrap();
    let listed = vec![listed("archive", &["default"]), listed("default", &[])];
    let listed = BTreeMap::from([(config.suites[0].name.clone(), listed)]);
    Databases::new(&config, &listed).unwrap()
}

fn group(used: &[&str], dirties: &[&str]) -> Group {
    let names = |names: &[&str]| names.iter().map(ToString::to_string).collect();
    Group {
        id: "web:g".parse::<GroupId>().unwrap(),
        members: Vec::new(),
        tests: None,
        exclusive: false,
        databases: true,
        aliases: Some(Aliases { used: names(used), dirties: names(dirties) }),
        late: false,
        limits: Limits::default(),
    }
}

fn request<'a>(databases: &'a Databases, scribe: &'a Scribe, dir: &Path) -> Request<'a> {
    Request {
        databases,
        filler: Some(scribe),
        base: dir.to_owned(),
        used: BTreeSet::from(["archive".to_owned(), "default".to_owned()]),
        workers: 1,
        owner: owner_of_this_process("test", Timestamp::now() + 1.hour()),
        tag: "0000".to_owned(),
        work: dir.join("work"),
        cache: Cache::new(dir.join("cache")),
        program: crate::support::EVENLY.into(),
        env_remove: Vec::new(),
    }
}

fn block_on<T>(work: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    LocalSet::new().block_on(&runtime, work)
}

fn origins(told: &[Told]) -> Vec<(&str, TemplateOrigin)> {
    let origin = |told: &Told| match told {
        Told::Template { database, origin, took_us: _ } => Some((database.clone(), *origin)),
        Told::Note(_) | Told::Warning(_) => None,
    };
    let names = ["archive", "default"];
    let found: Vec<_> = told.iter().filter_map(origin).collect();
    let name = |text: &str| names.into_iter().find(|name| *name == text).unwrap();
    found.iter().map(|(database, origin)| (name(database), *origin)).collect()
}

#[test]
fn each_is_filled_once_after_those_that_come_before_it() {
    let dir = tempfile::tempdir().unwrap();
    let (databases, scribe) = (databases(), Scribe::default());
    for origin in [TemplateOrigin::Built, TemplateOrigin::Restored] {
        block_on(async {
            let mut told = Vec::new();
            let request = request(&databases, &scribe, dir.path());
            let provision = Provision::start(&request, &mut |new| told.push(new)).await.unwrap();
            assert_eq!(origins(&told), [("default", origin), ("archive", origin)]);
            assert!(provision.stop().await.is_empty());
        });
        fs::remove_dir_all(dir.path().join("work")).unwrap();
    }
    assert_eq!(*scribe.asked.borrow(), ["default after []", "archive after [default:true]"]);
}

#[test]
fn a_group_gets_what_it_uses_and_a_changed_database_is_replaced_ahead() {
    let dir = tempfile::tempdir().unwrap();
    let (databases, scribe) = (databases(), Scribe::default());
    block_on(async {
        let request = request(&databases, &scribe, dir.path());
        let provision = Provision::start(&request, &mut |_| {}).await.unwrap();
        let clean = group(&["default"], &[]);
        let dirty = group(&["archive", "default"], &["default"]);
        let first = provision.hand_out(0, &clean, More::Follow).await.unwrap();
        assert_eq!(first.variables, []);
        assert_eq!(first.aliases.keys().collect::<Vec<_>>(), ["default"]);
        assert!(first.aliases["default"].ends_with("/test_0_default.sqlite3"), "{first:?}");
        provision.give_back(0, &clean, &After::Changed(Vec::new()));

        let second = provision.hand_out(0, &dirty, More::Follow).await.unwrap();
        assert_eq!(second.aliases["default"], first.aliases["default"]);
        // Made while the group runs.
        let next = sqlite_path(&first.aliases["default"]).unwrap();
        let next = next.with_file_name("test_0_default_1.sqlite3");
        while !next.exists() {
            tokio::task::yield_now().await;
        }
        provision.give_back(0, &dirty, &After::Changed(vec!["default".to_owned()]));
        let third = provision.hand_out(0, &dirty, More::No).await.unwrap();
        assert_eq!(sqlite_path(&third.aliases["default"]).unwrap(), next);
        assert_eq!(third.aliases["archive"], second.aliases["archive"]);

        provision.give_back(0, &dirty, &After::Dirty);
        let fourth = provision.hand_out(0, &dirty, More::No).await.unwrap();
        assert_ne!(fourth.aliases["archive"], second.aliases["archive"]);
        let nothing = provision.hand_out(0, &group(&[], &[]), More::No).await.unwrap();
        assert_eq!(nothing, Handed::default());
        assert!(provision.stop().await.is_empty());
    });
}

#[test]
fn what_cannot_be_filled_is_told_with_what_was_printed_and_is_not_kept() {
    let dir = tempfile::tempdir().unwrap();
    let databases = databases();
    let scribe = Scribe { fails: true, ..Scribe::default() };
    block_on(async {
        let request = request(&databases, &scribe, dir.path());
        let error = Provision::start(&request, &mut |_| {}).await.unwrap_err().to_string();
        for part in ["the suite `web` could not fill it", "no such luck", "what it printed"] {
            assert!(error.contains(part), "{error}");
        }
        assert!(!dir.path().join("cache").exists());
        let without = Request { filler: None, ..request };
        let error = Provision::start(&without, &mut |_| {}).await.unwrap_err().to_string();
        assert!(error.contains("nothing runs that could"), "{error}");
    });
}
