//! Names of output files: `%` patterns (`man sbatch`, "filename pattern").

/// What the patterns stand for.
#[derive(Clone, Debug)]
pub struct Names<'a> {
    /// `%A` and `%j`: the job's number.
    pub job: u64,
    /// `%a`: the index in the array. A job that is no array has Slurm's 4294967294.
    pub task: Option<u32>,
    /// `%x`: the job's name.
    pub name: &'a str,
    /// `%u`: the user's name.
    pub user: &'a str,
    /// `%N`: the machine's short name.
    pub host: &'a str,
}

/// What `%a` is outside an array (Slurm's `NO_VAL`).
const NO_TASK: u32 = 4_294_967_294;

/// Replaces `%A %a %j %x %u %N %n %t %s %%`; digits between (`%4a`) pad numbers with zeros. A
/// pattern with a backslash is taken as it stands, without the backslashes; letters that mean
/// nothing stay.
pub fn expand(pattern: &str, names: &Names<'_>) -> String {
    if pattern.contains('\\') {
        return pattern.replace('\\', "");
    }
    let mut out = String::with_capacity(pattern.len() + 16);
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once('%') {
        out.push_str(before);
        let digits = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (width, tail) = after.split_at(digits);
        let width = width.parse().unwrap_or(0).min(10);
        let mut letters = tail.chars();
        let number = |n: u64| format!("{n:0width$}");
        let text = match letters.next() {
            Some('A' | 'j') => number(names.job),
            Some('a') => number(names.task.unwrap_or(NO_TASK).into()),
            Some('n' | 't') => number(0),
            Some('x') => names.name.to_owned(),
            Some('u') => names.user.to_owned(),
            Some('N') => names.host.to_owned(),
            Some('s') => "batch".to_owned(),
            Some('%') if digits == 0 => "%".to_owned(),
            _ => {
                out.push('%');
                rest = after;
                continue;
            }
        };
        out.push_str(&text);
        rest = letters.as_str();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn names(task: Option<u32>) -> Names<'static> {
        Names { job: 34_567_001, task, name: "LST1_19102", user: "lst", host: "cp02" }
    }

    #[test]
    fn patterns_become_file_names() {
        let expand = |pattern| expand(pattern, &names(Some(3)));
        assert_eq!(expand("log/Run19102.%4a_jobid_%A.out"), "log/Run19102.0003_jobid_34567001.out");
        assert_eq!(expand("%x-%j-%u@%N.%s"), "LST1_19102-34567001-lst@cp02.batch");
        assert_eq!(expand("%%A 100% %q %99a"), "%A 100% %q 0000000003");
        assert_eq!(expand("a\\%A"), "a%A");
        assert_eq!(super::expand("%a", &names(None)), "4294967294");
    }

    proptest! {
        #[test]
        fn no_pattern_makes_it_panic(pattern in ".*", task in proptest::option::of(any::<u32>())) {
            let _ = expand(&pattern, &names(task));
        }

        #[test]
        fn text_without_patterns_stays(text in "[^%\\\\]*") {
            prop_assert_eq!(expand(&text, &names(Some(1))), text);
        }
    }
}
