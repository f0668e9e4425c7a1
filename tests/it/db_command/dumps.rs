//! Dumps of templates on servers that are not ours.

use std::fs;
use std::path::PathBuf;

use evenly::provision::Cache;

use super::project;
use crate::support::mariadb::Mariadb;
use crate::support::postgres::{self, PostgresServer};
use crate::support::{Project, Ran};

/// A `prepare` that takes long enough for a dump to pay, and counts its calls.
const SLOWLY: &str = "echo built >> builds; sleep 2";

fn origin(project: &Project) -> String {
    let events = project.journal("shard-1-of-1.attempt-1.jsonl");
    let text = events.iter().map(ToString::to_string).find(|line| line.contains("\"origin\""));
    let event: serde_json::Value = serde_json::from_str(&text.unwrap()).unwrap();
    origin_in(&event).unwrap()
}

fn origin_in(value: &serde_json::Value) -> Option<String> {
    let object = value.as_object()?;
    let origin = object.get("origin").and_then(serde_json::Value::as_str);
    origin.map(str::to_owned).or_else(|| object.values().find_map(origin_in))
}

fn run(project: &Project, url: &str) -> Ran {
    project.evenly(&["run"]).env("EVENLY_OUT", "evenly-out").env("SERVER", url).exits(0)
}

fn archives(project: &Project) -> Vec<PathBuf> {
    let entries = fs::read_dir(project.path(".evenly")).into_iter().flatten();
    let paths = entries.map(|entry| entry.unwrap().path());
    paths.filter(|path| path.to_str().unwrap().ends_with(".tar.zst")).collect()
}

/// Puts a dump into the one archive that loads only half.
fn break_archive(project: &Project) {
    let [archive] = &archives(project)[..] else { panic!("{:?}", archives(project)) };
    let broken = project.path("broken.sql");
    fs::write(&broken, "CREATE TABLE items (wrong INT);\nSELECT nonsense();\n").unwrap();
    let name = archive.file_name().unwrap().to_str().unwrap();
    let key = name.strip_prefix("template-main-").unwrap().strip_suffix(".tar.zst").unwrap();
    Cache::new(project.path(".evenly")).save("main", key, &broken).unwrap();
}

fn builds(project: &Project) -> usize {
    project.text("builds").lines().count()
}

/// A project whose databases are on the server of `SERVER`.
fn configured(prepare: &str) -> Project {
    let databases = format!(
        "[database.main]\nurl = \"${{SERVER}}\"\nschema = \"s.sql\"\nprepare = '''{prepare}'''\n"
    );
    project(&databases).file("s.sql", SCHEMA)
}

const SCHEMA: &str = "CREATE TABLE items (a INT PRIMARY KEY, b TEXT);\n\
                      INSERT INTO items VALUES (1, 'it''s\\n'), (2, 'é');\n\
                      CREATE VIEW two AS SELECT * FROM items WHERE a = 2;\n";

#[test]
fn an_empty_postgres_gets_the_kept_dump_and_a_torn_one_is_built_again() {
    let bin = &postgres::bins()[0];
    // All that the test finds; newer versions put a random word into their dumps.
    let project = configured(SLOWLY).file(
        "t/a.sh",
        "pg_dump \"$DATABASE_URL\" | grep -v '^.*restrict ' > rows; grep -q two rows",
    );
    let one = PostgresServer::start(bin);
    run(&project, &one.url(postgres::ADMIN, "x"));
    assert_eq!(origin(&project), "built");
    let built = project.text("rows");
    drop(one);

    let two = PostgresServer::start(bin);
    let url = two.url(postgres::ADMIN, "x");
    run(&project, &url);
    assert_eq!((origin(&project), builds(&project)), ("restored".to_owned(), 1));
    assert_eq!(project.text("rows"), built);
    run(&project, &url);
    assert_eq!(origin(&project), "found");
    drop(two);

    // A dump that does not load: what it had done before is not there when `prepare` runs.
    let three = PostgresServer::start(bin);
    break_archive(&project);
    let ran = run(&project, &three.url(postgres::ADMIN, "x"));
    let ran = ran.warns("a kept template is not used").warns("nonsense");
    assert_eq!((origin(&project), builds(&project)), ("built".to_owned(), 2), "{ran}");
    assert_eq!(project.text("rows"), built);
    drop(three);

    let four = PostgresServer::start(bin);
    let [archive] = &archives(&project)[..] else { panic!("{:?}", archives(&project)) };
    let whole = fs::read(archive).unwrap();
    fs::write(archive, &whole[..whole.len() / 2]).unwrap();
    run(&project, &four.url(postgres::ADMIN, "x")).warns("is damaged");
    assert_eq!((origin(&project), builds(&project)), ("built".to_owned(), 3));
}

#[test]
fn an_empty_mariadb_gets_the_kept_dump() {
    let project = configured(SLOWLY);
    let routine = "DELIMITER //\nCREATE PROCEDURE twice() BEGIN SELECT 1; SELECT 2; END //\n\
                   CREATE TRIGGER t BEFORE INSERT ON items FOR EACH ROW BEGIN \
                   SET NEW.a = NEW.a + 1; END //\nDELIMITER ;\n\
                   ALTER DATABASE CHARACTER SET latin1;\n";
    project.write("s.sql", format!("{SCHEMA}{routine}"));
    let one = Mariadb::start();
    run(&project, &one.url("root", "x"));
    assert_eq!(origin(&project), "built");
    let template =
        |server: &Mariadb| server.sql("SHOW DATABASES LIKE 'evenly_tpl%'").trim().to_owned();
    let charset = |server: &Mariadb| {
        let name = template(server);
        server.sql(&format!(
            "SELECT DEFAULT_CHARACTER_SET_NAME FROM information_schema.SCHEMATA \
             WHERE SCHEMA_NAME = '{name}'"
        ))
    };
    let (built, set) = (one.dump(&template(&one)), charset(&one));
    assert!(built.contains("twice") && built.contains("TRIGGER"), "{built}");
    drop(one);
    let two = Mariadb::start();
    run(&project, &two.url("root", "x"));
    assert_eq!((origin(&project), builds(&project)), ("restored".to_owned(), 1));
    assert_eq!(two.dump(&template(&two)), built);
    assert_eq!((set.trim(), charset(&two).trim()), ("latin1", "latin1"));
    drop(two);

    let three = Mariadb::start();
    break_archive(&project);
    run(&project, &three.url("root", "x")).warns("a kept template is not used").warns("nonsense");
    assert_eq!((origin(&project), builds(&project)), ("built".to_owned(), 2));
    assert_eq!(three.dump(&template(&three)), built);
}

#[test]
fn what_is_built_quickly_or_cannot_be_dumped_whole_is_not_kept() {
    let server = PostgresServer::start(&postgres::bins()[0]);
    let url = server.url(postgres::ADMIN, "x");
    let quick = configured("true");
    run(&quick, &url);
    assert!(archives(&quick).is_empty());

    let settings = configured(&format!(
        "{SLOWLY}; psql \"$DATABASE_URL\" -c \"ALTER DATABASE \
         $(psql -At $DATABASE_URL -c 'SELECT current_database()') SET work_mem = '5MB'\""
    ));
    run(&settings, &url).warns("settings or grants of the database as a whole");
    assert!(archives(&settings).is_empty());
}

#[test]
fn without_the_client_programs_there_is_a_note_and_no_dump() {
    let server = PostgresServer::start(&postgres::bins()[0]);
    let project = project(&format!(
        "[database.main]\nurl = \"{}\"\nprepare = \"{SLOWLY}\"\n",
        server.url(postgres::ADMIN, "x")
    ));
    let tools = project.path("tools");
    fs::create_dir(&tools).unwrap();
    for program in ["sh", "sleep", "cat"] {
        let found = std::process::Command::new("which").arg(program).output().unwrap();
        let found = String::from_utf8(found.stdout).unwrap();
        std::os::unix::fs::symlink(found.trim(), tools.join(program)).unwrap();
    }
    let ran = project.evenly(&["run"]).env("PATH", &tools).exits(0);
    ran.warns("a program for that is missing").warns("`psql` is not on PATH");
    assert!(archives(&project).is_empty());
}

#[test]
fn a_password_reaches_the_client_and_is_no_argument() {
    let server = PostgresServer::start(&postgres::bins()[0]);
    let mut admin = server.client("psql").unwrap();
    admin.args(["-d", "postgres", "-c", "CREATE ROLE locked LOGIN CREATEDB PASSWORD 'pw:%secret'"]);
    assert!(admin.output().unwrap().status.success());
    let url = server.url("locked:pw%3A%25secret", "x");
    // What is loaded looks at its own client's arguments.
    let schema =
        "\\! cat /proc/$PPID/cmdline | tr '\\0' ' ' > arguments\nCREATE TABLE t (a INT);\n";
    let project = project(&format!("[database.main]\nurl = \"{url}\"\nschema = \"s.sql\"\n"));
    let project = project.file("s.sql", schema);
    project.evenly(&["run"]).exits(0);
    let arguments = project.text("arguments");
    assert!(arguments.contains("ON_ERROR_STOP=1") && !arguments.contains("secret"), "{arguments}");
}
