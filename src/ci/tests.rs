//! Every row of the table by a sample environment; the shard's rules; the documentation.

mod samples;

use super::*;
use samples::ROWS;

/// What a row's sample must give.
struct Row {
    name: &'static str,
    env: &'static [(&'static str, &'static str)],
    shard: Option<(u32, u32)>,
    id: Option<&'static str>,
    number: Option<u64>,
    attempt: Option<u32>,
    branch: Option<&'static str>,
    pr: Option<u64>,
    commit: Option<&'static str>,
}

fn found(env: &[(&str, &str)]) -> Option<Ci> {
    detect(&|name| env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
}

fn ci(env: &[(&str, &str)]) -> Ci {
    found(env).expect("the sample is a CI's")
}

#[test]
fn every_provider_has_a_sample_and_is_read_as_it_says() {
    let names: Vec<_> = ROWS.iter().map(|row| row.name).collect();
    for provider in &PROVIDERS {
        assert!(names.contains(&provider.name), "{} has no sample", provider.name);
    }
    for row in ROWS {
        let ci = ci(row.env);
        assert_eq!(ci.name(), row.name);
        let shard = ci.shard().unwrap().map(|shard| (shard.index, shard.total));
        assert_eq!(shard, row.shard, "{}", row.name);
        let run = ci.run();
        assert_eq!(run.id.as_deref(), row.id, "{}", row.name);
        assert_eq!(run.number, row.number, "{}", row.name);
        assert_eq!(run.attempt, row.attempt.unwrap_or(1), "{}", row.name);
        assert_eq!(ci.branch(), row.branch, "{}", row.name);
        assert_eq!(ci.pr(), row.pr, "{}", row.name);
        assert_eq!(ci.commit(), row.commit, "{}", row.name);
    }
}

#[test]
fn no_ci_where_nothing_says_so() {
    assert_eq!(found(&[]), None);
    assert_eq!(found(&[("CI", "")]), None);
    assert_eq!(found(&[("CI", "false")]), None);
    assert_eq!(found(&[("JENKINS_URL", "http://ci")]), None);
    assert_eq!(found(&[("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "4")]), None);
}

#[test]
fn the_same_variable_counts_from_0_or_1_by_provider() {
    let vars = |mark| [(mark, "true"), ("CI_NODE_INDEX", "3"), ("CI_NODE_TOTAL", "4")];
    assert_eq!(ci(&vars("GITLAB_CI")).shard().unwrap().unwrap().to_string(), "3/4");
    assert_eq!(ci(&vars("HEROKU_TEST_RUN_ID")).shard().unwrap().unwrap().to_string(), "4/4");
}

#[test]
fn gitlab_without_parallel_is_the_only_shard() {
    let env = [("GITLAB_CI", "true"), ("CI_NODE_TOTAL", "1")];
    assert_eq!(ci(&env).shard(), Ok(Some(Shard { index: 1, total: 1 })));
}

#[test]
fn variables_that_give_no_shard_are_named_with_their_values() {
    for provider in &PROVIDERS {
        let Some(ShardVars { index, base, total: Some(total) }) = provider.shard else { continue };
        let outside = (base + 4).to_string();
        let below = base.checked_sub(1).map(|number| number.to_string());
        let mut bad = vec![
            (Some("x"), Some("4"), vec![index, "`x`"]),
            (Some("-1"), Some("4"), vec![index, "`-1`"]),
            (Some("+1"), Some("4"), vec![index, "`+1`"]),
            (Some("1"), Some("4.0"), vec![total, "`4.0`"]),
            (Some("1"), Some("99999999999"), vec![total, "`99999999999`"]),
            (Some("1"), Some("10001"), vec![total, "10001"]),
            (Some("1"), Some("0"), vec![total, "cannot have 0"]),
            (Some("1"), None, vec![index, "`1`", total]),
            (Some("1"), Some(""), vec![index, "`1`", total]),
            (None, Some("4"), vec![total, "`4`", index]),
            (Some(&outside), Some("4"), vec![index, total, &outside, "`4`"]),
        ];
        if let Some(below) = &below {
            bad.push((Some(below), Some("4"), vec![index, total, below, "`4`"]));
        }
        for (index_value, total_value, words) in bad {
            let values = std::iter::once(("x", "x"))
                .chain(index_value.map(|value| (index, value)))
                .chain(total_value.map(|value| (total, value)))
                .collect::<Vec<_>>();
            let values = values.iter().filter(|(_, value)| !value.is_empty());
            let values = values.map(|(name, value)| (*name, (*value).to_owned())).collect();
            let error = Ci { provider, values }.shard().unwrap_err().to_string();
            for word in words.into_iter().chain([provider.name]) {
                assert!(error.contains(word), "{error}: no {word}");
            }
        }
    }
}

#[test]
fn explicit_wins_over_the_ci() {
    let gitlab = ci(&[("GITLAB_CI", "true"), ("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "2")]);
    let asked = Asked { shard: Some("3/4"), total: None };
    let choice = shard_for(asked, Some(&gitlab)).unwrap();
    assert_eq!((choice.shard.to_string().as_str(), choice.from), ("3/4", ShardFrom::Asked));
    let choice = shard_for(Asked::default(), Some(&gitlab)).unwrap();
    assert_eq!(
        (choice.shard.to_string().as_str(), choice.from),
        ("1/2", ShardFrom::Ci("GitLab CI"))
    );
    let bare = Asked { shard: Some("3"), total: Some("4") };
    assert_eq!(shard_for(bare, None).unwrap().shard, Shard { index: 3, total: 4 });
    let both = Asked { shard: Some("3/4"), total: Some("4") };
    assert_eq!(shard_for(both, None).unwrap().shard, Shard { index: 3, total: 4 });
}

#[test]
fn refusals_list_the_accepted_forms() {
    let asked = |shard, total| Asked { shard, total };
    let bad = [
        asked(Some(""), None),
        asked(Some("/4"), None),
        asked(Some("2"), None),
        asked(Some("0/4"), None),
        asked(Some("5/4"), None),
        asked(Some("-1/4"), None),
        asked(Some("0"), Some("4")),
        asked(Some("5"), Some("4")),
        asked(Some("2"), Some("")),
        asked(Some("2"), Some("x")),
        asked(Some(""), Some("4")),
        asked(Some("2/4"), Some("5")),
        asked(None, Some("4")),
    ];
    for asked in bad {
        let error = shard_for(asked, None).unwrap_err().to_string();
        assert!(error.contains("`--shard 2/4`"), "{error}");
    }
}

#[test]
fn a_ci_without_a_shard_is_an_error_and_only_outside_any_is_it_all() {
    let github = ci(&[("GITHUB_ACTIONS", "true")]);
    let error = shard_for(Asked::default(), Some(&github)).unwrap_err().to_string();
    for words in [
        "GitHub Actions",
        "`--shard 2/4`",
        "EVENLY_SHARD: ${{ matrix.shard }}/4",
        "EVENLY_JOB_INDEX: ${{ strategy.job-index }}",
        "EVENLY_JOB_TOTAL: ${{ strategy.job-total }}",
    ] {
        assert!(error.contains(words), "{error}");
    }
    let unknown = ci(&[("CI", "true")]);
    assert!(shard_for(Asked::default(), Some(&unknown)).is_err());
    let alone = shard_for(Asked::default(), None).unwrap();
    assert_eq!(alone.from, ShardFrom::Nobody);
    assert!(alone.to_string().contains("no CI was found"));
}

#[test]
fn a_ci_that_tells_no_shard_is_told_what_to_write() {
    for provider in &PROVIDERS {
        let silent = Ci { provider, values: BTreeMap::new() };
        let error = shard_for(Asked::default(), Some(&silent)).unwrap_err().to_string();
        let forms = ["`--shard 2/4`", "EVENLY_SHARD=2/4", "EVENLY_SHARDS=4", provider.name];
        for words in forms {
            assert!(error.contains(words), "{error}: no {words}");
        }
        // What is known by its total has that, and of an unknown one nothing is known.
        let advised = !matches!(provider.name, "Bazel" | "an unknown CI");
        assert_eq!(provider.advice.is_some(), advised, "{}", provider.name);
        assert!(error.ends_with(provider.advice.unwrap_or(error.as_str())), "{error}");
    }
}

#[test]
fn kubernetes_gives_the_index_and_the_user_the_total() {
    let job = ci(&[("JOB_COMPLETION_INDEX", "0")]);
    assert!(shard_for(Asked::default(), Some(&job)).is_err());
    let total = Asked { shard: None, total: Some("4") };
    assert_eq!(shard_for(total, Some(&job)).unwrap().shard, Shard { index: 1, total: 4 });
    let beyond = ci(&[("JOB_COMPLETION_INDEX", "4")]);
    assert!(shard_for(total, Some(&beyond)).is_err());
}

/// A row as the documentation shows it.
fn documented(provider: &Provider) -> String {
    let code = |text: &str| format!("`{text}`");
    let list = |parts: Vec<String>| {
        if parts.is_empty() { "–".to_owned() } else { parts.join(", ") }
    };
    let marks = provider.detect.iter().map(|mark| match mark {
        Mark::Set(name) => code(name),
        Mark::Is(name, value) => code(&format!("{name}={value}")),
    });
    let sources = |sources: &[Source]| {
        let shown = |source: &Source| match source {
            Source::Var(name) => code(name),
            Source::After(name, prefix) => format!("`{name}` after `{prefix}`"),
            Source::Last(name) => format!("`{name}` after the last `/`"),
        };
        list(sources.iter().map(shown).collect())
    };
    let index = provider.shard.iter().map(|vars| format!("`{}` ({})", vars.index, vars.base));
    let total = provider.shard.iter().filter_map(|vars| vars.total.map(code));
    let attempt = match provider.attempt {
        Attempt::Untold => "–".to_owned(),
        Attempt::Number { var, base } => format!("`{var}` ({base})"),
        Attempt::Rerun(var) => format!("`{var}=true`: 2"),
    };
    format!(
        "| {} | {} | {} | {} | {} | {} | {} | {} | {} | {} |",
        provider.name,
        list(marks.collect()),
        list(index.collect()),
        list(total.collect()),
        list(provider.run.iter().map(|name| code(name)).collect()),
        list(provider.number.into_iter().map(code).collect()),
        attempt,
        sources(provider.branch),
        sources(provider.pr),
        sources(provider.commit),
    )
}

#[test]
fn the_documentation_shows_this_table() {
    let page = include_str!("../../docs/reference/ci-detection.md");
    let table = page.lines().skip_while(|line| !line.starts_with("|---"));
    let rows: Vec<_> = table.skip(1).take_while(|line| line.starts_with('|')).collect();
    let expected: Vec<_> = PROVIDERS.iter().map(documented).collect();
    assert!(rows == expected, "the table should be:\n{}", expected.join("\n"));
}
