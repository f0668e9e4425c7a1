//! What docs/guide/pytest.md tells to write and to type.

use std::os::unix::fs::symlink;
use std::path::PathBuf;

use crate::support::{EVENLY, Project, tool};

const GUIDE: &str = include_str!("../../../docs/guide/pytest.md");

/// The blocks of a language, without their indent.
fn blocks(language: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut lines = GUIDE.lines();
    while let Some(line) = lines.next() {
        if line.trim() == format!("```{language}") {
            let inside = lines.by_ref().take_while(|line| line.trim() != "```");
            found.push(inside.map(|line| format!("{}\n", line.trim_start())).collect());
        }
    }
    found
}

#[test]
fn every_block_of_the_guide_does_what_it_says() {
    let Some(venv) = tool("EVENLY_TEST_VENV") else { return };
    let (configurations, commands) = (blocks("toml"), blocks("sh"));
    assert_eq!((configurations.len(), commands.len()), (1, 2));
    let config = configurations[0].replace("\"-m\",", "\"--cov=shop\", \"-m\",");
    let test = "import pytest, shop\ndef test_one(): assert shop.one() == 1\n\
                @pytest.mark.slow\ndef test_slow(): assert False\n";
    let project = Project::new(&config)
        .file("pytest.ini", "[pytest]\nmarkers = slow\n")
        .file("shop.py", "def one():\n    return 1\n")
        .file("tests/test_a.py", test)
        .file("tests/test_b.py", test);
    symlink(PathBuf::from(venv), project.path(".venv")).unwrap();
    let start = format!(
        "set -eux\nevenly() {{ {EVENLY} \"$@\"; }}\npython() {{ .venv/bin/python \"$@\"; }}\n"
    );
    let ran = project.bash(&format!("{start}{}", commands[0])).exits(0);
    ran.says("api:tests/test_a.py").says("✓ whole and green");
    let ran = project.bash(&format!("{start}{}", commands[1])).exits(0);
    ran.says("shop.py").says("100%");
}
