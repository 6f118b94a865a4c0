//! What the partitions offer: `sinfo` tells of their nodes, `scontrol` of what they allow.

use std::collections::BTreeMap;

use crate::schedule::PartitionLimits;
use crate::schedule::script::{TimeLimit, memory_bytes, time_limit};

use super::fields::SEPARATOR;

/// `sinfo`'s arguments: partition, longest walltime, a node's memory in megabytes.
pub(super) fn sinfo_arguments() -> Vec<String> {
    let fields = ["%R", "%l", "%m"].join(&SEPARATOR.to_string());
    vec!["--noheader".into(), "--exact".into(), format!("--format={fields}")]
}

/// `scontrol`'s arguments.
pub(super) fn scontrol_arguments() -> Vec<String> {
    ["--oneliner", "show", "partition"].map(Into::into).into()
}

/// The limits by both answers; lines that are not understood set none.
pub(super) fn read(sinfo: &str, scontrol: &str) -> Vec<PartitionLimits> {
    let mut found: BTreeMap<String, PartitionLimits> = BTreeMap::new();
    for line in sinfo.lines() {
        let fields: Vec<&str> = line.split(SEPARATOR).map(str::trim).collect();
        let [name, time, memory] = *fields else { continue };
        let partition = found.entry(name.to_owned()).or_default();
        name.clone_into(&mut partition.name);
        partition.walltime = seconds(time);
        let memory = memory.trim_end_matches('+').parse::<u64>().ok();
        partition.memory =
            partition.memory.max(memory.map(|megabytes| megabytes.saturating_mul(1 << 20)));
    }
    for line in scontrol.lines() {
        let value = |key: &str| {
            let mut words = line.split_whitespace().filter_map(|word| word.split_once('='));
            words.find(|(name, _)| *name == key).map(|(_, value)| value)
        };
        let Some(partition) = value("PartitionName").and_then(|name| found.get_mut(name)) else {
            continue;
        };
        let allowed = ["MaxMemPerNode", "MaxMemPerCPU"];
        // Written in megabytes, or UNLIMITED.
        let allowed = allowed.iter().filter_map(|key| memory_bytes(value(key)?).ok()).min();
        partition.memory = match (partition.memory, allowed) {
            (Some(node), Some(allowed)) => Some(node.min(allowed)),
            (node, allowed) => node.or(allowed),
        };
        partition.walltime = value("MaxTime").and_then(seconds).or(partition.walltime);
    }
    found.into_values().collect()
}

fn seconds(text: &str) -> Option<u64> {
    match time_limit(text).ok()? {
        TimeLimit::Unlimited => None,
        TimeLimit::For(limit) => Some(limit.as_secs()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_node_and_what_is_allowed_are_the_limits() {
        let sinfo = "short|3:00:00|64000\nshort|3:00:00|128000\nlong|infinite|256000+\n???\n";
        let scontrol = "PartitionName=short MaxNodes=UNLIMITED MaxTime=03:00:00 MaxMemPerNode=96000\n\
                        PartitionName=long MaxTime=UNLIMITED MaxMemPerNode=UNLIMITED\n";
        let read = read(&sinfo.replace('|', "\x1f"), scontrol);
        let limits: Vec<_> = read
            .iter()
            .map(|p| (p.name.as_str(), p.walltime, p.memory.map(|bytes| bytes >> 20)))
            .collect();
        assert_eq!(limits, [("long", None, Some(256_000)), ("short", Some(10_800), Some(96_000))]);
        assert!(super::read("", "slurm_load_partitions error").is_empty());
    }
}
