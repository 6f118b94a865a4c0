//! Which of the caller's variables reach Slurm's commands.
//!
//! Most of Slurm's own variables are options in disguise: `SBATCH_PARTITION` overrides a script's
//! directive, `SQUEUE_FORMAT` and `SLURM_TIME_FORMAT` change the form of an answer, `SLURM_CLUSTERS`
//! asks another cluster. A shell that is itself a job has dozens of them.

/// Variables whose names begin so are Slurm's.
const SLURMS: [&str; 7] =
    ["SLURM_", "SBATCH_", "SQUEUE_", "SACCT_", "SCANCEL_", "SCONTROL_", "SINFO_"];

/// Those of them that tell how to reach the controller, and who we are.
const NEEDED: [&str; 5] =
    ["SLURM_CONF", "SLURM_CONF_SERVER", "SLURM_JWT", "SLURM_SACK_KEY", "SLURM_SACK_JWKS"];

/// Does this variable reach Slurm's commands?
pub(super) fn is_passed(name: &str) -> bool {
    NEEDED.contains(&name) || !SLURMS.iter().any(|prefix| name.starts_with(prefix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_in_disguise_are_hidden_from_slurm() {
        for name in ["PATH", "HOME", "SLURM_CONF", "SLURM_JWT", "MPLBACKEND", "SLURMX"] {
            assert!(is_passed(name), "{name}");
        }
        for name in [
            "SBATCH_PARTITION",
            "SLURM_CLUSTERS",
            "SLURM_JOB_ID",
            "SLURM_TIME_FORMAT",
            "SLURM_MEM_PER_NODE",
            "SQUEUE_FORMAT",
            "SACCT_FORMAT",
        ] {
            assert!(!is_passed(name), "{name}");
        }
    }
}
