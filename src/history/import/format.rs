//! The formats by name.

/// A form in which a tool keeps what it measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// `.test_durations` of pytest-split.
    PytestSplit,
    /// A report of knapsack, also GitLab's `report-master.json`.
    Knapsack,
    /// JUnit XML of whatever writer.
    Junit,
    /// A runtime log of `parallel_tests`.
    ParallelTests,
    /// `timings.json` of cypress-split.
    CypressSplit,
    /// `perf-cache-…` in jest's cache directory.
    Jest,
    /// `--timings` of `bun test`.
    Bun,
    /// `tests/.pest/shards.json` of Pest.
    Pest,
    /// What `pytest --durations=0` prints.
    PytestDurations,
    /// What `python -m unittest --durations 0` and Django's `test --durations 0` print.
    UnittestDurations,
}

impl Format {
    /// All, in the order in which they are told.
    pub const ALL: [Self; 10] = [
        Self::PytestSplit,
        Self::Knapsack,
        Self::Junit,
        Self::ParallelTests,
        Self::CypressSplit,
        Self::Jest,
        Self::Bun,
        Self::Pest,
        Self::PytestDurations,
        Self::UnittestDurations,
    ];

    /// What is typed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::PytestSplit => "pytest-split",
            Self::Knapsack => "knapsack",
            Self::Junit => "junit",
            Self::ParallelTests => "parallel-tests",
            Self::CypressSplit => "cypress-split",
            Self::Jest => "jest",
            Self::Bun => "bun",
            Self::Pest => "pest",
            Self::PytestDurations => "pytest-durations",
            Self::UnittestDurations => "unittest-durations",
        }
    }

    /// Other words for it: who writes or reads the same.
    #[must_use]
    pub fn aliases(self) -> &'static [&'static str] {
        match self {
            Self::Knapsack => &["gitlab"],
            Self::Junit => &["nextest", "circleci", "split-tests"],
            Self::ParallelTests => &["parallel_tests"],
            Self::UnittestDurations => &["django"],
            Self::PytestSplit
            | Self::CypressSplit
            | Self::Jest
            | Self::Bun
            | Self::Pest
            | Self::PytestDurations => &[],
        }
    }

    /// What it is, to follow "it is not".
    #[must_use]
    pub fn what(self) -> &'static str {
        match self {
            Self::PytestSplit => "pytest-split's JSON (node id to seconds)",
            Self::Knapsack => "knapsack's JSON (file to seconds)",
            Self::Junit => "JUnit XML",
            Self::ParallelTests => "a runtime log of parallel_tests (`path:seconds` lines)",
            Self::CypressSplit => "cypress-split's JSON (`durations` of `spec` and `duration`)",
            Self::Jest => "jest's perf cache (path to status and milliseconds)",
            Self::Bun => "bun's timings (`files`, path to milliseconds)",
            Self::Pest => "Pest's shards.json (`timings`, class to seconds)",
            Self::PytestDurations => "what `pytest --durations=0` prints",
            Self::UnittestDurations => "what unittest prints with `--durations 0`",
        }
    }

    /// Whether a file in a directory is likely of this format, by its name.
    #[must_use]
    pub fn fits(self, file_name: &str) -> bool {
        let ending = file_name.rsplit_once('.').map_or("", |(_, ending)| ending);
        let json = |part: &str| ending == "json" && file_name.contains(part);
        match self {
            Self::PytestSplit => file_name.contains("test_durations"),
            Self::Knapsack => json("report"),
            Self::Junit => ending == "xml",
            Self::ParallelTests => ending == "log" && file_name.contains("runtime"),
            Self::CypressSplit | Self::Bun => json("timings"),
            Self::Jest => file_name.starts_with("perf-cache-"),
            Self::Pest => file_name == "shards.json",
            Self::PytestDurations | Self::UnittestDurations => ending == "txt",
        }
    }
}
