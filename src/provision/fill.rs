//! Templates that the framework of a suite fills.

use std::collections::BTreeMap;

use super::template::{Place, scratch};
use super::{Empty, ProvisionError, Request, Source};
use crate::config::{Filling, WORKERS_MAX};
use crate::db::DatabaseName;
use crate::process::last_words;

/// Whose clones those are that a framework reads while it fills another database: nobody's who
/// runs groups.
const FILLER: u32 = WORKERS_MAX;

/// Has a template filled by a framework, which finds clones of the databases that come before.
pub(super) async fn fill(
    request: &Request<'_>,
    place: &Place<'_>,
    filling: &Filling,
    url: &str,
) -> Result<(), ProvisionError> {
    let mut clones = Vec::new();
    let filled = match clone_earlier(request, place, filling, &mut clones).await {
        Ok(before) => fill_beside(request, place.name, filling, (url, &before)).await,
        Err(error) => Err(error),
    };
    for (source, clone) in clones {
        // What cannot be dropped now is dropped by the next run.
        let _ = source.drop_clone(&clone).await;
        source.server.close().await;
    }
    filled
}

/// Clones of the databases that come before, by alias, as far as this run has them.
async fn clone_earlier(
    request: &Request<'_>,
    place: &Place<'_>,
    filling: &Filling,
    clones: &mut Vec<(Source, DatabaseName)>,
) -> Result<BTreeMap<String, String>, ProvisionError> {
    let mut urls = BTreeMap::new();
    for (alias, name) in &filling.after {
        let Some((location, ready)) = place.earlier.get(name.as_str()) else { continue };
        let source = Source::new(request, name, location, ready.name.clone()).await?;
        let clone = source.naming.clone_of(FILLER, name, None);
        let made = source.make_clone(&clone).await;
        urls.insert(alias.clone(), source.server.url(&clone));
        clones.push((source, clone));
        made?;
    }
    Ok(urls)
}

async fn fill_beside(
    request: &Request<'_>,
    name: &str,
    filling: &Filling,
    (url, before): (&str, &BTreeMap<String, String>),
) -> Result<(), ProvisionError> {
    let what = "filling by its framework";
    let system = |error| ProvisionError::System { database: name.to_owned(), what, error };
    let output = scratch(&request.work, name).map_err(system)?.join("output");
    let (database, suite) = (name.to_owned(), filling.suite.clone());
    let failed = |why| ProvisionError::Unfilled { database, suite, why };
    let Some(filler) = request.filler else {
        return Err(failed("nothing runs that could".to_owned()));
    };
    let empty = Empty { filling, url, output: &output, before };
    filler.fill(empty).await.map_err(|why| {
        let printed = std::fs::read(&output).unwrap_or_default();
        failed(format!("{why}{}", last_words(&printed, "")))
    })
}
