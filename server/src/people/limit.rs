//! How often a sign-in may be tried.
//!
//! Whoever guesses is stopped, and nobody else: a limit for a name alone would let strangers lock its user
//! out. So attempts are refused by name and source together, and by address; by name alone they are only
//! made to wait a little. A browser in which the user has signed in before is a source of its own.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use crate::store::people::Attempts;

/// For how long an attempt counts.
pub const WINDOW: TimeDelta = TimeDelta::minutes(15);

/// How many attempts may fail within [`WINDOW`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// For one name from one source.
    pub both: usize,
    /// From one address: more, since an institute may show one address for all its people.
    pub address: usize,
    /// For one name, from everywhere, before further ones are delayed.
    pub name: usize,
    /// How much longer each further one for that name is delayed than the one before.
    pub delay: Duration,
}

/// Whose an attempt is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Anybody's, from an address.
    Address,
    /// The user's own browser or session.
    Known,
}

/// However many fail for a name, an attempt is delayed by no more than so many steps.
const MOST_STEPS: u32 = 20;

impl Default for Limit {
    fn default() -> Self {
        Self { both: 6, address: 30, name: 30, delay: Duration::from_millis(250) }
    }
}

impl Limit {
    /// Whether another attempt may be made now, and after which delay.
    ///
    /// # Errors
    /// How long to wait.
    pub fn allow(
        self,
        earlier: &Attempts,
        origin: Origin,
        now: DateTime<Utc>,
    ) -> Result<Duration, TimeDelta> {
        let wait = |times: &[DateTime<Utc>], most: usize| {
            // Whenever the oldest of the last `most` has gone, there is room for one.
            let oldest = times.len().checked_sub(most).and_then(|gone| times.get(gone))?;
            Some(*oldest + WINDOW - now).filter(|left| *left > TimeDelta::zero())
        };
        let both = wait(&earlier.both, self.both);
        if origin == Origin::Known {
            return both.map_or(Ok(Duration::ZERO), Err);
        }
        let refusal = both.max(wait(&earlier.source, self.address));
        let steps = earlier.name.len().saturating_sub(self.name);
        let steps = u32::try_from(steps).unwrap_or(MOST_STEPS).min(MOST_STEPS);
        refusal.map_or(Ok(self.delay * steps), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { both: 2, address: 3, name: 4, delay: Duration::from_secs(1) };

    fn minute(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn allow(both: &[i64], source: &[i64], now: i64) -> Result<Duration, i64> {
        let times = |minutes: &[i64]| minutes.iter().map(|m| minute(*m)).collect();
        let earlier = Attempts { both: times(both), name: times(both), source: times(source) };
        let allowed = LIMIT.allow(&earlier, Origin::Address, minute(now));
        allowed.map_err(|left| left.num_minutes())
    }

    #[test]
    fn after_so_many_failures_one_waits_for_the_oldest_to_be_forgotten() {
        let at_once = Ok(Duration::ZERO);
        assert_eq!(allow(&[], &[], 0), at_once);
        assert_eq!(allow(&[0], &[0], 1), at_once);
        assert_eq!(allow(&[0, 1], &[0, 1], 1), Err(14));
        assert_eq!(allow(&[0, 1], &[0, 1], 15), at_once);
        assert_eq!(allow(&[0, 1, 2], &[], 15), Err(1));
        assert_eq!(allow(&[], &[0, 1, 2], 2), Err(13));
    }

    #[test]
    fn what_others_get_wrong_under_a_name_delays_and_refuses_nobody() {
        let earlier = |failed| Attempts { name: vec![minute(0); failed], ..Attempts::default() };
        let delay = |failed| LIMIT.allow(&earlier(failed), Origin::Address, minute(0)).unwrap();
        assert_eq!([0, 4, 5, 7, 10_000].map(delay).map(|delay| delay.as_secs()), [0, 0, 1, 3, 20]);
    }

    #[test]
    fn a_known_browser_waits_only_for_itself() {
        let of_others = Attempts {
            both: vec![minute(0)],
            name: vec![minute(0); 1000],
            source: vec![minute(0); 1000],
        };
        let known = |earlier| LIMIT.allow(earlier, Origin::Known, minute(1));
        assert_eq!(known(&of_others), Ok(Duration::ZERO));
        let own = Attempts { both: vec![minute(0); 2], ..Attempts::default() };
        assert_eq!(known(&own), Err(TimeDelta::minutes(14)));
    }
}
