//! The environment of a task: that of whoever submitted, and what Slurm would tell it.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::schedule::script::Array;
use crate::store::local_queue::{Order, TaskKey};

/// Marks the processes of a task, so that they are found when their runner has vanished.
pub(super) const MARK: &str = "OSA_LOCAL_CLAIM";

/// Packs variables as `NAME=value`, each ended by a zero byte; later ones replace earlier ones.
/// What an enclosing Slurm job was told is left out: it is not true of this one.
pub(super) fn pack(
    inherited: impl Iterator<Item = (OsString, OsString)>,
    added: &[(String, String)],
) -> Vec<u8> {
    let replaced = |name: &OsStr| added.iter().any(|(other, _)| OsStr::new(other) == name);
    let stale = |name: &OsStr| {
        name.as_bytes().starts_with(b"SLURM_") && name != "SLURM_CONF" || name == MARK
    };
    let kept = inherited.filter(|(name, _)| !replaced(name) && !stale(name));
    let added = added.iter().map(|(name, value)| (name.into(), value.into()));
    let mut packed = Vec::new();
    for (name, value) in kept.chain(added) {
        packed.extend_from_slice(name.as_bytes());
        packed.push(b'=');
        packed.extend_from_slice(value.as_bytes());
        packed.push(0);
    }
    packed
}

/// Variables packed by [`pack`].
pub(super) fn unpack(packed: &[u8]) -> Vec<(OsString, OsString)> {
    let variables = packed.split(|byte| *byte == 0).filter(|variable| !variable.is_empty());
    let split = |variable: &[u8]| {
        let equals = variable.iter().position(|byte| *byte == b'=')?;
        let (name, value) = (&variable[..equals], &variable[equals + 1..]);
        Some((OsString::from_vec(name.to_vec()), OsString::from_vec(value.to_vec())))
    };
    variables.filter_map(split).collect()
}

/// The variables that Slurm gives a batch task.
pub(super) fn of_task(
    key: TaskKey,
    claim: &str,
    order: &Order,
    host: &str,
) -> Vec<(&'static str, String)> {
    let mut variables = vec![
        (MARK, claim.to_owned()),
        ("SLURM_JOB_ID", key.job.to_string()),
        ("SLURM_JOBID", key.job.to_string()),
        ("SLURM_JOB_NAME", order.name.clone()),
        ("SLURM_SUBMIT_DIR", order.directory.display().to_string()),
        ("SLURM_JOB_NODELIST", host.to_owned()),
        ("SLURMD_NODENAME", host.to_owned()),
        ("SLURM_NNODES", "1".to_owned()),
        ("SLURM_NTASKS", "1".to_owned()),
        ("SLURM_PROCID", "0".to_owned()),
        ("SLURM_CPUS_PER_TASK", order.cpus.to_string()),
        ("SLURM_CPUS_ON_NODE", order.cpus.to_string()),
    ];
    if let Some(bytes) = order.memory_per_cpu {
        variables.push(("SLURM_MEM_PER_CPU", (bytes >> 20).to_string()));
    }
    if let Some(Ok(array)) = order.array.as_ref().map(|text| text.parse::<Array>()) {
        variables.extend([
            ("SLURM_ARRAY_JOB_ID", key.job.to_string()),
            ("SLURM_ARRAY_TASK_ID", key.task.to_string()),
            ("SLURM_ARRAY_TASK_COUNT", array.len().to_string()),
            ("SLURM_ARRAY_TASK_MIN", array.first().to_string()),
            ("SLURM_ARRAY_TASK_MAX", array.last().to_string()),
        ]);
    }
    variables
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_are_inherited_replaced_and_cleared() {
        let inherited = [
            ("PATH", "/bin"),
            ("EMPTY", ""),
            ("MPLBACKEND", "Qt"),
            ("SLURM_ARRAY_TASK_ID", "7"),
            ("SLURM_CONF", "/etc/slurm.conf"),
            ("LINES", "a\nb=c"),
        ];
        let inherited = inherited.into_iter().map(|(name, value)| (name.into(), value.into()));
        let packed = pack(inherited, &[("MPLBACKEND".into(), "Agg".into())]);
        let expected = [
            ("PATH", "/bin"),
            ("EMPTY", ""),
            ("SLURM_CONF", "/etc/slurm.conf"),
            ("LINES", "a\nb=c"),
            ("MPLBACKEND", "Agg"),
        ];
        let expected = expected.map(|(name, value)| (OsString::from(name), OsString::from(value)));
        assert_eq!(unpack(&packed), expected);
    }
}
