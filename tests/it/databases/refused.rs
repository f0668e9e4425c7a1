//! Servers that say no, configurations that cannot be, and passwords that nobody may see.

use std::fs;
use std::path::Path;

use super::{FINDS, PREPARE, has_mariadb, managed, mariadb, project, psql, run};
use crate::support::Project;
use crate::support::postgres::servers;

const PASSWORD: &str = "s3cret-w0rd";

/// All that evenly wrote.
fn written(directory: &Path, text: &mut String) {
    for entry in fs::read_dir(directory).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            written(&entry.path(), text);
        } else {
            text.push_str(&String::from_utf8_lossy(&fs::read(entry.path()).unwrap()));
        }
    }
}

/// A project whose only database is at `${URL}`.
fn at_url() -> Project {
    let config = format!("[database.refused]\nurl = \"${{URL}}\"\n{PREPARE}");
    project(&["refused"], &config).file("t/a.sh", "touch ran")
}

#[track_caller]
fn refuses(url: &str, parts: &[&str]) {
    let project = at_url();
    let ran = run(&project, "2").env("URL", url).exits(3);
    for part in parts {
        assert!(ran.stderr.contains(part), "{part}: {ran}");
    }
    assert!(!project.path("ran").exists());
    project.evenly(&["merge", "evenly-out"]).exits(5).says("sh:t/a.sh");
    let mut text = format!("{ran}");
    written(&project.path("evenly-out"), &mut text);
    assert!(!text.contains(PASSWORD), "{text}");
}

#[test]
fn a_server_that_refuses_is_named_and_its_password_is_not() {
    let at = format!("postgres://someone:{PASSWORD}@localhost:1/shop");
    refuses(&at, &["[database.refused]", "cannot reach", "localhost:1"]);
    refuses(&format!("mysql://someone:{PASSWORD}@127.0.0.1:1/shop"), &["cannot reach"]);
    refuses(&format!("postgres://someone:{PASSWORD}@no.such.host.invalid/x"), &["cannot reach"]);
    refuses(&format!("oracle://someone:{PASSWORD}@localhost/x"), &["is not a database's URL"]);
    refuses(PASSWORD, &["is not a database's URL"]);
    for server in servers() {
        let wrong = server.url(&format!("locked:{PASSWORD}"), "shop");
        refuses(&wrong, &["refuses the user `locked`", "password authentication failed"]);
        psql(server, "DROP ROLE IF EXISTS poor_dbt");
        psql(server, "CREATE ROLE poor_dbt LOGIN");
        let poor = server.url(&format!("poor_dbt:{PASSWORD}"), "postgres");
        refuses(&poor, &["`poor_dbt` may not create databases", "CREATEDB"]);
        psql(server, "DROP ROLE poor_dbt");
    }
    if has_mariadb() {
        let place = mariadb();
        let server = place.server.as_ref().unwrap();
        refuses(&server.url(&format!("root:{PASSWORD}"), "shop"), &["refuses the user `root`"]);
        server.sql("CREATE OR REPLACE USER poor_dbt@localhost IDENTIFIED BY 's3cret-w0rd'");
        refuses(&server.url(&format!("poor_dbt:{PASSWORD}"), "shop"), &["poor_dbt", "may not"]);
        server.sql("DROP USER poor_dbt@localhost");
    }
}

#[test]
fn an_unset_variable_and_missing_inputs_are_named() {
    let project = at_url();
    let ran = run(&project, "1").exits(3).warns("`${URL}`, and that is not set");
    assert!(ran.stderr.contains("[database.refused]"), "{ran}");
    let config = project.text("evenly.toml").replace("${URL}", "sqlite:base.db");
    project.write("evenly.toml", format!("{config}inputs = [\"no/*.such\"]\n"));
    run(&project, "1").exits(3).warns("no file matches `inputs`: no/*.such");
    project.write("evenly.toml", format!("{config}schema = \"no.sql\"\n"));
    run(&project, "1").exits(3).warns("no.sql");
}

#[test]
fn two_databases_cannot_have_one_variable() {
    let config = "[database.a-b]\nurl = \"sqlite:a\"\n[database.a_b]\nurl = \"sqlite:b\"\n";
    let project = project(&["a-b", "a_b"], config).file("t/a.sh", "");
    run(&project, "1").exits(2).warns("`DATABASE_URL_A_B`");
}

#[test]
fn passwords_are_in_nothing_that_evenly_writes() {
    let config = |keys: &str| format!("[database.secret]\n{keys}{PREPARE}schema = \"s.sql\"\n");
    // What runs while `psql` loads the file sees no password among the arguments either.
    let schema =
        "\\! cat /proc/[0-9]*/cmdline 2>&- | tr '\\0' ' ' > arguments\nCREATE TABLE s (a INT);\n";
    let own = managed("postgres").keys;
    let server = &servers()[0];
    let url = server.url(&format!("postgres:{PASSWORD}"), "postgres");
    for keys in [format!("url = \"{url}\"\n"), own] {
        let script = format!("{FINDS}echo \"$DATABASE_URL\" > url\nexit 1\n");
        let project =
            project(&["secret"], &config(&keys)).file("t/a.sh", script).file("s.sql", schema);
        let ran = run(&project, "2").exits(1);
        let merged = project.evenly(&["merge", "evenly-out"]).exits(1);
        let url = project.text("url");
        let password = url.split(['@', ':']).nth(2).unwrap();
        assert!(password.len() >= PASSWORD.len(), "{url}");
        let mut printed = format!("{ran}{merged}{}", project.text("arguments"));
        written(&project.path("evenly-out"), &mut printed);
        assert!(!printed.contains(password), "{password}: {printed}");
    }
}
