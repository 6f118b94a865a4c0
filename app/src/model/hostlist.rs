//! Lists of nodes as Slurm writes them: `cp01,cp[03-05]`.

use super::IdError;

/// Longer lists are refused.
const LONGEST: usize = 1000;

/// A list of nodes, as it is given to `sbatch --exclude`; the names are checked by Slurm.
///
/// # Errors
/// It holds characters that no list of nodes has, or its brackets do not pair.
pub fn hostlist(text: &str) -> Result<String, IdError> {
    let text = text.trim();
    let wrong = || IdError { text: text.to_owned(), expected: "nodes such as cp01,cp[03-05]" };
    let good = |c: char| c.is_ascii_alphanumeric() || "-_.,[]".contains(c);
    let mut open = false;
    let paired = text.chars().all(|c| match c {
        '[' => !std::mem::replace(&mut open, true),
        ']' => std::mem::replace(&mut open, false),
        c => good(c),
    });
    // What begins with a dash could be taken for an option.
    let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
    let whole = paired && !open && begins && text.len() <= LONGEST;
    whole.then(|| text.to_owned()).ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_lists_of_nodes_are_taken() {
        for good in ["cp01", "cp01,cp02", "cp[01-04,07],gpu-1.lst"] {
            assert_eq!(hostlist(good).as_deref(), Ok(good));
        }
        for bad in
            ["", "-x", "cp01 cp02", "cp[01", "cp]01[", "cp[[1]]", "cp;rm", "$(x)", "cp\n", "ü"]
        {
            assert_eq!(hostlist(bad).is_ok(), bad == "cp\n", "{bad:?}");
        }
        assert!(hostlist(&"a".repeat(1001)).is_err());
    }
}
