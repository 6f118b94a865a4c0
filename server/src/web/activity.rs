//! The activity on a night, from the database.

use std::path::Path;

use chrono::{DateTime, TimeDelta, Utc};

use crate::close;
use crate::model::{AuditEntry, AuditLine, NightActivity};
use crate::night::NightPaths;
use crate::store::{Store, StoreError};

/// Lines of the audit log that a page shows.
const LINES: usize = 12;
/// An action that has not ended after so long has lost its program, even if a process has its number.
const LONGEST: TimeDelta = TimeDelta::days(1);

/// Reads them from the database.
///
/// # Errors
/// They cannot be read.
pub async fn activity(
    store: &Store,
    paths: &NightPaths,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) -> Result<NightActivity, StoreError> {
    let closing = close::progress(store, paths.date, &paths.prod_id).await?;
    let host = nix::unistd::gethostname().unwrap_or_default();
    let here = Here { host: host.to_string_lossy().into_owned(), since, now };
    let mut audit_log = store.audit_log(paths.date, &paths.prod_id).await?;
    let shown = audit_log.split_off(audit_log.len().saturating_sub(LINES));
    let lines = shown.into_iter().rev().map(|entry| line(entry, &here));
    Ok(NightActivity { closing, audit_log: lines.collect() })
}

/// This machine, and the moments that tell whether something still goes on.
struct Here {
    host: String,
    /// When this program was started.
    since: DateTime<Utc>,
    now: DateTime<Utc>,
}

impl Here {
    /// Whether the program that began something (`user@host:pid`) is still at it. Of another
    /// machine's program nothing is known: it is believed for a day.
    fn goes_on(&self, entry: &AuditEntry) -> bool {
        if entry.outcome.is_some() || self.now - entry.begun > LONGEST {
            return false;
        }
        let Some((who, pid)) = entry.process.rsplit_once(':') else { return false };
        let host = who.rsplit_once('@').map_or(who, |(_, host)| host);
        if host != self.host {
            return true;
        }
        match pid.parse::<u32>() {
            Ok(pid) if pid == std::process::id() => entry.begun >= self.since,
            Ok(pid) => Path::new("/proc").join(pid.to_string()).exists(),
            Err(_) => false,
        }
    }
}

fn line(entry: AuditEntry, here: &Here) -> AuditLine {
    let under_way = here.goes_on(&entry);
    let AuditEntry { id, author, action, begun, ended, outcome, .. } = entry;
    AuditLine { id, author, action, begun, ended, outcome, under_way }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{ActionOutcome, Author};

    fn at(minute: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_800_000_000 + 60 * minute, 0).unwrap()
    }

    fn goes_on(process: &str, begun: i64, ended: bool) -> bool {
        let here = Here { host: "cp02".into(), since: at(0), now: at(60) };
        let outcome = ended.then(|| ActionOutcome { success: true, message: String::new() });
        here.goes_on(&AuditEntry {
            id: 1,
            night: "2024-11-28".parse().unwrap(),
            prod_id: "v0.1.0".parse().unwrap(),
            author: Author::Auto,
            process: process.into(),
            action: "close".into(),
            plan: serde_json::Value::Null,
            outcome,
            begun: at(begun),
            ended: None,
        })
    }

    #[test]
    fn what_goes_on_is_distinguished_from_what_broke_off() {
        let me = std::process::id();
        assert!(goes_on(&format!("jane@cp02:{me}"), 5, false));
        assert!(!goes_on(&format!("jane@cp02:{me}"), 5, true), "it has ended");
        assert!(!goes_on(&format!("jane@cp02:{me}"), -5, false), "begun by an earlier program");
        assert!(!goes_on("jane@cp02:4294967295", 5, false), "there is no such process");
        assert!(goes_on("jane@cp01:1", 5, false), "another machine's");
        assert!(!goes_on("jane@cp01:1", -24 * 60, false), "for a day");
        assert!(!goes_on("nonsense", 5, false));
    }
}
