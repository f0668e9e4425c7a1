//! `report.html` in a real Chromium: clicked, typed into, printed, attacked.

use std::path::{Path, PathBuf};
use std::process::Command;

use crate::support::{JUNIT_SUITE, Project, Ran, junit, tool, writes};

/// Copies the JUnit files that are its tests.
const COPY_SUITE: &str = r#"
[[suite]]
name = "ju"
framework = "command"
globs = ["t/*.xml"]
run = "cp {tests} {junit}; exit $(grep -c '<failure' {tests} | head -c1)"
"#;

/// What would run if a page took it for more than text.
const ATTACKS: [&str; 12] = [
    "<script>pwned=1</script>",
    "</script><script>pwned=1</script>",
    "<img src=x onerror=pwned=1>",
    "</pre></details><svg onload=pwned=1>",
    "\"><iframe srcdoc=\"<script>parent.pwned=1</script>\">",
    "' onmouseover='pwned=1",
    "javascript:pwned=1",
    "<!--<script>",
    "]]><a href=\"javascript:pwned=1\">x</a>",
    "<style>@import 'https://evil.example/x.css'</style>",
    "${pwned=1}{{constructor.constructor('pwned=1')()}}",
    "\u{2028}<math><mtext></mtext><mglyph><style></math><img src onerror=pwned=1>",
];

/// Runs one case of `tests/browser/report.cjs`; false where its tools are not there.
fn browser(case: &str, project: &Project) -> bool {
    let Some(node) = tool("EVENLY_TEST_NODE") else { return false };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/browser/report.cjs");
    let output = Command::new("node")
        .arg(script)
        .arg(case)
        .arg(project.path("evenly-out/report.html"))
        .env("NODE_PATH", PathBuf::from(node).join("node_modules"))
        .output()
        .unwrap();
    Ran::of(&output).exits(0);
    true
}

fn small() -> Project {
    let case = |name: &str, inside: &str| {
        format!("<testcase classname='c' name='{name}' time='0.01'>{inside}</testcase>")
    };
    let cases = [
        case("fine", ""),
        case("fails", "<failure type='E' message='no'>- a\n+ b</failure>"),
        case("errs", "<error message='broke'/>"),
        case("skip", "<skipped/>"),
    ];
    let report = format!("<testsuite name='s'>{}</testsuite>", cases.concat());
    let red = "printf '\\033[31mred alert\\033[0m\\n'\n";
    let project = Project::new(JUNIT_SUITE).file("t/a.sh", format!("{red}{}", writes(&report, 1)));
    project.evenly(&["run"]).exits(1);
    project.evenly(&["merge", "evenly-out"]).exits(1);
    project
}

#[test]
fn it_is_used_with_mouse_and_keyboard() {
    browser("use", &small());
}

#[test]
fn it_fits_a_narrow_dark_screen() {
    browser("narrow", &small());
}

#[test]
fn it_tells_all_that_matters_without_scripts() {
    browser("bare", &small());
}

#[test]
fn it_prints() {
    browser("print", &small());
}

#[test]
fn it_has_roles_names_and_contrast() {
    browser("access", &small());
}

/// Two runs on a database, with a worker more than there are groups.
fn changed() -> Project {
    let cases = |passing: &[(&str, &str)], failing: &[&str]| {
        let pass = passing.iter().map(|(name, seconds)| {
            format!("<testcase classname='c' name='{name}' time='{seconds}'/>")
        });
        let fail = failing.iter().map(|name| {
            format!("<testcase classname='c' name='{name}'><failure message='no'/></testcase>")
        });
        let cases: String = pass.chain(fail).collect();
        let status = i32::from(!failing.is_empty());
        writes(&format!("<testsuite name='s'>{cases}</testsuite>"), status)
    };
    let (good, bad) = (junit("c", &["wobbly"], &[]), junit("c", &[], &["wobbly"]));
    let wobbly = format!(
        "if [ -e tried ]; then rm tried\n{}fi\ntouch tried\n{}",
        writes(&good, 0),
        writes(&bad, 1)
    );
    let list = "[[quarantine]]\ntest = \"ju:c::known\"\nuntil = \"9999-12-31\"\n\
                reason = \"a known one\"\n\
                [[quarantine]]\ntest = \"nothing\"\nuntil = \"9999-12-31\"\n";
    let config = format!(
        "[run]\nworkers = 4\nretries = 1\n{JUNIT_SUITE}databases = [\"main\"]\n\
         [database.main]\nurl = \"sqlite:base.db\"\nprepare = \"true\"\n"
    );
    let project = Project::new(&config)
        .file("list.toml", list)
        .file("t/a.sh", cases(&[("keeps", "0.1"), ("breaks", "0.1")], &["mends"]))
        .file("t/b.sh", cases(&[("slow", "1.5"), ("gone", "0.1")], &["known"]))
        .file("t/c.sh", wobbly);
    project.evenly(&["local"]).exits(1);
    project.write("t/a.sh", cases(&[("keeps", "0.1"), ("mends", "0.1")], &["breaks"]));
    project.write("t/b.sh", cases(&[("slow", "9.5"), ("young", "0.1")], &["known"]));
    project.evenly(&["local", "--quarantine", "list.toml"]).exits(1);
    project
}

#[test]
fn what_is_different_is_clicked_through() {
    let project = changed();
    browser("changes", &project);
    browser("access", &project);
}

fn escaped(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('\'', "&apos;")
}

/// The cases of a run before, in which all attacks passed, and others were there that are gone.
fn attacks_before() -> String {
    let mut cases = String::new();
    for attack in ATTACKS {
        let text = escaped(attack);
        cases.push_str(&format!(
            "<testcase classname=\"{text}\" name=\"{text}\"/>\
             <testcase classname=\"{text}\" name=\"{text} gone\"/>"
        ));
    }
    cases
}

/// A quarantine with attacks as tests and as reasons; some are over, some match, some don't.
fn attacking_list() -> String {
    let mut list = String::new();
    let mut add = |test: &str, until: &str, reason: &str| {
        let [test, reason] = [test, reason].map(serde_json::Value::from);
        list.push_str(&format!(
            "[[quarantine]]\ntest = {test}\nreason = {reason}\nuntil = \"{until}\"\n"
        ));
    };
    for attack in ATTACKS {
        let test = attack.replace(['[', ']', '{', '}'], "");
        add(&test, "9999-12-31", attack);
        add(&test, "2020-01-01", attack);
    }
    add("*svg*", "9999-12-31", ATTACKS[2]);
    list
}

#[test]
fn nothing_of_a_stranger_runs() {
    let mut cases = String::new();
    for attack in ATTACKS {
        let text = escaped(attack);
        cases.push_str(&format!(
            "<testcase classname=\"{text}\" name=\"{text}\" file=\"{text}\">\
             <failure type=\"{text}\" message=\"{text}\">{text}\n+ {text}</failure></testcase>\
             <testcase classname=\"fine\" name=\"{text}\"/>"
        ));
    }
    let file = "t/<img src=x onerror=pwned=1>.xml";
    let project = Project::new(&COPY_SUITE.replace("cp {tests}", "cat {tests}; cp {tests}"))
        .file("list.toml", attacking_list())
        .file(file, format!("<testsuite>{}</testsuite>", attacks_before()));
    project.evenly(&["local"]).exits(0);
    project.write(file, format!("<testsuite>{cases}</testsuite>"));
    project.evenly(&["local", "--quarantine", "list.toml"]).exits(1);
    let page = project.text("evenly-out/report.html");
    for section in ["id=\"removed\"", "id=\"new-failures\"", "id=\"quarantined\""] {
        assert!(page.contains(section), "{section}");
    }
    browser("hostile", &project);
}

#[test]
fn a_hundred_thousand_tests_are_listed() {
    let mut project = Project::new(COPY_SUITE);
    for part in 0..20 {
        let cases: String = (0..5_000)
            .map(|at| match (part, at) {
                (19, 4_999) => "<testcase classname=\"zz\" name=\"zz last\"/>".to_owned(),
                _ => format!("<testcase classname=\"tests.part{part:02}\" name=\"test_{at}\"/>"),
            })
            .collect();
        project = project.file(format!("t/{part}.xml"), format!("<testsuite>{cases}</testsuite>"));
    }
    project.evenly(&["run"]).exits(0);
    project.evenly(&["merge", "evenly-out"]).exits(0);
    browser("large", &project);
}
