use std::os::unix::ffi::OsStringExt;
use std::process::Command;

use proptest::prelude::*;

use super::*;

fn run(text: &str) -> Result<Template, TemplateError> {
    Template::parse(Role::Run, text)
}

fn with_tests<'a>(words: impl IntoIterator<Item = &'a [u8]>) -> Values<'a> {
    Values::default().with(Placeholder::Tests, words)
}

#[test]
fn only_exact_placeholders_are_replaced() {
    let text = r"x ${tests} {} {a,b} {print} {TEXT} $HOME {tests";
    let template = run(&format!("{text} {{tests}}")).unwrap();
    let rendered = template.render(&with_tests([&b"a b"[..], b"c"])).unwrap();
    assert_eq!(String::from_utf8(rendered).unwrap(), format!("{text} 'a b' c"));
}

#[test]
fn a_near_miss_is_an_error_that_names_the_placeholder() {
    for (found, known) in [
        ("test", "tests"),
        ("tets", "tests"),
        ("Tests", "tests"),
        ("arg", "args"),
        ("testsfile", "tests_file"),
        ("junits", "junit"),
        ("out_dir", "outdir"),
        ("works", "works"),
    ] {
        let parsed = run(&format!("x {{tests}} {{{found}}}"));
        if found == known {
            assert!(parsed.is_ok(), "{found}");
        } else {
            assert_eq!(parsed, Err(TemplateError::NearMiss { found: found.into(), known }));
        }
    }
}

#[test]
fn a_command_that_would_run_everything_is_refused() {
    assert_eq!(run("pytest --junitxml={junit}"), Err(TemplateError::RunsEverything));
    assert!(run("xargs -a {tests_file} bats").unwrap().uses(Placeholder::TestsFile));
    assert!(Template::parse(Role::List, "ls").is_ok());
}

#[test]
fn a_placeholder_without_a_value_is_refused() {
    let list = Template::parse(Role::List, "ls {tests}");
    assert_eq!(list, Err(TemplateError::NoValueHere("tests")));
    let missing = run("x {tests} {python}").unwrap().render(&with_tests([&b"a"[..]]));
    assert_eq!(missing, Err(TemplateError::Missing("python")));
}

#[test]
fn a_placeholder_inside_quotes_is_refused() {
    for text in [r#"x "{tests}""#, "x '{tests}'", r#"sh -c "x {tests}""#, r#"x "\"{tests}""#] {
        assert_eq!(run(text), Err(TemplateError::Quoted("tests", "quotes")), "{text}");
    }
    for text in ["x '' {tests}", r#"x "a'b" {tests}"#, r"x \' {tests}", "x # it's\nx {tests}"] {
        assert!(run(text).is_ok(), "{text}");
    }
    assert!(run("x --a=it#s' {tests}'").is_err(), "`#` inside a word starts no comment");
    assert!(Template::parse(Role::Variable, r#""{worker}""#).is_ok());
}

/// In each of these a test's name would be run, or no test at all.
#[test]
fn a_placeholder_where_its_quotes_do_not_hold_is_refused() {
    for (text, inside) in [
        ("# {tests}", "a comment"),
        ("x; #{tests}", "a comment"),
        ("x `{tests}`", "backquotes"),
        (r"x \{tests}", "quotes: a backslash"),
        ("cat <<END\n{tests}\nEND", "a here-document, or after one"),
        ("cat <<-'END' | x # y\n{tests}\nEND", "a here-document, or after one"),
    ] {
        assert_eq!(run(text), Err(TemplateError::Quoted("tests", inside)), "{text}");
    }
    for text in
        ["x `y` {tests}", "x <<<y {tests}\nx {tests}", "x <<END {tests}\nEND", "x < y {tests}"]
    {
        assert!(run(text).is_ok(), "{text}");
    }
}

#[test]
fn nul_and_line_breaks_are_refused_where_they_cannot_be_held() {
    let nul = run("x {tests}").unwrap().render(&with_tests([&b"a\0b"[..]]));
    assert_eq!(nul, Err(TemplateError::Nul(r"a\x00b".into())));
    assert_eq!(tests_file([&b"a\nb"[..]]), Err(TemplateError::LineBreak(r"a\nb".into())));
    assert_eq!(tests_file([&b"a b"[..], b"\xff"]).unwrap(), b"a b\n\xff\n");
}

#[test]
fn files_and_variables_are_quoted_in_their_own_way() {
    let values = Values::default()
        .with(Placeholder::Worker, [&b"3"[..]])
        .with(Placeholder::Junit, [&b"/a \"b\"\\"[..]])
        .with(Placeholder::Args, [&b"-k"[..], b"a b"]);
    let render = |role, text| {
        String::from_utf8(Template::parse(role, text).unwrap().render(&values).unwrap()).unwrap()
    };
    assert_eq!(render(Role::Variable, "redis:///{worker}?{args}"), "redis:///3?-k a b");
    assert_eq!(render(Role::File, "p = {junit}"), r#"p = "/a \"b\"\\""#);
    assert_eq!(render(Role::File, "a = [{args}]"), r#"a = ["-k", "a b"]"#);
    let odd = Values::default().with(Placeholder::Junit, [&b"\xff"[..]]);
    let file = Template::parse(Role::File, "{junit}").unwrap().render(&odd);
    assert_eq!(file, Err(TemplateError::NotUtf8(r"\xff".into())));
}

#[test]
fn a_command_fits_up_to_the_limit_of_the_kernel() {
    let command = |len| {
        let mut command = b"true #".to_vec();
        command.resize(len, b'x');
        command
    };
    let sh = |command: Vec<u8>| {
        Command::new("sh").arg("-c").arg(std::ffi::OsString::from_vec(command)).status()
    };
    assert!(fits_an_argument(&command(COMMAND_BYTES_MAX)));
    assert!(!fits_an_argument(&command(COMMAND_BYTES_MAX + 1)));
    assert!(sh(command(COMMAND_BYTES_MAX)).unwrap().success());
    if cfg!(target_os = "linux") {
        assert!(sh(command(COMMAND_BYTES_MAX + 1)).is_err());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// The shell itself is asked: every word arrives as it was.
    #[test]
    fn a_shell_sees_the_words_byte_for_byte(
        words in prop::collection::vec(prop::collection::vec(1_u8.., 0..12), 1..5),
    ) {
        let template = run("printf '%s\\0' {tests}").unwrap();
        let command = template.render(&with_tests(words.iter().map(Vec::as_slice))).unwrap();
        let command = std::ffi::OsString::from_vec(command);
        let output = Command::new("sh").arg("-c").arg(command).output().unwrap();
        let expected: Vec<u8> = words.iter().flat_map(|word| [word, &[0][..]].concat()).collect();
        prop_assert_eq!(output.stdout, expected);
    }

    #[test]
    fn no_text_breaks_the_parser(text in r#"[{}$a-z_'"\\# ]{0,40}"#) {
        for role in [Role::List, Role::Run, Role::Variable, Role::File] {
            let _ = Template::parse(role, &text);
        }
    }
}
