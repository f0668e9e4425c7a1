//! The interpreter: what tests find in it, and what is wrong with it.

use serde_json::json;

use super::{PACKAGE, Talk, groups, model, project, python, run};
use crate::support::Project;

#[test]
fn tests_find_python_as_a_plain_run_has_it() {
    let scenario = groups(&["test_n_python"]);
    let talk = Talk::of(&project("warm/hostile"), "python3", "unittest", &scenario);
    let expected = "passed test_n_python.Python.test_arguments\n\
                    passed test_n_python.Python.test_child_has_no_socket\n\
                    passed test_n_python.Python.test_environment\n\
                    passed test_n_python.Python.test_path\n\
                    passed test_n_python.Python.test_spawn\n\
                    passed test_n_python.Seed.test_state_of_the_import\n";
    assert_eq!(talk.outcomes(), model(expected));
}

#[test]
fn a_python_that_is_too_old_says_so() {
    // What `python PACKAGE` does, in a Python that takes itself for an old one.
    let script = format!(
        "import runpy, sys, os\nsys.version_info = (3, 7, 17)\nsys.argv[1:] = ['serve', 'x']\n\
         os.environ['EVENLY_PROTOCOL_FD'] = '1'\n\
         sys.exit(runpy.run_path({PACKAGE:?}, run_name='__main__'))"
    );
    let ran = run(&Project::new(""), "python3", &["-c", &script]);
    let text = String::from_utf8(ran.stdout).unwrap();
    assert!(text.contains("this is Python 3.7.17, and evenly needs 3.9 or newer"), "{text}");
    assert!(text.starts_with(r#"{"failed":{"#) && text.ends_with("}}\n"), "{text}");
    assert_eq!(ran.status.code(), Some(2));
}

#[test]
fn a_twisted_that_is_too_old_says_so() {
    let project = Project::new("").file("twisted/__init__.py", "__version__ = '22.10.0'\n");
    let talk = Talk::of(&project, "python3", "trial", &json!({}));
    assert_eq!(talk.refusal(), "this is Twisted 22.10.0, and evenly needs 24.3 or newer");
}

#[test]
fn arguments_that_are_not_understood_are_refused() {
    for (framework, args, told) in [
        ("unittest", "--locals", "unrecognized arguments: --locals"),
        ("trial", "--no-such-option", "no-such-option"),
        ("trial", "--jobs=2", "`--jobs` in `args` of this suite: the workers are evenly's"),
        ("trial", "--reporter=text", "`--reporter` in `args` of this suite"),
    ] {
        let Some(python) = python() else { return };
        let options = json!({"args": [args], "paths": ["nets"]});
        let scenario = json!({ "options": options });
        let talk = Talk::of(&project("warm/trial"), &python, framework, &scenario);
        assert!(talk.refusal().contains(told), "{talk:#?}");
        assert_eq!(talk.exit, 2);
    }
}
