//! What holds for every command on a project: its configuration, the CI around it, what history
//! tells, and the plan that follows.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::args::{CONFIG, ProjectArgs};
use super::error::Error;
use super::history::{Known, load};
use super::only::{self, Listed, Wanted};
use super::order::{Order, Positions, arranged};
use super::planning;
use super::print::warn;
use super::publish::TOKENS;
use crate::ci::{self, Ci};
use crate::config::{Config, Workers};
use crate::discover::{self, Discovery, Surroundings};
use crate::model::{Group, GroupId, RunKey, Shard, one_line};
use crate::plan::{self, Assigned, Pattern, Plan, Rule};
use crate::process::become_reaper;
use crate::provision::Databases;

/// A project, as its files and the environment show it.
pub(super) struct Project {
    pub(super) config: Config,
    /// The configuration's directory, absolute.
    pub(super) base: PathBuf,
    pub(super) ci: Option<Ci>,
    pub(super) run: RunKey,
    pub(super) known: Known,
    /// evenly itself.
    pub(super) program: PathBuf,
    pub(super) workers: Workers,
    /// What alone is to run; all where there is none.
    pub(super) only: Option<Wanted>,
    /// Its name, where that is not the usual one.
    pub(super) named: Option<String>,
    /// When the command began.
    pub(super) began: Instant,
}

/// What there is to run, and in which order.
pub(super) struct Found {
    pub(super) discovery: Discovery,
    pub(super) order: Order,
    pub(super) databases: Databases,
    positions: Positions,
}

impl Found {
    /// Every group in the frameworks' order.
    pub(super) fn serially(&self) -> Vec<GroupId> {
        let mut groups: Vec<&Group> = self.discovery.groups.iter().collect();
        groups.sort_by_cached_key(|group| (self.positions.of(group), group.id.clone()));
        groups.into_iter().map(|group| group.id.clone()).collect()
    }

    /// Puts the groups of every shard that start after all others behind them.
    pub(super) fn late_last(&self, plan: &mut Plan) {
        let groups = self.discovery.groups.iter();
        let late: HashSet<&GroupId> =
            groups.filter(|group| group.late).map(|group| &group.id).collect();
        for shard in &mut plan.shards {
            shard.groups.sort_by_key(|group| late.contains(&group.id));
        }
    }

    /// A shard's groups in the order in which they start.
    pub(super) fn arranged(&self, plan: &Plan, shard: Shard) -> Vec<Assigned> {
        let planned = &plan.shard(shard).groups;
        arranged(planned, &self.discovery.groups, self.order, &self.positions)
    }
}

impl Project {
    pub(super) fn open(args: &ProjectArgs) -> Result<Self, Error> {
        let began = Instant::now();
        let ProjectArgs { config: path, history, workers } = args;
        let config = read_config(path)?;
        let base = base_of(path);
        let ci = detect_ci();
        let run = ci.as_ref().map_or_else(local_run, Ci::run);
        let workers = workers.unwrap_or(config.run.workers);
        let program = std::env::current_exe().map_err(Error::Program)?;
        let known = load(history);
        let named = (path != Path::new(CONFIG)).then(|| path.display().to_string());
        Ok(Self { config, base, ci, run, known, program, only: None, named, workers, began })
    }

    /// Asks every suite what there is to run and applies the rules.
    ///
    /// `work` is scratch that lives as long as the run.
    /// Whoever gets it closes it.
    pub(super) async fn discover(&self, work: &Path, order: Order) -> Result<Found, Error> {
        // What a supervisor leaves that dies is ours from now on.
        become_reaper()
            .map_err(|source| Error::System { act: "adopt orphaned processes", source })?;
        let around = Surroundings {
            base: &self.base,
            work,
            program: &self.program,
            env_remove: &own_variables(),
        };
        let mut discovery = discover::discover(&self.config, &around).await?;
        match self.settle(&mut discovery, order) {
            Ok((positions, databases)) => Ok(Found { discovery, order, databases, positions }),
            Err(error) => {
                discovery.close().await;
                Err(error)
            }
        }
    }

    /// What there is, for who runs nothing of it.
    pub(super) async fn listed(&self, work: &Path) -> Result<Found, Error> {
        let found = self.discover(work, Order::Plan).await?;
        found.discovery.close().await;
        Ok(found)
    }

    /// Applies the rules to what was found, and finds out which databases it has.
    fn settle(
        &self,
        discovery: &mut Discovery,
        order: Order,
    ) -> Result<(Positions, Databases), Error> {
        if discovery.groups.is_empty() || !discovery.empty.is_empty() {
            return Err(Error::Nothing(discovery.empty.clone()));
        }
        let positions = match order {
            Order::Plan => Positions::default(),
            Order::Serial => Positions::new(&discovery.groups, &discovery.listed),
        };
        let listed = self.only.as_ref().map(|only| (only, Listed::of(&discovery.groups)));
        self.rule(discovery)?;
        if let Some((only, listed)) = listed {
            only::keep(discovery, &listed, only)?;
        }
        Ok((positions, Databases::new(&self.config, &discovery.databases)?))
    }

    /// Makes the groups as the rules want them.
    fn rule(&self, discovery: &mut Discovery) -> Result<(), Error> {
        let outcome = plan::apply(std::mem::take(&mut discovery.groups), &self.rules()?)?;
        let idle = |&index: &usize| !planning::keeps_a_class(self, index, discovery, &outcome);
        for index in outcome.unmatched.iter().copied().filter(idle) {
            let pattern = one_line(&self.config.rules[index].matches).into_owned();
            warn(&format!("the rule for `{pattern}` matches no group, so it does nothing"));
        }
        for index in outcome.unmatched_after {
            let rule = &self.config.rules[index];
            let after = one_line(rule.after.as_deref().unwrap_or_default()).into_owned();
            let pattern = one_line(&rule.matches);
            warn(&format!("the rule for `{pattern}`: no group of its suite is `{after}`"));
        }
        discovery.groups = outcome.groups;
        Ok(())
    }

    fn rules(&self) -> Result<Vec<Rule>, Error> {
        let rules = self.config.rules.iter().map(|rule| {
            Ok(Rule {
                pattern: Pattern::new(&rule.matches)?,
                exclusive: rule.exclusive.then_some(true),
                database: (!rule.database).then_some(false),
                together: rule.together.clone(),
                after: rule.after.as_deref().map(Pattern::new).transpose()?,
                timeout: rule.timeout(),
                retries: rule.retries,
            })
        });
        rules.collect()
    }

    /// Plans and runs on one worker, where it is given a number.
    pub(super) fn as_one_worker(&mut self, number: Option<u32>) {
        if number.is_some() {
            self.workers = Workers::Count(1);
        }
    }

    /// How many workers this machine runs.
    pub(super) fn local_workers(&self, order: Order) -> u32 {
        match order {
            Order::Plan => local_workers(self.workers),
            Order::Serial => 1,
        }
    }
}

/// How many workers this machine runs.
pub(super) fn local_workers(workers: Workers) -> u32 {
    match workers {
        Workers::Count(count) => count,
        Workers::Auto => {
            let cores = std::thread::available_parallelism().map_or(1, usize::from);
            u32::try_from(cores).unwrap_or(1).min(crate::config::WORKERS_MAX)
        }
    }
}

/// The directory of a configuration, absolute.
pub(super) fn base_of(config: &Path) -> PathBuf {
    let config = std::path::absolute(config).unwrap_or_else(|_| config.to_owned());
    config.parent().unwrap_or(Path::new("/")).to_owned()
}

/// The CI around this process, by its environment. A value that is not UTF-8 is set all the same:
/// taken for absent, it could make a job of a CI run everything.
pub(super) fn detect_ci() -> Option<Ci> {
    ci::detect(&|name| std::env::var_os(name).map(|value| value.to_string_lossy().into_owned()))
}

/// A run outside any CI.
pub(super) fn local_run() -> RunKey {
    RunKey { id: None, number: None, attempt: 1 }
}

pub(super) fn read_config(path: &Path) -> Result<Config, Error> {
    let bytes = crate::store::read(path).map_err(|error| {
        if error.is_absent() { Error::NoConfig(path.to_owned()) } else { Error::Store(error) }
    })?;
    let text = String::from_utf8(bytes).map_err(|_| Error::NotText(path.to_owned()))?;
    Config::parse(&text).map_err(|error| Error::Config { path: path.to_owned(), error })
}

/// evenly's own variables: flags and secrets that no test needs; and the job's, that none may have.
pub(super) fn own_variables() -> Vec<OsString> {
    let withheld = |name: &str| ci::WITHHELD.contains(&name) || TOKENS.contains(&name);
    let own = |name: &str| name.starts_with("EVENLY_") || withheld(name);
    let names = std::env::vars_os().map(|(name, _)| name);
    names.filter(|name| own(&name.to_string_lossy())).collect()
}
