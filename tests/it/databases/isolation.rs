//! Who sees what: workers, groups, suites, several databases.

use std::collections::BTreeSet;

use super::{
    FINDS, JOURNAL, PREPARE, Place, clones_on, events, fifo, places, postgres, project, psql,
    ready, run, sqlite,
};
use crate::support::Project;
use crate::support::postgres::servers;

/// Leaves a trace, and finds nobody else's.
const OWN: &str = "q \"INSERT INTO seen VALUES ($EVENLY_WORKER)\"\n\
                   others=$(q \"SELECT COUNT(*) FROM seen WHERE worker <> $EVENLY_WORKER\")\n\
                   test $others = 0\n";

fn with_groups(mut project: Project, groups: usize, script: &str) -> Project {
    for group in 0..groups {
        project = project.file(format!("t/{group:02}.sh"), script);
    }
    project
}

fn workers_seen(project: &Project) -> BTreeSet<u64> {
    let finished = events(project, "group-finished");
    finished.iter().map(|event| event["worker"].as_u64().unwrap()).collect()
}

#[test]
fn each_worker_sees_its_own_rows_and_the_template_is_built_once() {
    for Place { engine, keys, server: _server } in places() {
        for (workers, groups) in [("2", 8), ("16", 32)] {
            let name = format!("own-rows-{workers}");
            let config = format!("[database.{name}]\n{keys}{PREPARE}");
            let script = format!("{FINDS}{OWN}");
            let project = with_groups(project(&[&name], &config), groups, &script);
            run(&project, workers).exits(0);
            assert!(workers_seen(&project).len() > 1, "{engine}");
            assert_eq!(project.text("prepared"), "built\n", "{engine} {keys}");
            assert!(!project.path("base.db").exists());
        }
    }
    for server in servers() {
        assert_eq!(clones_on(server, "own-rows"), [] as [&str; 0]);
    }
}

#[test]
fn fresh_for_each_group_means_pristine_rows() {
    let pristine = "test \"$(q 'SELECT COUNT(*) FROM seen')\" = 0\nq 'DELETE FROM seed'\n";
    for Place { engine: _, keys, server: _server } in places() {
        let config = format!("[database.pristine]\nfresh = \"group\"\n{keys}{PREPARE}");
        let script = format!("{FINDS}{pristine}{OWN}");
        let project = with_groups(project(&["pristine"], &config), 9, &script);
        run(&project, "3").exits(0);
    }
    for server in servers() {
        assert_eq!(clones_on(server, "pristine"), [] as [&str; 0]);
    }
}

#[test]
fn a_retry_of_a_group_that_wants_fresh_rows_has_them_too() {
    let config = format!("[database.again]\nfresh = \"group\"\n{}{PREPARE}", sqlite().keys);
    let script = format!("{FINDS}q 'DELETE FROM seed'\n[ -e once ] || {{ touch once; exit 1; }}");
    let project = project(&["again"], &config).file("t/a.sh", script);
    project.evenly(&["run", "--retries", "1"]).exits(0);
}

#[test]
fn what_a_killed_group_left_is_not_the_next_ones() {
    let rule = "[[rule]]\nmatch = \"*hang*\"\ntimeout = \"4s\"\n";
    for Place { engine, keys, server: _server } in places() {
        let config = format!("[run]\ngrace = \"100ms\"\n[database.cut-off]\n{keys}{PREPARE}{rule}");
        let hang = ". ./q.sh\nq 'DELETE FROM seed'\ntouch deleted\ncat hang\n";
        let project = project(&["cut-off"], &config)
            .file("t/a-hang.sh", hang)
            .file("t/b.sh", format!("{FINDS}touch found"));
        fifo(&project, "hang");
        run(&project, "1").exits(1);
        let order: Vec<_> = events(&project, "group-finished");
        assert_eq!(order[0]["group"], "sh:t/a-hang.sh", "{engine}");
        assert!(project.path("deleted").exists() && project.path("found").exists(), "{engine}");
    }
}

#[test]
fn several_databases_have_names_an_order_and_mirrors() {
    let server = &servers()[0];
    let keys = postgres(server).keys;
    let config = format!(
        "[database.main-several]\n{keys}after = [\"z-several\"]\n\
         prepare = '. ./q.sh; env | grep ^DATABASE > main.env; echo main >> order; \
         q \"CREATE TABLE a (b INT)\"'\n\
         [database.z-several]\n{}\
         prepare = '. ./q.sh; echo z >> order; q \"CREATE TABLE z (b INT)\"'\n\
         [database.replica]\nmirror = \"main-several\"\n\
         [database.unused-several]\nurl = \"postgres://localhost:1/x\"\n",
        sqlite().keys
    );
    let script = ". ./q.sh
test \"$DATABASE_URL\" = \"$DATABASE_URL_MAIN_SEVERAL\"
test \"$DATABASE_URL_MAIN_SEVERAL\" = \"$DATABASE_URL_REPLICA\"
q 'INSERT INTO a VALUES (1)' \"$DATABASE_URL_REPLICA\"
test \"$(q 'SELECT COUNT(*) FROM a')\" = 1
test \"$(q 'SELECT COUNT(*) FROM z' \"$DATABASE_URL_Z_SEVERAL\")\" = 0
test -z \"${DATABASE_URL_UNUSED_SEVERAL:-}\"
";
    let names = ["main-several", "replica", "z-several"];
    let project = project(&names, &config).file("t/a.sh", script);
    run(&project, "2").exits(0);
    assert_eq!(project.text("order"), "z\nmain\n");
    let names: Vec<_> = ready(&project).into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["z-several", "main-several"]);
    let env = project.text("main.env");
    assert!(env.contains("DATABASE_URL=") && env.contains("DATABASE_URL_MAIN_SEVERAL="), "{env}");
    assert_eq!(clones_on(server, "several"), [] as [&str; 0]);
}

#[test]
fn what_needs_no_database_costs_nothing() {
    let config = "[[suite]]\nname = \"plain\"\nframework = \"command\"\nglobs = [\"p/*.sh\"]\n\
                  run = \"sh -eu {tests}\"\n\
                  [[rule]]\nmatch = \"*free*\"\ndatabase = false\n\
                  [database.closed]\nurl = \"postgres://u:pw@localhost:1/x\"\n\
                  prepare = \"exit 1\"\n";
    let none = "test -z \"${DATABASE_URL:-}\"\n";
    let project = project(&["closed"], config).file("t/free.sh", none).file("p/a.sh", none);
    run(&project, "2").exits(0);
    assert_eq!(events(&project, "database-ready"), [] as [serde_json::Value; 0]);
    // A shard whose groups need none does not ask for it either; the other one does.
    project.write("t/needs.sh", none);
    let statuses = ["1/3", "2/3", "3/3"].map(|shard| {
        let ran = project.evenly(&["run", "--shard", shard]).start().wait();
        ran.status
    });
    let refused = statuses.iter().filter(|status| **status == Some(3)).count();
    let green = statuses.iter().filter(|status| **status == Some(0)).count();
    assert_eq!((refused, green), (1, 2), "{statuses:?}");
}

#[test]
fn a_group_without_database_beside_others_finds_no_url() {
    let config = format!(
        "[database.beside]\n{}{PREPARE}[[rule]]\nmatch = \"*free*\"\ndatabase = false\n",
        sqlite().keys
    );
    let project = project(&["beside"], &config)
        .file("t/free.sh", "test -z \"${DATABASE_URL:-}\"")
        .file("t/uses.sh", FINDS);
    run(&project, "1").exits(0);
}

#[test]
fn local_shards_have_databases_and_merge_is_green() {
    for keys in [sqlite().keys, postgres(&servers()[0]).keys] {
        let config = format!("[database.local]\n{keys}{PREPARE}");
        let project = with_groups(project(&["local"], &config), 6, FINDS);
        project.evenly(&["local", "--shards", "2", "--workers", "2"]).exits(0);
        assert_eq!(project.report()["totals"]["passed"], 6);
        // The second shard finds it, or brings it back.
        assert_eq!(project.text("prepared"), "built\n");
    }
    assert_eq!(clones_on(&servers()[0], "local"), [] as [&str; 0]);
}

/// Opening a FIFO waits for the other side, so both are in their tests at the same time.
const MEET: &str = "case $ROLE in
a) echo a > ab; cat ba ;;
b) cat ab; echo b > ba ;;
esac
";

#[test]
fn two_runs_at_once_do_not_collide_even_as_one_job_of_a_ci() {
    for (case, server) in servers().iter().enumerate() {
        let config = format!("[database.twice{case}]\n{}{PREPARE}", postgres(server).keys);
        let script =
            format!("{FINDS}{OWN}{MEET}{OWN}test \"$(q 'SELECT COUNT(*) FROM seen')\" = 2\n");
        let project = project(&[&format!("twice{case}")], &config).file("t/a.sh", script);
        for name in ["ab", "ba"] {
            fifo(&project, name);
        }
        let started = ["a", "b"].map(|role| {
            let out = format!("out-{role}");
            let args = ["run", "--shard", "1/1", "--workers", "1", "--out", &out];
            let ci = project.evenly(&args).env("CI", "true").env("GITHUB_ACTIONS", "true");
            let ci = ci.env("GITHUB_RUN_ID", "42").env("GITHUB_RUN_ATTEMPT", "1");
            ci.env("GITHUB_RUN_NUMBER", "7").env("ROLE", role).start()
        });
        for started in started {
            started.wait().exits(0);
        }
        assert_eq!(clones_on(server, &format!("twice{case}")), [] as [&str; 0]);
        assert_eq!(project.text("prepared"), "built\n");
    }
}

#[test]
fn a_restart_of_the_server_fails_groups_and_hangs_nothing() {
    use crate::support::postgres::{PostgresServer, bins};

    let server = PostgresServer::start(&bins()[0]);
    let config = format!("[database.restart]\n{}{PREPARE}", postgres(&server).keys);
    let a = format!("{FINDS}echo up > here\ncat go\nq 'SELECT 1'\n");
    let project = project(&["restart"], &config).file("t/a.sh", a).file("t/b.sh", FINDS);
    fifo(&project, "here");
    fifo(&project, "go");
    let started = run(&project, "1").start();
    assert_eq!(project.text("here"), "up\n");
    server.down();
    project.write("go", "on");
    let ran = started.wait().exits(1);
    assert!(ran.stdout.contains("sh:t/a.sh") && ran.stdout.contains("sh:t/b.sh"), "{ran}");
    server.up();
    assert_eq!(psql(&server, "SELECT 1"), "1\n");
    project.write("t/a.sh", FINDS);
    // What could not be dropped is the next run's to drop.
    project.evenly(&["run", "--out", "again"]).exits(0).warns("that dead runs left");
    assert_eq!(clones_on(&server, "restart"), [] as [&str; 0]);
    assert!(project.path("evenly-out").join(JOURNAL).exists());
}
