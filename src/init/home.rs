//! Whose workflow is written.

use super::{Facts, Found};

/// A CI that a workflow can be written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Home {
    /// `.github/workflows/evenly.yml`.
    Github,
    /// `.gitlab/evenly.yml`, and what includes it.
    Gitlab,
    /// None.
    None,
}

/// Other CIs, by a file of theirs.
const OTHERS: &[(&str, &str, &str)] = &[
    ("CircleCI", ".circleci", "config.yml"),
    ("Azure Pipelines", "", "azure-pipelines.yml"),
    ("Jenkins", "", "Jenkinsfile"),
    ("Buildkite", ".buildkite", "pipeline.yml"),
    ("Bitbucket Pipelines", "", "bitbucket-pipelines.yml"),
    ("Travis CI", "", ".travis.yml"),
    ("Drone", "", ".drone.yml"),
    ("Woodpecker", "", ".woodpecker.yml"),
    ("Semaphore", ".semaphore", "semaphore.yml"),
    ("AppVeyor", "", "appveyor.yml"),
    ("Cirrus CI", "", ".cirrus.yml"),
];

pub(super) fn find(facts: &Facts, asked: Option<Home>, found: &mut Found) -> Home {
    if let Some(home) = asked {
        return home;
    }
    let gitlab = facts.has("", ".gitlab-ci.yml");
    let github = facts.below(".github/workflows").next().is_some();
    let other = OTHERS.iter().find(|(_, dir, name)| facts.has(dir, name));
    match (github, gitlab, other) {
        (true, true, _) => {
            found.tell("GitHub Actions", "there are workflows in `.github/workflows`");
            found.advice.push("there is GitLab CI too: `evenly init --ci gitlab`".to_owned());
            Home::Github
        }
        (true, false, _) => {
            found.tell("GitHub Actions", "there are workflows in `.github/workflows`");
            Home::Github
        }
        (false, true, _) => {
            found.tell("GitLab CI", "there is `.gitlab-ci.yml`");
            Home::Gitlab
        }
        (false, false, Some((name, dir, file))) => {
            let path = super::facts::join(dir, file);
            found.tell(
                format!("{name}: no workflow is written for it"),
                format!("there is `{path}`"),
            );
            found.advice.push(
                "let each job run `evenly run` and a last one `evenly merge` over what they left: \
                 docs/reference/ci-detection.md"
                    .to_owned(),
            );
            Home::None
        }
        (false, false, None) => {
            found.advice.push(
                "no CI was found; `--ci github` or `--ci gitlab` writes a workflow".to_owned(),
            );
            Home::None
        }
    }
}
