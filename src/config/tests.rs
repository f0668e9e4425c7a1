//! What is taken and what is refused, and how it is said.

use super::*;

const SUITE: &str = "[[suite]]\nname = \"a\"\nframework = \"command\"\n";

fn refuse(text: &str) -> ConfigError {
    Config::parse(text).expect_err(text)
}

#[test]
fn a_small_file_has_the_documented_defaults() {
    let config = Config::parse(SUITE).unwrap();
    assert_eq!(config.run.workers, Workers::Auto);
    assert_eq!(config.run.retries, 0);
    assert_eq!(config.run.timeout(), TIMEOUT_DEFAULT);
    assert_eq!(config.run.output, Show::Failed);
    assert!(!config.run.fail_fast);
    assert!(config.suites[0].required);
}

#[test]
fn every_key_is_read() {
    let config = Config::parse(
        "[run]\nworkers = 3\nretries = 2\ntimeout = \"1h 30m\"\ngrace = \"500ms\"\n\
         fail-fast = true\noutput = \"all\"\nport-base = 30000\n\
         [[suite]]\nname = \"a\"\nframework = \"command\"\ndir = \"x\"\nglobs = [\"*.sh\"]\n\
         run = \"sh {tests}\"\nresults = \"exit-status\"\nargs = [\"-v\"]\nretries = 1\n\
         timeout = \"30s\"\nrequired = false\nenv = { A = \"{worker}\" }\n\
         [[rule]]\nmatch = \"a*\"\nexclusive = true\ntogether = \"b\"\n\
         timeout = \"5s\"\nretries = 0\n",
    )
    .unwrap();
    assert_eq!(config.run.workers, Workers::Count(3));
    assert_eq!(config.run.timeout(), Duration::from_mins(90));
    assert_eq!(config.run.grace(), Duration::from_millis(500));
    assert_eq!(config.suites[0].timeout(), Some(Duration::from_secs(30)));
    assert_eq!(config.suites[0].results, Some(Results::ExitStatus));
    assert_eq!(config.rules[0].timeout(), Some(Duration::from_secs(5)));
    assert_eq!(config.rules[0].together.as_deref(), Some("b"));
}

#[test]
fn the_keys_of_warm_workers_are_read() {
    let config = Config::parse(
        "[[suite]]\nname = \"a\"\nframework = \"django\"\nsettings = \"shop.settings\"\n\
         group-by = \"class\"\nprocesses = \"separate\"\nworker-memory = \"2GiB\"\n\
         worker-groups = 50\naliases = { default = \"main\" }\n\
         [database.main]\nurl = \"sqlite:m\"\n",
    )
    .unwrap();
    let suite = &config.suites[0];
    assert_eq!(suite.settings.as_deref(), Some("shop.settings"));
    assert_eq!(suite.group_by, Some(GroupBy::Class));
    assert_eq!(suite.processes, Some(Processes::Separate));
    assert_eq!(suite.worker_memory, Some(Bytes(2 << 30)));
    assert_eq!(suite.worker_groups.map(NonZeroU32::get), Some(50));
    assert_eq!(suite.named_databases().collect::<Vec<_>>(), ["main"]);
}

#[test]
fn an_alias_needs_its_database() {
    let error = refuse(&format!("{SUITE}aliases = {{ default = \"nope\" }}\n"));
    assert!(error.message.contains("no `[database.nope]`"), "{error}");
}

#[test]
fn amounts_of_memory_are_read_as_people_write_them() {
    for (text, bytes) in [("1", 1), ("3KB", 3000), ("512 MiB", 512 << 20), ("2gb", 2_000_000_000)] {
        assert_eq!(text.parse(), Ok(Bytes(bytes)), "{text}");
    }
    for text in ["", "GB", "0", "-1GB", "1.5GB", "2 apples", "99999999999TB", "１GB"] {
        assert!(text.parse::<Bytes>().is_err(), "{text}");
    }
    let error = refuse(&format!("{SUITE}worker-memory = \"lots\"\n"));
    assert!(error.line.is_some() && error.message.contains("512MiB"), "{error}");
    assert!(refuse(&format!("{SUITE}worker-groups = 0\n")).line.is_some());
    assert!(refuse(&format!("{SUITE}group-by = \"file\"\n")).message.contains("unknown variant"));
}

#[test]
fn an_unknown_key_names_its_line_and_the_nearest_known_one() {
    let error = refuse(&format!("[run]\n\ntiemout = \"5s\"\n{SUITE}"));
    assert_eq!(error.line, Some(3), "{error}");
    assert!(error.to_string().contains("`tiemout`"), "{error}");
    assert_eq!(error.hint.as_deref(), Some("did you mean `timeout` instead of `tiemout`?"));
    let error = refuse(&format!("{SUITE}golbs = []\n"));
    assert_eq!((error.line, error.hint.is_some()), (Some(4), true), "{error}");
    let error = refuse(&format!("{SUITE}[[rules]]\nmatch = \"x\"\n"));
    assert_eq!(error.hint.as_deref(), Some("did you mean `rule` instead of `rules`?"));
}

#[test]
fn an_unknown_key_far_from_all_known_ones_gets_no_wild_guess() {
    assert_eq!(refuse(&format!("{SUITE}zzzzzzzzzz = 1\n")).hint, None);
}

#[test]
fn malformed_toml_names_the_line() {
    assert_eq!(refuse("[run]\nworkers = \n").line, Some(2));
    assert_eq!(refuse("[[suite]\n").line, Some(1));
}

#[test]
fn values_that_cannot_be_meant_are_refused() {
    for (what, part) in [
        ("[run]\nworkers = 0\n", "workers"),
        ("[run]\nworkers = -2\n", "number from 1"),
        ("[run]\nworkers = \"many\"\n", "auto"),
        ("[run]\ntimeout = \"0s\"\n", "not a duration"),
        ("[run]\ntimeout = \"-5m\"\n", "not a duration"),
        ("[run]\ntimeout = 10\n", "string"),
        ("[run]\nretries = 1000\n", "retries"),
        ("[run]\noutput = \"some\"\n", "unknown variant"),
    ] {
        let error = refuse(&format!("{what}{SUITE}"));
        let line = error.line.is_some() || what.contains("retries");
        assert!(line && (error.message.contains(part) || error.line == Some(2)), "{error}");
    }
}

#[test]
fn suites_must_be_there_and_differ() {
    assert!(refuse("").message.contains("no `[[suite]]`"));
    assert!(refuse(&format!("{SUITE}{SUITE}")).message.contains("two suites are named `a`"));
    assert!(
        refuse("[[suite]]\nname = \"a:b\"\nframework = \"x\"\n").message.contains("suite name")
    );
}

#[test]
fn a_rule_must_say_something() {
    assert!(refuse(&format!("{SUITE}[[rule]]\nmatch = \"x\"\n")).message.contains("says nothing"));
    let error = refuse(&format!("{SUITE}[[rule]]\nmatch = \"x\"\ntogether = \"a b\"\n"));
    assert!(error.message.contains("not a label"), "{error}");
}
