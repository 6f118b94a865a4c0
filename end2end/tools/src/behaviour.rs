//! How long a tool takes, what it costs, and whether it fails.

use std::time::{Duration, Instant};

use clap::ArgMatches;

use crate::failure::{Failure, Kind};

/// What the rules ask of one call.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Behaviour {
    /// How long it takes, in seconds.
    pub seconds: f64,
    /// Whether it computes all that time instead of sleeping.
    pub cpu: bool,
    /// How much memory it holds meanwhile, in MB.
    pub memory: usize,
    /// Least size of each product, in bytes.
    pub bytes: usize,
    /// How it fails.
    pub fail: Option<Kind>,
    /// The return code of a failure, if not the real one.
    pub rc: Option<u8>,
    /// Whether it never ends.
    pub hang: bool,
    /// The version of lstchain, which names directories.
    pub version: Option<String>,
    /// What the database says of the calibration box's filters.
    pub filters: Option<String>,
}

impl Behaviour {
    /// The failure that comes before anything is written. Filters that are given by hand need not
    /// be looked up.
    pub fn early_failure(&self, options: &ArgMatches) -> Option<Failure> {
        let given = matches!(options.try_get_one::<String>("filters"), Ok(Some(_)));
        let kind = self.fail.filter(|kind| kind.is_early())?;
        (kind != Kind::Filters || !given).then(|| kind.failure(self.rc))
    }

    /// The failure that comes after half the work.
    pub fn late_failure(&self) -> Option<Failure> {
        self.fail.filter(|kind| !kind.is_early()).map(|kind| kind.failure(self.rc))
    }

    /// Takes the time and the memory that it is to take.
    pub fn take_time(&self) {
        let memory = vec![1_u8; self.memory << 20];
        let end = Instant::now() + Duration::from_secs_f64(self.seconds);
        while self.cpu && Instant::now() < end {
            std::hint::black_box(&memory);
        }
        while self.hang || Instant::now() < end {
            let left = end.saturating_duration_since(Instant::now());
            std::thread::sleep(if self.hang { Duration::from_secs(3600) } else { left });
        }
        std::hint::black_box(memory);
    }

    /// The version of lstchain: `version=` of the rules, else `$STANDIN_VERSION`, else v0.10.18.
    pub fn version(&self) -> String {
        let environment = || std::env::var("STANDIN_VERSION").ok().filter(|v| !v.is_empty());
        self.version.clone().or_else(environment).unwrap_or_else(|| "v0.10.18".into())
    }
}
