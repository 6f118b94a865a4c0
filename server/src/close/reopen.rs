//! Opening a closed night again.

use serde_json::json;

use crate::launch::Engine;
use crate::model::ActionOutcome;
use crate::store::NewAction;

use super::{CloseError, Request, lock, lock_name};

/// Opens a closed night, or one sequence, again: removes its flags, and records that. Products stay
/// where they are; closing again finds them there. Returns the flags that were removed.
///
/// # Errors
/// A flag cannot be removed, or somebody is closing the night.
#[tracing::instrument(skip_all, fields(date = %request.paths.date, user = %request.by))]
pub async fn reopen(engine: &Engine, request: &Request) -> Result<Vec<String>, CloseError> {
    let store = &engine.store;
    let Request { paths, options, by, now, .. } = request;
    let name = lock_name(paths.date, &paths.prod_id);
    let guard = lock::take(store, &name, &by.to_string(), *now).await?;
    let reopened = remove_flags(engine, request).await;
    guard.release().await?;
    let removed = reopened?;
    if !removed.is_empty() {
        let seq = options.seq;
        let author = by.to_string();
        store.record_reopening(paths.date, &paths.prod_id, seq, &author, &removed, *now).await?;
    }
    Ok(removed)
}

async fn remove_flags(engine: &Engine, request: &Request) -> Result<Vec<String>, CloseError> {
    let Request { paths, observation, options, .. } = request;
    let mut flags = Vec::new();
    // Without the night's flag first, or a crash in between would leave a closed night with open
    // sequences.
    flags.push(paths.night_finished());
    let chosen = observation.sequences.iter().map(|sequence| sequence.run);
    let chosen = chosen.filter(|run| options.seq.is_none_or(|seq| seq == *run));
    flags.extend(chosen.map(|run| paths.sequence_file(run, None, "closed")));
    flags.retain(|flag| flag.exists());
    let names: Vec<String> = flags.iter().map(|flag| flag.display().to_string()).collect();
    if names.is_empty() {
        return Ok(names);
    }
    let entry = NewAction {
        date: paths.date,
        prod_id: &paths.prod_id,
        author: &request.by,
        process: &request.author,
        action: "reopen",
        plan: &json!({ "seq": options.seq, "flags": names }),
    };
    let line = engine.store.begin_action(&entry, request.now).await?;
    for flag in &flags {
        std::fs::remove_file(flag).map_err(CloseError::file("remove", flag))?;
    }
    let outcome = ActionOutcome { success: true, message: "reopened".into() };
    engine.store.end_action(line, &outcome, request.now).await?;
    Ok(names)
}
