//! From what was discovered to the plan: groups in parts where they are too large, estimates,
//! shards.

use std::collections::BTreeMap;

use super::error::Error;
use super::print::warn;
use super::project::{Found, Project};
use crate::config::Workers;
use crate::discover::Discovery;
use crate::framework::Framework;
use crate::history::Estimator;
use crate::model::{Granularity, Group, GroupId, Member, SuiteName};
use crate::plan::{
    self, Difference, Grained, Grainer, Parts, Pattern, Plan, Ruled, Saved, Unit, Ways, Work,
};

/// A plan; the groups that were found are its own.
pub(super) struct Planned {
    pub(super) plan: Plan,
    /// How long the command took until it had the plan, microseconds.
    pub(super) took_us: u64,
}

/// Everything that a plan is made from beside the groups.
pub(super) struct Planner<'a> {
    project: &'a Project,
    estimator: Estimator<'a>,
    granularities: BTreeMap<&'a SuiteName, Granularity>,
    kept: Vec<Pattern>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(project: &'a Project) -> Result<Self, Error> {
        let config = &project.config;
        let granularity = |suite: &'a crate::config::Suite| {
            (&suite.name, suite.granularity.unwrap_or(config.run.granularity))
        };
        let kept = config.rules.iter().filter(|rule| !rule.split);
        let run = project.run.number;
        if let (Some(run), Some(oldest)) = (run, project.known.history.hidden_from(run)) {
            warn(&format!(
                "this is run {run}, and the history knows only runs from {oldest} on: the plan \
                 uses nothing of it"
            ));
        }
        Ok(Self {
            project,
            estimator: Estimator::new(&project.known.history, project.run.number),
            granularities: config.suites.iter().map(granularity).collect(),
            kept: kept.map(|rule| Pattern::new(&rule.matches)).collect::<Result<_, _>>()?,
        })
    }

    /// The lanes of a shard.
    pub(super) fn workers(&self) -> u32 {
        let suites = self.project.config.suites.iter();
        let recorded = suites.filter_map(|suite| self.estimator.workers(&suite.name)).max();
        match self.project.workers {
            Workers::Count(count) => count,
            Workers::Auto => recorded.unwrap_or(1),
        }
    }

    /// The plan over so many shards; groups that are too large become parts.
    pub(super) fn plan(&self, found: &mut Found, shards: u32) -> Result<Planned, Error> {
        let discovery = &mut found.discovery;
        let parts = self.grainer(discovery, |grainer| grainer.parts(shards, self.workers()));
        replace(discovery, parts);
        let work = discovery.groups.iter().map(|group| Work {
            id: group.id.clone(),
            estimate: self.estimator.estimate(group),
            exclusive: group.exclusive,
            tests: group.tests.as_deref(),
        });
        let plan = plan::make(work.collect(), shards, self.workers())?;
        Ok(self.planned(plan))
    }

    /// A plan that was made before.
    pub(super) fn adopt(&self, found: &mut Found, saved: Saved) -> Result<Planned, Difference> {
        let discovery = &mut found.discovery;
        let parts = self.with_ways(discovery, |ways| plan::adopt(&saved, &discovery.groups, ways));
        replace(discovery, parts?);
        Ok(self.planned(saved.plan))
    }

    fn planned(&self, plan: Plan) -> Planned {
        let took = self.project.began.elapsed().as_micros();
        Planned { plan, took_us: u64::try_from(took).unwrap_or(u64::MAX) }
    }

    /// Does something with the groups that can be split.
    pub(super) fn grainer<T>(
        &self,
        discovery: &Discovery,
        act: impl FnOnce(&Grainer<'_>) -> T,
    ) -> T {
        self.with_ways(discovery, |ways| act(&Grainer::new(&discovery.groups, ways)))
    }

    fn with_ways<T>(&self, discovery: &Discovery, act: impl FnOnce(&Ways<'_>) -> T) -> T {
        let framework = |group: &Group| -> &Framework { &discovery.frameworks[&group.id.suite] };
        let members = |group: &Group, units: &[Unit<'_>]| members(framework(group), group, units);
        let ways = Ways {
            estimate: &|group| self.estimator.estimate(group),
            tests_us: &|group| self.estimator.tests_us(group),
            nesting: &|group, test| framework(group).reading.nesting(&group.id.name, test),
            members: &members,
            granularity: &|group| {
                let asked = self.granularities[&group.id.suite];
                let can = framework(group).reading.splits_groups();
                if can { asked } else { Granularity::File }
            },
            keeps: &|id| self.kept.iter().any(|pattern| pattern.matches(id)),
        };
        act(&ways)
    }
}

fn replace(discovery: &mut Discovery, parts: Parts) {
    let Grained { groups, parts } = parts.replace(std::mem::take(&mut discovery.groups));
    (discovery.groups, discovery.parts) = (groups, parts);
}

fn members(framework: &Framework, group: &Group, units: &[Unit<'_>]) -> Vec<Member> {
    let reading = framework.reading;
    let of = |unit: &Unit<'_>| reading.members(&group.members, unit.name, &unit.tests);
    units.iter().flat_map(of).collect()
}

/// Whether a rule that matches no group keeps a class whole.
pub(super) fn keeps_a_class(
    project: &Project,
    rule: usize,
    discovery: &Discovery,
    ruled: &Ruled,
) -> bool {
    let rule = &project.config.rules[rule];
    let Ok(pattern) = Pattern::new(&rule.matches) else { return false };
    if rule.split {
        return false;
    }
    ruled.groups.iter().any(|group| {
        let reading = discovery.frameworks[&group.id.suite].reading;
        group.tests.iter().flatten().any(|test| {
            let nesting = reading.nesting(&group.id.name, test);
            let classes = nesting.iter().flat_map(|nesting| &nesting.ends[..nesting.containers]);
            let id = |end: &usize| GroupId::new(&group.id.suite, &test[..*end]);
            classes.map(id).any(|id| pattern.matches(&id))
        })
    })
}
