//! What the controller says of itself, which changes so rarely that it is kept for a while.

use std::time::{Duration, Instant};

use tokio::sync::Mutex;

/// For how long an answer is believed; one that did not come is asked for again sooner.
const VALID: Duration = Duration::from_secs(600);
const RETRY: Duration = Duration::from_secs(30);

/// An answer, and when it was given.
#[derive(Debug, Default)]
pub(super) struct Known<T>(Mutex<Option<(Instant, T)>>);

impl<T: Clone> Known<Option<T>> {
    /// The answer that is known, else the one that `ask` gets. Whoever comes meanwhile waits for it.
    pub async fn get<F: Future<Output = Option<T>>>(&self, ask: impl FnOnce() -> F) -> Option<T> {
        let mut known = self.0.lock().await;
        if let Some((when, answer)) = &*known {
            let valid = if answer.is_some() { VALID } else { RETRY };
            if when.elapsed() < valid {
                return answer.clone();
            }
        }
        let answer = ask().await;
        *known = Some((Instant::now(), answer.clone()));
        answer
    }
}

/// The name in the answer of `scontrol show config`: `ClusterName = lst`.
pub(super) fn cluster_name(text: &str) -> Option<String> {
    let mut values = text.lines().filter_map(|line| line.split_once('='));
    let (_, value) = values.find(|(key, _)| key.trim().eq_ignore_ascii_case("ClusterName"))?;
    let value = value.trim();
    (!matches!(value, "" | "(null)")).then(|| value.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cluster_s_name_is_found_among_the_settings() {
        let text = "Configuration data as of 2026-11-22T09:59:00\n\
                    AccountingStorageType   = accounting_storage/slurmdbd\n\
                    ClusterName             = lst\nCommunicationParameters = (null)\n";
        assert_eq!(cluster_name(text).as_deref(), Some("lst"));
        assert_eq!(cluster_name("ClusterName = (null)\n"), None);
        assert_eq!(cluster_name("slurm_load_ctl_conf error\n"), None);
    }

    #[tokio::test]
    async fn an_answer_is_asked_for_once() {
        let known: Known<Option<u8>> = Known::default();
        assert_eq!(known.get(|| async { Some(1) }).await, Some(1));
        assert_eq!(known.get(|| async { Some(2) }).await, Some(1));
    }
}
