//! How often a sign-in may be tried.

use chrono::{DateTime, TimeDelta, Utc};

use crate::store::people::Attempts;

/// For how long an attempt counts.
pub const WINDOW: TimeDelta = TimeDelta::minutes(15);

/// How many attempts may fail within [`WINDOW`]. The second is larger: an institute may show one
/// address for all its people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limit {
    /// For one name.
    pub name: usize,
    /// From one address.
    pub address: usize,
}

impl Default for Limit {
    fn default() -> Self {
        Self { name: 6, address: 30 }
    }
}

impl Limit {
    /// Whether another attempt may be made now.
    ///
    /// # Errors
    /// How long to wait.
    pub fn allow(self, earlier: &Attempts, now: DateTime<Utc>) -> Result<(), TimeDelta> {
        let wait = |times: &[DateTime<Utc>], most: usize| {
            // Whenever the oldest of the last `most` has gone, there is room for one.
            let oldest = times.len().checked_sub(most).and_then(|gone| times.get(gone))?;
            Some(*oldest + WINDOW - now).filter(|left| *left > TimeDelta::zero())
        };
        let name = wait(&earlier.name, self.name);
        let address = wait(&earlier.address, self.address);
        name.max(address).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_so_many_failures_one_waits_for_the_oldest_to_be_forgotten() {
        let begin = DateTime::UNIX_EPOCH;
        let minute = |minutes| begin + TimeDelta::minutes(minutes);
        let limit = Limit { name: 2, address: 3 };
        let allow = |name: &[i64], address: &[i64], now| {
            let times = |minutes: &[i64]| minutes.iter().map(|m| minute(*m)).collect();
            let earlier = Attempts { name: times(name), address: times(address) };
            limit.allow(&earlier, minute(now)).map_err(|left| left.num_minutes())
        };
        assert_eq!(allow(&[], &[], 0), Ok(()));
        assert_eq!(allow(&[0], &[0], 1), Ok(()));
        assert_eq!(allow(&[0, 1], &[0, 1], 1), Err(14));
        assert_eq!(allow(&[0, 1], &[0, 1], 15), Ok(()));
        assert_eq!(allow(&[0, 1, 2], &[], 15), Err(1));
        assert_eq!(allow(&[], &[0, 1, 2], 2), Err(13));
    }
}
