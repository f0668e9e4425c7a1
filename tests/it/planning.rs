//! `evenly plan`, and which shard this is.

use serde_json::Value;

use crate::support::{Project, SHELL_SUITE, tool};

fn five() -> Project {
    let mut project = Project::new(SHELL_SUITE);
    for name in ["a", "b", "c", "d", "e"] {
        project = project.file(format!("t/{name}.sh"), "");
    }
    project
}

#[test]
fn the_table_shows_groups_estimates_and_shards() {
    let ran = five().evenly(&["plan", "--shards", "2"]).exits(0);
    ran.says("sh:t/a.sh").says("default").says("shard").says("1.0 s");
}

#[test]
fn the_json_is_the_documented_interface() {
    let ran = five().evenly(&["plan", "--shards", "2", "--json"]).exits(0);
    let plan: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(plan["format"], 1);
    assert_eq!(plan["workers"], 1);
    assert!(plan["fingerprint"].as_str().unwrap().len() >= 16);
    let shards = plan["shards"].as_array().unwrap();
    assert_eq!(shards.iter().map(|s| s["index"].as_u64().unwrap()).collect::<Vec<_>>(), [1, 2]);
    let groups: Vec<_> = shards.iter().flat_map(|s| s["groups"].as_array().unwrap()).collect();
    assert_eq!(groups.len(), 5);
    for group in groups {
        assert_eq!(
            (&group["basis"], &group["estimate_us"]),
            (&"default".into(), &1_000_000.into())
        );
    }
    assert_eq!(shards[0]["predicted_us"], 3_000_000);
}

#[test]
fn the_plan_does_not_depend_on_the_machine() {
    let project = five();
    let plan = |jobs: &str| {
        let ran = project.evenly(&["plan", "--shards", "3", "--json"]).env("X", jobs).exits(0);
        ran.stdout
    };
    assert_eq!(plan("1"), plan("2"));
}

#[test]
fn a_shard_that_cannot_be_meant_is_refused_with_the_accepted_forms() {
    let project = five();
    for bad in ["0/4", "5/4", "-1/4", "2", "a/b", "1/0", "", "1/4/5"] {
        let ran = project.evenly(&["run", "--shard", bad]).exits(2);
        ran.warns("2/4");
        assert!(!project.path("evenly-out").exists(), "{bad} left something behind");
    }
}

#[test]
fn outside_a_ci_no_shard_means_all_and_is_said() {
    five().evenly(&["run"]).exits(0).warns("1/1");
}

#[test]
fn inside_a_ci_no_shard_is_an_error_and_nothing_runs() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "touch ran");
    for ci in [&["CI"][..], &["CI", "GITHUB_ACTIONS"], &["JENKINS_URL", "BUILD_ID"]] {
        let mut evenly = project.evenly(&["run"]);
        for variable in ci {
            evenly = evenly.env(variable, "true");
        }
        evenly.exits(2).warns("--shard").warns("EVENLY_SHARD");
    }
    assert!(!project.path("ran").exists());
}

#[test]
fn the_shard_comes_from_the_cis_variables() {
    let project = five();
    let gitlab = |index: &str, total: &str| {
        let evenly = project.evenly(&["run"]).env("GITLAB_CI", "true").env("CI", "true");
        evenly.env("CI_NODE_INDEX", index).env("CI_NODE_TOTAL", total).env("CI_PIPELINE_ID", "77")
    };
    gitlab("2", "3").exits(0).says("shard 2/3");
    gitlab("0", "3").exits(2).warns("CI_NODE_INDEX");
    gitlab("4", "3").exits(2).warns("CI_NODE_INDEX");
    let circle = project.evenly(&["run"]).env("CIRCLECI", "true").env("CI", "true");
    circle.env("CIRCLE_NODE_INDEX", "0").env("CIRCLE_NODE_TOTAL", "2").exits(0).says("shard 1/2");
    project.evenly(&["run"]).env("EVENLY_SHARD", "3/5").env("CI", "1").exits(0).says("shard 3/5");
}

#[test]
fn an_empty_shard_of_a_plan_that_is_not_empty_is_a_success() {
    let project = Project::new(SHELL_SUITE).file("t/a.sh", "");
    project.evenly(&["run", "--shard", "2/2"]).exits(0);
    project.evenly(&["run", "--shard", "1/2"]).exits(0);
    project.evenly(&["merge", "evenly-out"]).exits(0);
}

#[test]
fn a_rule_that_matches_nothing_is_told() {
    let rule = "[[rule]]\nmatch = \"nothing-like-this*\"\nexclusive = true\n";
    let project = Project::new(&format!("{SHELL_SUITE}{rule}")).file("t/a.sh", "");
    project.evenly(&["plan"]).exits(0).warns("nothing-like-this*");
}

#[test]
fn groups_that_start_after_all_others_are_shown_behind_them() {
    let Some(venv) = tool("EVENLY_TEST_VENV") else { return };
    let python = std::path::Path::new(&venv).join("bin/python");
    let config = format!(
        "[run]\nworkers = 1\n[[suite]]\nname = \"web\"\nframework = \"django\"\n\
         settings = \"settings\"\npython = \"{}\"\n",
        python.display()
    );
    let settings = "DATABASES = {'default': {'ENGINE': 'django.db.backends.sqlite3', \
                    'NAME': 'db'}}\nSECRET_KEY = 'x'\n";
    let tests = |base: &str, count: u32| {
        let tests = (0..count).map(|number| format!("    def test_{number}(self): pass\n"));
        format!("from django.test import {base}\nclass T({base}):\n{}", tests.collect::<String>())
    };
    let project = Project::new(&config)
        .file("settings.py", settings)
        .file("test_long.py", tests("TransactionTestCase", 9))
        .file("test_short.py", tests("TestCase", 1));
    let ran = project.evenly(&["plan", "--json"]).exits(0);
    let plan: Value = serde_json::from_str(&ran.stdout).unwrap();
    let groups = plan["shards"][0]["groups"].as_array().unwrap().iter();
    let ids: Vec<_> = groups.map(|group| group["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["web:test_short", "web:test_long"]);
    let table = project.evenly(&["plan"]).exits(0).stdout;
    assert!(table.find("web:test_short") < table.find("web:test_long"), "{table}");
    // It is the plan that shards make, all the same.
    project.evenly(&["plan", "--out", "plan.json"]).exits(0);
    project.evenly(&["run", "--plan", "plan.json", "--shard", "1/1"]).exits(0);
}
