//! Productions named after a version of lstchain, compared as versions: `v0.9.12` is before
//! `v0.10.2`, and `v0.10.18rc1` before `v0.10.18`.

use std::cmp::Ordering;

/// A production's name read as a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Version {
    /// Major, minor, patch and so on; at least the first two.
    release: Vec<u64>,
    /// What follows: `rc1`, `.dev3+g1a2b`, `.post1`; usually nothing.
    suffix: String,
}

impl Version {
    /// Reads `vX.Y…`; `None` if the name is none.
    pub fn parse(name: &str) -> Option<Self> {
        let text = name.strip_prefix('v')?;
        let mut release = Vec::new();
        let mut rest = text;
        loop {
            let end = rest.find(|c: char| !c.is_ascii_digit()).unwrap_or(rest.len());
            release.push(rest[..end].parse().ok()?);
            rest = &rest[end..];
            match rest.strip_prefix('.') {
                Some(next) if next.starts_with(|c: char| c.is_ascii_digit()) => rest = next,
                _ => break,
            }
        }
        (release.len() >= 2).then(|| Self { release, suffix: rest.to_owned() })
    }

    /// Whether two productions are of the same major version in the sense of lstchain: `vX.Y`.
    pub fn same_major(&self, other: &Self) -> bool {
        self.release[..2] == other.release[..2]
    }

    /// Whether it comes before (-1), is (0), or comes after (1) the release itself.
    fn rank(&self) -> i8 {
        match self.suffix.trim_start_matches(['.', '-', '_']) {
            "" => 0,
            text if text.starts_with("post") || text.starts_with('+') => 1,
            _ => -1,
        }
    }
}

impl Ord for Version {
    fn cmp(&self, other: &Self) -> Ordering {
        self.release
            .cmp(&other.release)
            .then(self.rank().cmp(&other.rank()))
            .then_with(|| numbers(&self.suffix).cmp(&numbers(&other.suffix)))
            .then_with(|| self.suffix.cmp(&other.suffix))
    }
}

impl PartialOrd for Version {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The numbers in a text, so that `rc10` comes after `rc9`.
fn numbers(text: &str) -> Vec<u64> {
    let digits = text.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty());
    digits.map(|part| part.parse().unwrap_or(u64::MAX)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn versions_are_compared_as_versions() {
        let order = [
            "v0.9.12",
            "v0.10.2",
            "v0.10.18.dev3",
            "v0.10.18rc9",
            "v0.10.18rc10",
            "v0.10.18",
            "v0.10.18.post1",
            "v0.11.0",
            "v1.0",
        ];
        for pair in order.windows(2) {
            let [low, high] = [pair[0], pair[1]].map(|name| Version::parse(name).unwrap());
            assert!(low < high, "{pair:?}");
        }
    }

    #[test]
    fn the_same_major_version_is_two_whole_numbers() {
        let same = |a, b| Version::parse(a).unwrap().same_major(&Version::parse(b).unwrap());
        assert!(same("v0.1.0", "v0.1.7"));
        assert!(!same("v0.1.0", "v0.10.18"));
    }

    #[test]
    fn other_names_are_no_versions() {
        for name in ["", "v", "pro", "0.1.0", "v1", "v.1", "vx.1", "v99999999999999999999.1"] {
            assert_eq!(Version::parse(name), None, "{name}");
        }
    }

    proptest! {
        #[test]
        fn no_name_makes_it_panic(name in "v?.*") {
            let _ = Version::parse(&name);
        }
    }
}
