//! What each CI tells a job in its environment: one row a provider, data alone.
//!
//! `docs/reference/ci-detection.md` shows the same table; a test compares the two. Sources: the
//! providers' own documentation and the detection code of env-ci, ci-info and knapsack.

/// One CI and its variables. Where several variables are named, the first that is set counts.
#[derive(Debug, PartialEq, Eq)]
pub struct Provider {
    /// Its name.
    pub name: &'static str,
    /// What tells it from the others: all must hold.
    pub detect: &'static [Mark],
    /// Where the shard stands.
    pub shard: Option<ShardVars>,
    /// The run's id: the same in all its jobs and, where possible, after a re-run.
    pub run: &'static [&'static str],
    /// A number of the run that only grows within the project.
    pub number: Option<&'static str>,
    /// Which attempt this is.
    pub attempt: Attempt,
    /// The branch; of a pull request its source branch, where the CI tells.
    pub branch: &'static [Source],
    /// The pull or merge request's number.
    pub pr: &'static [Source],
    /// The commit; of a pull request its head, where the CI tells.
    pub commit: &'static [Source],
    /// How its log folds.
    pub folding: Folding,
    /// What to write where no variable gives the shard.
    pub advice: Option<&'static str>,
}

/// A sign in the environment.
#[derive(Debug, PartialEq, Eq)]
pub enum Mark {
    /// The variable is set, and not to `false`.
    Set(&'static str),
    /// The variable has this value.
    Is(&'static str, &'static str),
}

/// The variables that give a job's shard.
#[derive(Debug, PartialEq, Eq)]
pub struct ShardVars {
    /// The index.
    pub index: &'static str,
    /// The index of the first job.
    pub base: u32,
    /// The number of jobs; some have no variable for it.
    pub total: Option<&'static str>,
}

/// Where the attempt stands.
#[derive(Debug, PartialEq, Eq)]
pub enum Attempt {
    /// Nowhere.
    Untold,
    /// In a number; `base` is the first attempt's.
    Number {
        /// The variable.
        var: &'static str,
        /// Its value in the first attempt.
        base: u32,
    },
    /// The variable is `true` in every attempt but the first.
    Rerun(&'static str),
}

/// Where a value stands.
#[derive(Debug, PartialEq, Eq)]
pub enum Source {
    /// It is the variable.
    Var(&'static str),
    /// It follows this prefix in the variable.
    After(&'static str, &'static str),
    /// It is what follows the last `/` of the variable.
    Last(&'static str),
}

/// How a CI's log is folded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Folding {
    /// Not at all.
    None,
    /// `::group::` and `::endgroup::`; always shut at first.
    GitHub,
    /// `section_start:` and `section_end:`; open or shut.
    GitLab,
    /// `##[group]` and `##[endgroup]`.
    Azure,
    /// `---` or, open, `+++`; ended by the next.
    Buildkite,
    /// `##teamcity[blockOpened]` and `##teamcity[blockClosed]`.
    TeamCity,
    /// `travis_fold:start:` and `travis_fold:end:`.
    Travis,
}

/// Variables that are meant for evenly or for the job, and that no test process gets: files by
/// which a step of GitHub's speaks to later ones, and the sharding of Bazel's protocol, which a
/// test framework that knows it too would apply once more, to what is this shard's already.
pub const WITHHELD: [&str; 10] = [
    "GITHUB_ENV",
    "GITHUB_OUTPUT",
    "GITHUB_PATH",
    "GITHUB_STATE",
    "TEST_SHARD_INDEX",
    "TEST_TOTAL_SHARDS",
    SHARD_STATUS_FILE,
    "GTEST_SHARD_INDEX",
    "GTEST_TOTAL_SHARDS",
    "GTEST_SHARD_STATUS_FILE",
];

/// Names the file that a runner creates to say that it shards: Bazel fails the test without it.
pub const SHARD_STATUS_FILE: &str = "TEST_SHARD_STATUS_FILE";

use Source::{After, Last, Var};

/// A row that tells nothing.
const NOTHING: Provider = Provider {
    name: "",
    detect: &[],
    shard: None,
    run: &[],
    number: None,
    attempt: Attempt::Untold,
    branch: &[],
    pr: &[],
    commit: &[],
    folding: Folding::None,
    advice: None,
};

const fn vars(index: &'static str, base: u32, total: &'static str) -> ShardVars {
    ShardVars { index, base, total: Some(total) }
}

/// All that are known, in the order in which they are looked for: those that others run inside
/// of, or that set less telling variables, come later.
pub static PROVIDERS: [Provider; 22] = [
    Provider {
        name: "GitHub Actions",
        detect: &[Mark::Set("GITHUB_ACTIONS")],
        // Actions has the index only as an expression, so these two are ours to name.
        shard: Some(vars("EVENLY_JOB_INDEX", 0, "EVENLY_JOB_TOTAL")),
        run: &["GITHUB_RUN_ID"],
        number: Some("GITHUB_RUN_ID"),
        attempt: Attempt::Number { var: "GITHUB_RUN_ATTEMPT", base: 1 },
        branch: &[Var("GITHUB_HEAD_REF"), Var("GITHUB_REF_NAME")],
        pr: &[After("GITHUB_REF", "refs/pull/")],
        commit: &[Var("GITHUB_SHA")],
        folding: Folding::GitHub,
        advice: Some(
            "in the step that runs evenly, with `matrix: { shard: [1, 2, 3, 4] }`:\n\
             \x20 env:\n\
             \x20   EVENLY_SHARD: ${{ matrix.shard }}/4\n\
             or, where the matrix has no other dimension:\n\
             \x20 env:\n\
             \x20   EVENLY_JOB_INDEX: ${{ strategy.job-index }}\n\
             \x20   EVENLY_JOB_TOTAL: ${{ strategy.job-total }}",
        ),
    },
    Provider {
        name: "GitLab CI",
        detect: &[Mark::Set("GITLAB_CI")],
        shard: Some(vars("CI_NODE_INDEX", 1, "CI_NODE_TOTAL")),
        run: &["CI_PIPELINE_ID"],
        number: Some("CI_PIPELINE_ID"),
        branch: &[Var("CI_MERGE_REQUEST_SOURCE_BRANCH_NAME"), Var("CI_COMMIT_REF_NAME")],
        pr: &[Var("CI_MERGE_REQUEST_IID")],
        commit: &[Var("CI_COMMIT_SHA")],
        folding: Folding::GitLab,
        advice: Some("in the job: `parallel: 4`"),
        ..NOTHING
    },
    Provider {
        name: "CircleCI",
        detect: &[Mark::Set("CIRCLECI")],
        shard: Some(vars("CIRCLE_NODE_INDEX", 0, "CIRCLE_NODE_TOTAL")),
        // A workflow's id changes when it is re-run, its pipeline's does not.
        run: &["CIRCLE_PIPELINE_ID", "CIRCLE_WORKFLOW_ID"],
        number: Some("CIRCLE_BUILD_NUM"),
        branch: &[Var("CIRCLE_BRANCH")],
        pr: &[Var("CIRCLE_PR_NUMBER"), Last("CIRCLE_PULL_REQUEST")],
        commit: &[Var("CIRCLE_SHA1")],
        advice: Some("in the job: `parallelism: 4`"),
        ..NOTHING
    },
    Provider {
        name: "Buildkite",
        detect: &[Mark::Set("BUILDKITE")],
        shard: Some(vars("BUILDKITE_PARALLEL_JOB", 0, "BUILDKITE_PARALLEL_JOB_COUNT")),
        run: &["BUILDKITE_BUILD_ID"],
        number: Some("BUILDKITE_BUILD_NUMBER"),
        attempt: Attempt::Number { var: "BUILDKITE_RETRY_COUNT", base: 0 },
        branch: &[Var("BUILDKITE_BRANCH")],
        pr: &[Var("BUILDKITE_PULL_REQUEST")],
        commit: &[Var("BUILDKITE_COMMIT")],
        folding: Folding::Buildkite,
        advice: Some("in the step: `parallelism: 4`"),
    },
    Provider {
        name: "Azure Pipelines",
        detect: &[Mark::Set("TF_BUILD")],
        // The base is not documented; Microsoft's slicing scripts count from 1.
        shard: Some(vars("SYSTEM_JOBPOSITIONINPHASE", 1, "SYSTEM_TOTALJOBSINPHASE")),
        run: &["BUILD_BUILDID"],
        number: Some("BUILD_BUILDID"),
        attempt: Attempt::Number { var: "SYSTEM_JOBATTEMPT", base: 1 },
        branch: &[Var("SYSTEM_PULLREQUEST_SOURCEBRANCH"), Var("BUILD_SOURCEBRANCH")],
        pr: &[Var("SYSTEM_PULLREQUEST_PULLREQUESTNUMBER"), Var("SYSTEM_PULLREQUEST_PULLREQUESTID")],
        commit: &[Var("SYSTEM_PULLREQUEST_SOURCECOMMITID"), Var("BUILD_SOURCEVERSION")],
        folding: Folding::Azure,
        advice: Some("in the job: `strategy: { parallel: 4 }`"),
    },
    Provider {
        name: "Bitbucket Pipelines",
        detect: &[Mark::Set("BITBUCKET_BUILD_NUMBER")],
        shard: Some(vars("BITBUCKET_PARALLEL_STEP", 0, "BITBUCKET_PARALLEL_STEP_COUNT")),
        run: &["BITBUCKET_PIPELINE_UUID", "BITBUCKET_BUILD_NUMBER"],
        number: Some("BITBUCKET_BUILD_NUMBER"),
        attempt: Attempt::Number { var: "BITBUCKET_STEP_RUN_NUMBER", base: 1 },
        branch: &[Var("BITBUCKET_BRANCH")],
        pr: &[Var("BITBUCKET_PR_ID")],
        commit: &[Var("BITBUCKET_COMMIT")],
        advice: Some("in `parallel: steps:`, or in each step: `EVENLY_SHARD=2/4 evenly run`"),
        ..NOTHING
    },
    Provider {
        name: "Jenkins",
        detect: &[Mark::Set("JENKINS_URL"), Mark::Set("BUILD_ID")],
        run: &["BUILD_TAG", "BUILD_NUMBER"],
        // No number: each branch of a multibranch pipeline counts its builds for itself.
        branch: &[
            Var("CHANGE_BRANCH"),
            Var("BRANCH_NAME"),
            Var("GIT_LOCAL_BRANCH"),
            After("GIT_BRANCH", "origin/"),
            Var("GIT_BRANCH"),
        ],
        pr: &[Var("CHANGE_ID"), Var("ghprbPullId"), Var("gitlabMergeRequestId")],
        commit: &[Var("GIT_COMMIT")],
        advice: Some("in the `matrix` or `parallel` branch: `withEnv(['EVENLY_SHARD=2/4'])`"),
        ..NOTHING
    },
    Provider {
        name: "Semaphore 2",
        detect: &[Mark::Set("SEMAPHORE"), Mark::Set("SEMAPHORE_WORKFLOW_ID")],
        shard: Some(vars("SEMAPHORE_JOB_INDEX", 1, "SEMAPHORE_JOB_COUNT")),
        run: &["SEMAPHORE_WORKFLOW_ID", "SEMAPHORE_PIPELINE_ID"],
        attempt: Attempt::Rerun("SEMAPHORE_PIPELINE_RERUN"),
        branch: &[Var("SEMAPHORE_GIT_WORKING_BRANCH"), Var("SEMAPHORE_GIT_BRANCH")],
        pr: &[Var("SEMAPHORE_GIT_PR_NUMBER")],
        commit: &[Var("SEMAPHORE_GIT_SHA")],
        advice: Some("in the job: `parallelism: 4`"),
        ..NOTHING
    },
    Provider {
        name: "Semaphore Classic",
        detect: &[Mark::Set("SEMAPHORE_BUILD_NUMBER")],
        shard: Some(vars("SEMAPHORE_CURRENT_THREAD", 1, "SEMAPHORE_THREAD_COUNT")),
        run: &["SEMAPHORE_BUILD_NUMBER"],
        // No number: builds are counted per branch.
        branch: &[Var("BRANCH_NAME")],
        pr: &[Var("PULL_REQUEST_NUMBER")],
        commit: &[Var("REVISION")],
        advice: Some("in the command of each job: `EVENLY_SHARD=2/4 evenly run`"),
        ..NOTHING
    },
    Provider {
        name: "Drone",
        detect: &[Mark::Set("DRONE")],
        run: &["DRONE_BUILD_NUMBER"],
        number: Some("DRONE_BUILD_NUMBER"),
        branch: &[Var("DRONE_SOURCE_BRANCH"), Var("DRONE_BRANCH")],
        pr: &[Var("DRONE_PULL_REQUEST")],
        commit: &[Var("DRONE_COMMIT_SHA")],
        advice: Some("in the step of each pipeline: `environment: { EVENLY_SHARD: 2/4 }`"),
        ..NOTHING
    },
    Provider {
        name: "Woodpecker",
        detect: &[Mark::Is("CI", "woodpecker")],
        run: &["CI_PIPELINE_NUMBER"],
        number: Some("CI_PIPELINE_NUMBER"),
        branch: &[Var("CI_COMMIT_SOURCE_BRANCH"), Var("CI_COMMIT_BRANCH")],
        pr: &[Var("CI_COMMIT_PULL_REQUEST")],
        commit: &[Var("CI_COMMIT_SHA")],
        advice: Some("with a matrix over `SHARD`, in the step: `EVENLY_SHARD: ${SHARD}/4`"),
        ..NOTHING
    },
    Provider {
        name: "TeamCity",
        detect: &[Mark::Set("TEAMCITY_VERSION")],
        run: &["BUILD_NUMBER"],
        // No number: its form is free, and each build configuration counts for itself.
        pr: &[Var("TEAMCITY_PULLREQUEST_NUMBER")],
        commit: &[Var("BUILD_VCS_NUMBER")],
        folding: Folding::TeamCity,
        advice: Some(
            "with parallel tests, the parameter\n\
             \x20 env.EVENLY_SHARD = %teamcity.build.parallelTests.currentBatch%/\
             %teamcity.build.parallelTests.totalBatches%",
        ),
        ..NOTHING
    },
    Provider {
        name: "Travis CI",
        detect: &[Mark::Set("TRAVIS")],
        run: &["TRAVIS_BUILD_ID", "TRAVIS_BUILD_NUMBER"],
        number: Some("TRAVIS_BUILD_ID"),
        branch: &[Var("TRAVIS_PULL_REQUEST_BRANCH"), Var("TRAVIS_BRANCH")],
        pr: &[Var("TRAVIS_PULL_REQUEST")],
        commit: &[Var("TRAVIS_PULL_REQUEST_SHA"), Var("TRAVIS_COMMIT")],
        folding: Folding::Travis,
        advice: Some("as the matrix: `env: [EVENLY_SHARD=1/2, EVENLY_SHARD=2/2]`"),
        ..NOTHING
    },
    Provider {
        name: "AppVeyor",
        detect: &[Mark::Set("APPVEYOR")],
        run: &["APPVEYOR_BUILD_ID"],
        number: Some("APPVEYOR_BUILD_ID"),
        branch: &[Var("APPVEYOR_PULL_REQUEST_HEAD_REPO_BRANCH"), Var("APPVEYOR_REPO_BRANCH")],
        pr: &[Var("APPVEYOR_PULL_REQUEST_NUMBER")],
        commit: &[Var("APPVEYOR_PULL_REQUEST_HEAD_COMMIT"), Var("APPVEYOR_REPO_COMMIT")],
        advice: Some("in `environment: matrix:` an entry a shard, `- EVENLY_SHARD: 2/4`"),
        ..NOTHING
    },
    Provider {
        name: "Codefresh",
        detect: &[Mark::Set("CF_BUILD_ID")],
        run: &["CF_BUILD_ID"],
        branch: &[Var("CF_BRANCH")],
        pr: &[Var("CF_PULL_REQUEST_NUMBER")],
        commit: &[Var("CF_REVISION")],
        advice: Some("in each parallel step: `environment: [EVENLY_SHARD=2/4]`"),
        ..NOTHING
    },
    Provider {
        name: "AWS CodeBuild",
        detect: &[Mark::Set("CODEBUILD_BUILD_ARN")],
        run: &["CODEBUILD_BUILD_ID"],
        branch: &[After("CODEBUILD_WEBHOOK_TRIGGER", "branch/")],
        pr: &[After("CODEBUILD_WEBHOOK_TRIGGER", "pr/")],
        commit: &[Var("CODEBUILD_RESOLVED_SOURCE_VERSION")],
        advice: Some("in the batch's `build-matrix`, the variable `EVENLY_SHARD: [1/2, 2/2]`"),
        ..NOTHING
    },
    Provider {
        name: "Heroku CI",
        detect: &[Mark::Set("HEROKU_TEST_RUN_ID")],
        shard: Some(vars("CI_NODE_INDEX", 0, "CI_NODE_TOTAL")),
        run: &["HEROKU_TEST_RUN_ID"],
        branch: &[Var("HEROKU_TEST_RUN_BRANCH")],
        pr: &[Var("HEROKU_PR_NUMBER")],
        commit: &[Var("HEROKU_TEST_RUN_COMMIT_VERSION")],
        advice: Some(
            "in `app.json`, environment `test`: `\"formation\": { \"test\": { \"quantity\": 4 } }`",
        ),
        ..NOTHING
    },
    Provider {
        name: "Cirrus CI",
        detect: &[Mark::Set("CIRRUS_CI")],
        // Set by the user, by a convention that other splitters began.
        shard: Some(vars("CI_NODE_INDEX", 0, "CI_NODE_TOTAL")),
        run: &["CIRRUS_BUILD_ID"],
        branch: &[Var("CIRRUS_BRANCH")],
        pr: &[Var("CIRRUS_PR")],
        commit: &[Var("CIRRUS_CHANGE_IN_REPO")],
        advice: Some("in `env: matrix:` an entry a shard, `EVENLY_SHARD: 2/4`"),
        ..NOTHING
    },
    Provider {
        name: "Bitrise",
        detect: &[Mark::Set("BITRISE_IO")],
        run: &["BITRISE_BUILD_SLUG"],
        number: Some("BITRISE_BUILD_NUMBER"),
        branch: &[Var("BITRISE_GIT_BRANCH")],
        pr: &[Var("BITRISE_PULL_REQUEST")],
        commit: &[Var("BITRISE_GIT_COMMIT")],
        advice: Some("in each parallel workflow: `envs: [{ EVENLY_SHARD: 2/4 }]`"),
        ..NOTHING
    },
    Provider {
        name: "Bazel",
        detect: &[Mark::Set("TEST_TOTAL_SHARDS")],
        shard: Some(vars("TEST_SHARD_INDEX", 0, "TEST_TOTAL_SHARDS")),
        ..NOTHING
    },
    Provider {
        name: "Kubernetes indexed job",
        detect: &[Mark::Set("JOB_COMPLETION_INDEX")],
        shard: Some(ShardVars { index: "JOB_COMPLETION_INDEX", base: 0, total: None }),
        advice: Some("set `EVENLY_SHARDS` to the job's `completions`"),
        ..NOTHING
    },
    Provider { name: "an unknown CI", detect: &[Mark::Set("CI")], ..NOTHING },
];
