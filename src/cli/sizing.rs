//! `evenly plan --target`: how many shards, and what one more or fewer would give.

use std::fmt::Write;
use std::time::Duration;

use super::args::SizingArgs;
use super::error::Error;
use super::planning::Planner;
use super::print::warn;
use super::project::Project;
use crate::discover::Discovery;
use crate::model::{counted, human_time, one_line};
use crate::plan::{self, Longest, Met, Size, Sizing, Wish};

/// How many shards, and why.
pub(super) struct Sized {
    pub(super) shards: u32,
    pub(super) text: String,
}

/// Chooses a number of shards, where a target is given.
pub(super) fn size(
    args: &SizingArgs,
    project: &Project,
    planner: &Planner<'_>,
    discovery: &Discovery,
) -> Result<Option<Sized>, Error> {
    let SizingArgs { target, min, max, setup } = args;
    let Some(target) = target else { return Ok(None) };
    if min > max {
        return Err(Error::Bounds(*min, *max));
    }
    let setup_us = setup.map_or(0, micros);
    let seen_us = project.known.history.fixed_us(project.run.number);
    let wish = Wish {
        target_us: micros(*target),
        min: *min,
        max: *max,
        fixed_us: setup_us.saturating_add(seen_us.unwrap_or(0)),
    };
    let workers = planner.workers();
    let (sizing, longest) = planner.grainer(discovery, |grainer| {
        let longest = grainer.longest();
        let longest_us = longest.as_ref().map_or(0, |longest| longest.us);
        let lane_us = grainer.on_one_shard_us(workers);
        let predict = |shards| grainer.predict(shards, workers);
        (plan::size(wish, longest_us, lane_us, predict), longest)
    });
    tell(&wish, &sizing, longest.as_ref());
    let mut text = table(&wish, &sizing);
    let seen = match seen_us {
        Some(us) => format!("{} for evenly's own part, by earlier runs", human_time(us)),
        None => "nothing for evenly's own part, since no earlier run tells".to_owned(),
    };
    let beside = match setup {
        Some(_) => format!(" and {} by `--setup`", human_time(setup_us)),
        None => "; what else it takes, `--setup` can say".to_owned(),
    };
    let _ = writeln!(text, "each job counts {seen}{beside}");
    Ok(Some(Sized { shards: sizing.chosen.shards, text }))
}

/// Warns where the target is missed.
fn tell(wish: &Wish, sizing: &Sizing, longest: Option<&Longest>) {
    let target = human_time(wish.target_us);
    let wait = human_time(sizing.chosen.wait_us);
    let shards = counted(sizing.chosen.shards as usize, "shard");
    match (sizing.met, longest) {
        (Met::Yes, _) => {}
        (Met::TooFew, _) => warn(&format!(
            "{target} cannot be met with at most {} (`--max`): {shards} take {wait}",
            counted(wish.max as usize, "shard"),
        )),
        (Met::Indivisible, Some(Longest { id, us })) if wish.fixed_us < wish.target_us => {
            warn(&format!(
                "{target} cannot be met with any number of shards: `{}` takes {} by itself and \
                 cannot be split; {shards} take {wait}",
                one_line(&id.to_string()),
                human_time(*us),
            ));
        }
        (Met::Indivisible, _) => warn(&format!(
            "{target} cannot be met: a job takes {} before and after its tests",
            human_time(wish.fixed_us),
        )),
    }
}

fn table(wish: &Wish, sizing: &Sizing) -> String {
    let Sizing { chosen, fewer, more, met: _ } = sizing;
    let mut text = format!(
        "{} for a target of {}\n  shards  {:>12}  {:>8}\n",
        counted(chosen.shards as usize, "shard"),
        human_time(wish.target_us),
        "waiting",
        "billed",
    );
    let sizes = fewer.iter().map(|size| (' ', size)).chain([('>', chosen), (' ', more)]);
    for (mark, Size { shards, wait_us, billed_min }) in sizes {
        let billed = format!("{billed_min} min");
        let wait = human_time(*wait_us);
        let _ = writeln!(text, "{mark} {shards:>6}  {wait:>12}  {billed:>8}");
    }
    text
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
