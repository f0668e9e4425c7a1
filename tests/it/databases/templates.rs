//! When a template is built, found, brought back, and of what.

use std::fs;

use super::{
    FINDS, PREPARE, Place, has_mariadb, managed, on, origins, places, project, psql, run, sqlite,
};
use crate::support::Project;
use crate::support::postgres::servers;

/// How often `prepare` ran.
fn built(project: &Project) -> usize {
    fs::read_to_string(project.path("prepared")).map_or(0, |text| text.lines().count())
}

#[test]
fn a_template_is_built_again_only_when_what_it_depends_on_changed() {
    for Place { engine, keys, server: _server } in places() {
        let config = |tail: &str| {
            let prepare = PREPARE.replace("INT)' '''", &format!("INT)'{tail} '''"));
            format!("inputs = [\"in/*\"]\nschema = \"s.sql\"\n{prepare}")
        };
        let first = format!("[database.depends]\n{keys}{}", config(""));
        let project = project(&["depends"], &first)
            .file("in/a", "1")
            .file("s.sql", "CREATE TABLE s (a INT);\n")
            .file("t/a.sh", format!("{FINDS}q 'SELECT * FROM s'\n"));
        let second =
            if engine == "sqlite" || keys.contains("managed") { "restored" } else { "found" };
        let expect = |origin: &str, times: usize, why: &str| {
            run(&project, "2").exits(0);
            assert_eq!(origins(&project), [origin], "{keys}: {why}");
            assert_eq!(built(&project), times, "{keys}: {why}");
        };
        expect("built", 1, "the first run");
        expect(second, 1, "nothing changed");
        project.write("in/b", "");
        expect("built", 2, "a new input");
        project.write("in/b", "2");
        expect("built", 3, "an input changed");
        fs::remove_file(project.path("in/b")).unwrap();
        expect(second, 3, "all is as it was at first");
        project.write("s.sql", "CREATE TABLE s (a INT, b INT);\n");
        expect("built", 4, "the schema changed");
        let text = project.text("evenly.toml");
        project.write("evenly.toml", text.replace(&config(""), &config("; true")));
        expect("built", 5, "the command changed");
        fs::rename(project.path("in/a"), project.path("in/c")).unwrap();
        expect("built", 6, "an input has another name");
    }
}

#[test]
fn a_torn_kept_template_is_told_and_built_again() {
    let mut keys = vec![sqlite().keys, managed("postgres").keys];
    if has_mariadb() {
        keys.push(managed("mysql").keys);
    }
    for keys in keys {
        let config = format!("[database.torn]\n{keys}{PREPARE}");
        let project = project(&["torn"], &config).file("t/a.sh", FINDS);
        run(&project, "1").exits(0);
        let kept: Vec<_> = fs::read_dir(project.path(".evenly")).unwrap().flatten().collect();
        let kept =
            kept.iter().find(|entry| entry.file_name().to_string_lossy().contains("template-"));
        let kept = kept.expect("a kept template").path();
        let whole = fs::read(&kept).unwrap();
        for torn in [&whole[..whole.len() / 2], b"", b"rubbish"] {
            fs::write(&kept, torn).unwrap();
            run(&project, "1").exits(0).warns("is damaged");
            assert_eq!(origins(&project), ["built"], "{keys}");
            run(&project, "1").exits(0);
            assert_eq!(origins(&project), ["restored"], "{keys}");
        }
        assert_eq!(built(&project), 4);
    }
}

#[test]
fn a_failing_prepare_runs_no_test_and_says_why() {
    for Place { engine, keys, server: _server } in places() {
        let config = format!(
            "[database.fails]\n{keys}prepare = '. ./q.sh; q \"CREATE TABLE half (a INT)\"; \
             echo its words; echo and those >&2; exit 7'\n"
        );
        let project =
            project(&["fails"], &config).file("t/a.sh", "touch ran").file("t/b.sh", "touch ran");
        let ran = run(&project, "2").exits(3);
        for words in ["[database.fails]", "its words", "and those", "exit status 7"] {
            assert!(ran.stderr.contains(words), "{engine}: {words}: {ran}");
        }
        assert!(!project.path("ran").exists());
        let [end] = &super::events(&project, "run-finished")[..] else { panic!("no end") };
        assert_eq!(end["not_run"].as_array().unwrap().len(), 2);
        let merged = project.evenly(&["merge", "evenly-out"]).exits(5);
        assert!(merged.stdout.contains("sh:t/a.sh") && merged.stdout.contains("sh:t/b.sh"));
        assert!(merged.stdout.contains("'[database.fails]': its 'prepare' failed"), "{merged}");
        let [stopping] = &super::events(&project, "stopping")[..] else { panic!("no reason") };
        assert!(stopping["why"]["broken"].as_str().unwrap().contains("its words"), "{stopping}");
        let left: Vec<_> = fs::read_dir(project.path("evenly-out")).unwrap().flatten().collect();
        assert!(!left.iter().any(|left| left.path().is_dir()), "{left:?}");
        // Mended, it is built.
        let mended = project.text("evenly.toml").replace("exit 7", "exit 0");
        project.write("evenly.toml", mended);
        run(&project, "2").exits(0);
    }
    for server in servers() {
        let names = on(server, "_fails_");
        // The mended one.
        assert_eq!(names.len(), 1, "{names:?}");
    }
}

#[test]
fn an_existing_database_is_cloned_and_stays_as_it_is() {
    for server in servers() {
        psql(server, "DROP DATABASE IF EXISTS \"Shop x\"");
        psql(server, "CREATE DATABASE \"Shop x\"");
        let url = server.url("postgres", "Shop%20x");
        let project =
            project(&["existing"], "[database.existing]\nprepare = false\nurl = \"${URL}\"\n")
                .file("t/a.sh", ". ./q.sh\nq 'CREATE TABLE trace (a INT)'\n")
                .file("t/b.sh", "")
                .file("q-it.sh", ". ./q.sh; q \"$1\" \"$URL\"");
        let create = "CREATE TABLE rows (a INT)";
        let q = |sql: &str| {
            let bash = project.bash(&format!(". ./q.sh; q '{sql}' \"$URL\""));
            bash.env("URL", &url).exits(0).stdout
        };
        q(create);
        run(&project, "2").env("URL", &url).exits(0);
        assert_eq!(origins(&project), ["existing"]);
        assert_eq!(q("SELECT relname FROM pg_stat_user_tables"), "rows\n");
        psql(server, "DROP DATABASE \"Shop x\"");
    }
    let project =
        project(&["file"], "[database.file]\nprepare = false\nurl = \"sqlite:d/base.db\"\n")
            .file("t/a.sh", ". ./q.sh\nq 'INSERT INTO a VALUES (2)'\nq 'SELECT a FROM a' > seen")
            .file("d/.keep", "");
    let make = ". ./q.sh; q 'CREATE TABLE a (a INT)' sqlite:d/base.db; \
                q 'INSERT INTO a VALUES (1)' sqlite:d/base.db";
    project.bash(make).exits(0);
    let before = fs::read(project.path("d/base.db")).unwrap();
    run(&project, "1").exits(0);
    assert_eq!(project.text("seen"), "1\n2\n");
    assert_eq!(fs::read(project.path("d/base.db")).unwrap(), before);
}

const POSTGRES_DUMP: &str = r"\set name 'loaded; by psql'
CREATE TABLE copied (a INT, b TEXT);
COPY copied (a, b) FROM stdin;
1	one
2	\N
\.
CREATE FUNCTION twice(n INT) RETURNS INT LANGUAGE plpgsql AS $$ BEGIN RETURN n * 2; END $$;
INSERT INTO copied VALUES (twice(4), :'name');
";

const MYSQL_DUMP: &str = "CREATE TABLE copied (a INT, b VARCHAR(99));
DELIMITER $$
CREATE FUNCTION twice(n INT) RETURNS INT DETERMINISTIC BEGIN RETURN n * 2; END $$
DELIMITER ;
INSERT INTO copied VALUES (1, 'one'), (2, NULL), (twice(4), 'loaded; by psql');
";

const SQLITE_DUMP: &str = "CREATE TABLE copied (a INT, b TEXT);
CREATE TRIGGER t AFTER INSERT ON copied WHEN NEW.a = 4 BEGIN
  UPDATE copied SET a = a * 2 WHERE a = 4; SELECT 1; END;
INSERT INTO copied VALUES (1, 'one'), (2, NULL), (4, 'loaded; by psql');
";

#[test]
fn a_schema_is_loaded_as_the_servers_own_client_does() {
    for Place { engine, keys, server: _server } in places() {
        let dump = match engine {
            "postgres" => POSTGRES_DUMP,
            "mysql" => MYSQL_DUMP,
            _ => SQLITE_DUMP,
        };
        let config = format!("[database.dumped]\n{keys}schema = \"db/dump file.sql\"\n");
        let test = ". ./q.sh\ntest \"$(q 'SELECT MAX(a) FROM copied')\" = 8\n\
                    test \"$(q 'SELECT b FROM copied WHERE a = 8')\" = 'loaded; by psql'\n\
                    test \"$(q 'SELECT COUNT(*) FROM copied WHERE b IS NULL')\" = 1\n";
        let project =
            project(&["dumped"], &config).file("t/a.sh", test).file("db/dump file.sql", dump);
        run(&project, "2").exits(0);
        project.write("db/dump file.sql", format!("{dump}NO SUCH STATEMENT;\n"));
        let ran = run(&project, "2").exits(3);
        assert!(ran.stderr.contains("[database.dumped]"), "{engine}: {ran}");
        assert!(ran.stderr.contains("syntax"), "{engine}: {ran}");
    }
    for server in servers() {
        assert_eq!(on(server, "_dumped_").len(), 1);
    }
}
