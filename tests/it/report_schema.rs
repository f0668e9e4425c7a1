//! `report.json` against its JSON Schema, by a validator that is not ours.

use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::support::{JUNIT_SUITE, Project, Ran, SHELL_SUITE, junit, tool, writes};

const SCHEMA: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/reference/report.schema.json");

/// Forbids what the schema does not name: what it says of every object is then all there is.
fn strict(schema: &mut Value) {
    match schema {
        Value::Object(fields) => {
            if fields.contains_key("properties") {
                fields.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
            fields.values_mut().for_each(strict);
        }
        Value::Array(items) => items.iter_mut().for_each(strict),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn validates(schema: &Path, report: &Path) -> Option<Ran> {
    let python = Path::new(&tool("EVENLY_TEST_VENV")?).join("bin/python");
    let mut check = Command::new(python);
    check.args(["-m", "check_jsonschema", "--schemafile"]).arg(schema).arg(report);
    Some(Ran::of(&check.output().unwrap()))
}

/// Runs in which every kind of field has something.
fn eventful() -> Vec<Project> {
    let cases = "<testsuite name='s'><testcase classname='c' name='errs' file='a.py' line='3'>\
                 <error type='E' message='m'>d</error></testcase><testcase name='s'><skipped/>\
                 </testcase></testsuite>";
    let wobbly = format!(
        "if [ -e tried ]; then\n{}fi\ntouch tried\n{}",
        writes(&junit("w", &["wobbly"], &[]), 0),
        writes(&junit("w", &[], &["wobbly"]), 1)
    );
    let list = "[[quarantine]]\ntest = \"ju:c::errs\"\nuntil = \"9999-12-31\"\nreason = \"r\"\n\
                [[quarantine]]\ntest = \"x\"\nuntil = \"2020-01-01\"\n\
                [[quarantine]]\ntest = \"y\"\nuntil = \"9999-12-31\"\n";
    let told = Project::new(JUNIT_SUITE)
        .file("list.toml", list)
        .file("t/a.sh", writes(cases, 1))
        .file("t/b.sh", writes(&junit("b", &["b"], &["bad"]), 1))
        .file("t/c.sh", wobbly)
        .file("t/d.sh", "kill -SEGV $$");
    told.evenly(&["local", "--shards", "2", "--retries", "1"]).exits(1);
    std::fs::remove_file(told.path("tried")).unwrap();
    told.write("t/b.sh", writes(&junit("b", &["b", "new"], &[]), 0));
    let args = ["local", "--shards", "2", "--retries", "1", "--quarantine", "list.toml"];
    told.evenly(&args).exits(1);

    let partial = Project::new(SHELL_SUITE).file("t/a.sh", "exit 1").file("t/b.sh", "");
    partial.evenly(&["run", "--shard", "1/2", "--fail-fast"]).exits(1);
    partial.evenly(&["merge", "evenly-out"]).exits(5);
    let green = Project::new(SHELL_SUITE).file("t/a.sh", "");
    green.evenly(&["local", "--only", "sh:t/a.sh"]).exits(0);
    let cases = "<testsuites><testsuite name='s' timestamp='2026-01-02T03:04:05'>\
                 <testcase classname='c' name='n'><failure message='m'>d</failure>\
                 <properties><property name='p' value='v'/></properties>\
                 <system-out>printed</system-out></testcase></testsuite></testsuites>";
    let foreign = Project::new(SHELL_SUITE).file("t/a.sh", "").file("other.xml", cases);
    foreign.evenly(&["run"]).exits(0);
    foreign.evenly(&["merge", "evenly-out/shard-1-of-1.attempt-1.jsonl", "other.xml"]).exits(1);
    vec![told, partial, green, foreign]
}

#[test]
fn real_reports_are_what_the_schema_says_and_no_more() {
    let schema_text = std::fs::read_to_string(SCHEMA).unwrap();
    let mut schema: Value = serde_json::from_str(&schema_text).unwrap();
    strict(&mut schema);
    for project in eventful() {
        let report = project.path("evenly-out/report.json");
        let narrow = project.path("strict.schema.json");
        std::fs::write(&narrow, schema.to_string()).unwrap();
        for schema in [Path::new(SCHEMA), &narrow] {
            let Some(ran) = validates(schema, &report) else { return };
            ran.exits(0);
        }
        // And a report that is not so is refused.
        let mut broken = project.report();
        broken["verdict"] = Value::from("maybe");
        std::fs::write(&report, broken.to_string()).unwrap();
        assert!(validates(Path::new(SCHEMA), &report).is_some_and(|ran| ran.status == Some(1)));
    }
}
