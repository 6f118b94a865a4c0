//! What a scheduler's partitions offer at most.

use std::fmt::Write as _;

use super::script::{TimeLimit, memory_bytes, time_limit};

/// What one partition offers to a job of one processor; `None`: no limit, or not known.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PartitionLimits {
    /// Its name.
    pub name: String,
    /// The longest walltime, in seconds.
    pub walltime: Option<u64>,
    /// The most memory, in bytes: that of its largest node, or what it allows.
    pub memory: Option<u64>,
}

/// Why none of the partitions runs a job with this memory and walltime, which name the limits.
/// Only partitions in `wanted` (`short,long`) count, if any of them is known.
pub fn beyond(
    partitions: &[PartitionLimits],
    wanted: &str,
    memory: Option<&str>,
    walltime: Option<&str>,
) -> Vec<String> {
    let named = |partition: &&PartitionLimits| wanted.split(',').any(|name| name == partition.name);
    let mut offered: Vec<&PartitionLimits> = partitions.iter().filter(named).collect();
    if offered.is_empty() {
        offered = partitions.iter().collect();
    }
    let mut why = Vec::new();
    if let Some((text, bytes)) = memory.and_then(|text| Some((text, memory_bytes(text).ok()?)))
        && let Some(limits) = all_below(&offered, |partition| partition.memory, bytes, size)
    {
        why.push(format!("No partition offers {text} to a job: {limits}."));
    }
    if let Some((text, seconds)) = walltime.and_then(|text| Some((text, seconds(text)?)))
        && let Some(limits) = all_below(&offered, |partition| partition.walltime, seconds, clock)
    {
        why.push(format!("No partition allows a walltime of {text}: {limits}."));
    }
    if why.is_empty()
        && let (Some(memory), Some(walltime)) = (memory, walltime)
    {
        why.extend(none_has_both(&offered, memory, walltime));
    }
    why
}

fn seconds(walltime: &str) -> Option<u64> {
    match time_limit(walltime).ok()? {
        TimeLimit::Unlimited => Some(u64::MAX),
        TimeLimit::For(limit) => Some(limit.as_secs()),
    }
}

/// Where one partition offers the memory and another the time, but none both.
fn none_has_both(partitions: &[&PartitionLimits], memory: &str, walltime: &str) -> Option<String> {
    let (bytes, time) = (memory_bytes(memory).ok()?, seconds(walltime)?);
    let enough = |partition: &PartitionLimits| {
        partition.memory.is_none_or(|limit| limit >= bytes)
            && partition.walltime.is_none_or(|limit| limit >= time)
    };
    if partitions.is_empty() || partitions.iter().any(|partition| enough(partition)) {
        return None;
    }
    let limits = |partition: &&PartitionLimits| {
        let memory = partition.memory.map_or_else(|| "any memory".to_owned(), size);
        let time = partition.walltime.map_or_else(|| "any time".to_owned(), clock);
        format!("{} at most {memory} for {time}", partition.name)
    };
    let limits: Vec<String> = partitions.iter().map(limits).collect();
    Some(format!(
        "No partition offers both {memory} and a walltime of {walltime}: {}.",
        limits.join(", ")
    ))
}

/// The limits of all partitions in words, if each is below what is asked for.
fn all_below(
    partitions: &[&PartitionLimits],
    limit: impl Fn(&PartitionLimits) -> Option<u64>,
    asked: u64,
    show: impl Fn(u64) -> String,
) -> Option<String> {
    let mut text = String::new();
    for partition in partitions {
        let limit = limit(partition).filter(|limit| *limit < asked)?;
        let comma = if text.is_empty() { "" } else { ", " };
        let _ = write!(text, "{comma}{} at most {}", partition.name, show(limit));
    }
    (!text.is_empty()).then_some(text)
}

fn size(bytes: u64) -> String {
    let megabytes = bytes >> 20;
    match megabytes % 1024 {
        0 => format!("{}GB", megabytes / 1024),
        _ => format!("{megabytes}MB"),
    }
}

fn clock(seconds: u64) -> String {
    format!("{}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_partition_offers_is_named_with_the_limits() {
        let partition = |name: &str, hours: Option<u64>, gigabytes: Option<u64>| PartitionLimits {
            name: name.into(),
            walltime: hours.map(|hours| hours * 3600),
            memory: gigabytes.map(|gigabytes| gigabytes << 30),
        };
        let site = [partition("short", Some(3), Some(64)), partition("long", Some(48), Some(128))];
        assert_eq!(
            beyond(&site, "short,long", Some("200GB"), Some("100:00:00")),
            [
                "No partition offers 200GB to a job: short at most 64GB, long at most 128GB.",
                "No partition allows a walltime of 100:00:00: short at most 3:00:00, long at most \
                 48:00:00.",
            ]
        );
        assert_eq!(beyond(&site, "short,long", Some("100GB"), Some("40:00:00")), [""; 0]);
        let crossed =
            [partition("short", Some(3), Some(256)), partition("long", Some(48), Some(64))];
        assert_eq!(
            beyond(&crossed, "short,long", Some("100GB"), Some("40:00:00")),
            ["No partition offers both 100GB and a walltime of 40:00:00: short at most 256GB for \
              3:00:00, long at most 64GB for 48:00:00."]
        );
        assert_eq!(beyond(&crossed, "short,long", Some("100GB"), Some("2:00:00")), [""; 0]);
        assert_eq!(beyond(&site, "short", Some("100GB"), None).len(), 1);
        assert_eq!(
            beyond(&site, "other", Some("128GB"), None),
            [""; 0],
            "Slurm will say so itself"
        );
        assert_eq!(beyond(&site, "long", None, Some("unlimited")).len(), 1);
        let free = [partition("short", None, None)];
        assert_eq!(beyond(&free, "short", Some("900GB"), Some("unlimited")), [""; 0]);
        assert_eq!(beyond(&[], "short", Some("900GB"), None), [""; 0]);
    }
}
