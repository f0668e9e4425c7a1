//! Which CI this is, and what it says of the job: shard, run, branch, pull request, commit.
//!
//! Pure: the environment comes in as a function. The table is in `table.rs`; which shard a job
//! takes, and when it is refused, is in `choice.rs`.

mod choice;
mod table;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::model::{RunKey, Shard, ShardError};

pub use choice::{Asked, ShardChoice, ShardChoiceError, ShardFrom, shard_for};
pub use table::{
    Attempt, Folding, Mark, PROVIDERS, Provider, SHARD_STATUS_FILE, ShardVars, Source, WITHHELD,
};

/// The CI that a job runs in, with what its variables said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ci {
    provider: &'static Provider,
    values: BTreeMap<&'static str, String>,
}

/// Why a CI's variables give no shard although they should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CiError {
    /// A variable is not a number.
    #[error("{provider} sets `{var}` to `{value}`: expected a whole number")]
    Number {
        /// The CI.
        provider: &'static str,
        /// The variable.
        var: &'static str,
        /// Its value.
        value: String,
    },
    /// Only one of two variables is set.
    #[error("{provider} sets `{var}` to `{value}`, but not `{missing}`")]
    Half {
        /// The CI.
        provider: &'static str,
        /// The variable that is set.
        var: &'static str,
        /// Its value.
        value: String,
        /// The one that is not.
        missing: &'static str,
    },
    /// The index lies outside the total.
    #[error(
        "{provider} sets `{index_var}` to `{index}` and `{total_var}` to `{total}`: \
         the index is counted from {base}, so that is no part of the run"
    )]
    Range {
        /// The CI.
        provider: &'static str,
        /// The index's variable.
        index_var: &'static str,
        /// The index as set.
        index: u32,
        /// The first job's index.
        base: u32,
        /// The total's variable.
        total_var: &'static str,
        /// The total as set.
        total: u32,
    },
    /// The number of shards is impossible.
    #[error("{provider} sets `{var}`: {source}")]
    Total {
        /// The CI.
        provider: &'static str,
        /// The total's variable.
        var: &'static str,
        /// What is wrong with it.
        source: ShardError,
    },
}

/// Finds the CI by the environment; `env` gives a variable's value. None outside of any.
/// Empty variables count as not set: CIs set what does not apply to the empty string.
pub fn detect(env: &dyn Fn(&str) -> Option<String>) -> Option<Ci> {
    let get = |name: &str| env(name).filter(|value| !value.is_empty());
    let holds = |mark: &Mark| match *mark {
        Mark::Set(name) => get(name).is_some_and(|value| !value.eq_ignore_ascii_case("false")),
        Mark::Is(name, expected) => get(name).is_some_and(|value| value == expected),
    };
    let provider = PROVIDERS.iter().find(|provider| provider.detect.iter().all(holds))?;
    let values = provider.variables().filter_map(|name| Some((name, get(name)?))).collect();
    Some(Ci { provider, values })
}

impl Provider {
    /// Every variable that the row names beside the marks.
    fn variables(&self) -> impl Iterator<Item = &'static str> {
        let Self {
            name: _,
            detect: _,
            shard,
            run,
            number,
            attempt,
            branch,
            pr,
            commit,
            folding: _,
            advice: _,
        } = self;
        let attempt = match *attempt {
            Attempt::Untold => None,
            Attempt::Number { var, base: _ } | Attempt::Rerun(var) => Some(var),
        };
        let shard = shard.iter().flat_map(|vars| [Some(vars.index), vars.total]).flatten();
        let sources = [branch, pr, commit].into_iter().copied().flatten().map(Source::variable);
        shard.chain(run.iter().copied()).chain(*number).chain(attempt).chain(sources)
    }
}

impl Source {
    /// The variable it reads.
    #[must_use]
    pub fn variable(&self) -> &'static str {
        match *self {
            Self::Var(name) | Self::After(name, _) | Self::Last(name) => name,
        }
    }
}

impl Ci {
    /// The provider's name.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.provider.name
    }

    /// How the CI's log folds.
    #[must_use]
    pub fn folding(&self) -> Folding {
        self.provider.folding
    }

    /// The run, as far as the CI tells. An attempt that is not told, or makes no sense, is the
    /// first.
    #[must_use]
    pub fn run(&self) -> RunKey {
        let Provider { run, number, attempt, .. } = self.provider;
        let attempt = match attempt {
            Attempt::Number { var, base } => self
                .value(var)
                .and_then(|value| value.parse::<u32>().ok()?.checked_sub(*base)?.checked_add(1))
                .unwrap_or(1),
            Attempt::Rerun(var) if self.value(var) == Some("true") => 2,
            Attempt::Rerun(_) | Attempt::Untold => 1,
        };
        RunKey {
            id: run.iter().find_map(|name| self.value(name)).map(str::to_owned),
            number: number.and_then(|name| self.value(name)?.parse().ok()),
            attempt,
        }
    }

    /// The branch, without `refs/heads/`.
    #[must_use]
    pub fn branch(&self) -> Option<&str> {
        let branch = self.first(self.provider.branch)?;
        Some(branch.strip_prefix("refs/heads/").unwrap_or(branch))
    }

    /// The number of the pull or merge request; None where the job belongs to none.
    #[must_use]
    pub fn pr(&self) -> Option<u64> {
        let number = |source| self.read(source)?.split('/').next()?.parse().ok();
        self.provider.pr.iter().find_map(number)
    }

    /// The commit.
    #[must_use]
    pub fn commit(&self) -> Option<&str> {
        self.first(self.provider.commit)
    }

    /// The shard by the CI's own variables; None where it has none, or did not set them.
    ///
    /// A total of 1 needs no index: GitLab sets it so in a job without `parallel`.
    ///
    /// # Errors
    /// When a variable is malformed, only one of the two is set, or the index lies outside the
    /// total: never a guess.
    pub fn shard(&self) -> Result<Option<Shard>, CiError> {
        let Some(vars) = &self.provider.shard else { return Ok(None) };
        let Some(total_var) = vars.total else { return Ok(None) };
        match (self.number(vars.index)?, self.number(total_var)?) {
            (None, None) => Ok(None),
            (None, Some(1)) => Ok(Some(Shard { index: 1, total: 1 })),
            (Some(index), Some(total)) => self.within(vars, index, total_var, total).map(Some),
            (Some(_), None) => Err(self.half(vars.index, total_var)),
            (None, Some(_)) => Err(self.half(total_var, vars.index)),
        }
    }

    /// The index from 1, of a CI that has no variable for the total.
    fn lone_index(&self) -> Result<Option<u32>, CiError> {
        match &self.provider.shard {
            Some(ShardVars { index, base, total: None }) => {
                let counted = self.number(index)?;
                Ok(counted.and_then(|value| value.checked_sub(*base)?.checked_add(1)))
            }
            Some(_) | None => Ok(None),
        }
    }

    /// Counts an index from 1 and checks it.
    fn within(
        &self,
        vars: &ShardVars,
        index: u32,
        total_var: &'static str,
        total: u32,
    ) -> Result<Shard, CiError> {
        let provider = self.name();
        let counted = index.checked_sub(vars.base).and_then(|from_0| from_0.checked_add(1));
        Shard::new(counted.unwrap_or(0), total).map_err(|source| match source {
            ShardError::Range { .. } => CiError::Range {
                provider,
                index_var: vars.index,
                index,
                base: vars.base,
                total_var,
                total,
            },
            ShardError::Total(_) | ShardError::Form(_) => {
                CiError::Total { provider, var: total_var, source }
            }
        })
    }

    fn half(&self, var: &'static str, missing: &'static str) -> CiError {
        let value = self.value(var).unwrap_or_default().to_owned();
        CiError::Half { provider: self.name(), var, value, missing }
    }

    /// A variable's value as a number: digits alone.
    fn number(&self, var: &'static str) -> Result<Option<u32>, CiError> {
        let Some(value) = self.value(var) else { return Ok(None) };
        let digits = value.bytes().all(|byte| byte.is_ascii_digit());
        digits.then(|| value.parse().ok()).flatten().map(Some).ok_or_else(|| CiError::Number {
            provider: self.name(),
            var,
            value: value.to_owned(),
        })
    }

    fn value(&self, name: &str) -> Option<&str> {
        self.values.get(name).map(String::as_str)
    }

    fn first(&self, sources: &[Source]) -> Option<&str> {
        sources.iter().find_map(|source| self.read(source))
    }

    fn read(&self, source: &Source) -> Option<&str> {
        let value = self.value(source.variable())?;
        match source {
            Source::Var(_) => Some(value),
            Source::After(_, prefix) => value.strip_prefix(prefix),
            Source::Last(_) => value.rsplit('/').next(),
        }
    }
}
