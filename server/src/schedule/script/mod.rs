//! `#SBATCH` directives of a job script (`man sbatch`): what a script asks of the scheduler.
//!
//! Directives stand in comment lines before the first command. Blanks separate options, quotes and
//! backslashes protect them, and an unprotected `#` begins a comment.

mod line;
mod pattern;
mod values;

use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::hint::Hint;
use crate::input_file;

pub use pattern::{Names, expand};
pub use values::{Array, MAX_TASKS, memory_bytes, time_limit};

/// A script that cannot be submitted as it stands.
#[derive(Debug, thiserror::Error)]
pub enum ScriptError {
    /// The file cannot be read.
    #[error("cannot read the job script {}: {cause}", file.display())]
    Read {
        /// The script.
        file: PathBuf,
        /// Why not.
        #[source]
        cause: std::io::Error,
    },
    /// It does not begin with `#!`, or a directive is wrong.
    #[error("{}:{line}: {problem}", file.display())]
    Directive {
        /// The script.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong, and what would be right.
        problem: String,
    },
}

impl Hint for ScriptError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::Read { cause, .. } => cause.hint(),
            Self::Directive { .. } => Some(
                "correct this line of the job script, or launch again to write it again".into(),
            ),
        }
    }
}

/// What a script asks for; `None` where it says nothing. A directive given twice counts as last
/// given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Directives {
    /// `--job-name`, `-J`.
    pub job_name: Option<String>,
    /// `--time`, `-t`: the walltime.
    pub time: Option<TimeLimit>,
    /// `--chdir`, `-D`: working directory.
    pub chdir: Option<PathBuf>,
    /// `--output`, `-o`: pattern of the file for standard output (see [`expand`]).
    pub output: Option<String>,
    /// `--error`, `-e`: pattern of the file for standard error; unset, it goes where output goes.
    pub error: Option<String>,
    /// `--array`, `-a`.
    pub array: Option<Array>,
    /// `--partition`, `-p`.
    pub partition: Option<String>,
    /// `--mem-per-cpu`, in bytes.
    pub mem_per_cpu: Option<u64>,
    /// `--cpus-per-task`, `-c`.
    pub cpus_per_task: Option<u32>,
    /// `--account`, `-A`.
    pub account: Option<String>,
    /// `--comment`.
    pub comment: Option<String>,
    /// `--dependency`, `-d`, as written.
    pub dependency: Option<String>,
}

/// How long a task may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TimeLimit {
    /// `UNLIMITED`, `INFINITE`, 0 or -1.
    Unlimited,
    /// This long, to the second (Slurm rounds up to minutes).
    For(Duration),
}

impl Directives {
    /// Reads the directives of a script file.
    pub fn read(file: &Path) -> Result<Self, ScriptError> {
        let text = input_file::read(file, input_file::TEXT_LIMIT)
            .map_err(|cause| ScriptError::Read { file: file.to_owned(), cause })?;
        Self::parse(&String::from_utf8_lossy(&text), file)
    }

    /// Reads the directives of a script; `file` is named in errors.
    pub fn parse(script: &str, file: &Path) -> Result<Self, ScriptError> {
        let wrong = |line: usize, problem: String| ScriptError::Directive {
            file: file.to_owned(),
            line,
            problem,
        };
        if !script.starts_with("#!") {
            let problem = "this is no batch script: its first line must be '#!' and the \
                           interpreter's path, such as '#!/bin/bash'";
            return Err(wrong(1, problem.into()));
        }
        let mut directives = Self::default();
        for (number, text) in script.lines().enumerate() {
            if let Some(rest) = text.strip_prefix("#SBATCH") {
                if rest.starts_with(|c: char| !c.is_whitespace()) {
                    continue; // `#SBATCHX`: a comment
                }
                directives.read_line(rest).map_err(|problem| wrong(number + 1, problem))?;
            } else if !text.trim_start().is_empty() && !text.trim_start().starts_with('#') {
                break; // the first command ends the directives
            }
        }
        Ok(directives)
    }

    fn read_line(&mut self, text: &str) -> Result<(), String> {
        for option in line::options(text)? {
            self.set(&option.name, option.value)?;
        }
        Ok(())
    }

    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        if value.is_empty() {
            return Err(format!("--{name} has no value; write --{name}=VALUE"));
        }
        let explain = |problem: String| format!("--{name}={value}: {problem}");
        match name {
            "job-name" => self.job_name = Some(value),
            "time" => self.time = Some(time_limit(&value).map_err(explain)?),
            "chdir" => self.chdir = Some(value.into()),
            "output" => self.output = Some(value),
            "error" => self.error = Some(value),
            "array" => self.array = Some(value.parse().map_err(explain)?),
            "partition" => self.partition = Some(value),
            "mem-per-cpu" => self.mem_per_cpu = Some(memory_bytes(&value).map_err(explain)?),
            "cpus-per-task" => {
                let count = value.parse().ok().filter(|count| *count > 0);
                let problem = || explain("not a number of processors such as 1".into());
                self.cpus_per_task = Some(count.ok_or_else(problem)?);
            }
            "account" => self.account = Some(value),
            "comment" => self.comment = Some(value),
            "dependency" => self.dependency = Some(value),
            other => {
                return Err(format!("--{other} is not an option that job scripts here can use"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const FILE: &str = "/night/sequence_LST1_19102.sh";

    fn parse(directives: &str) -> Result<Directives, String> {
        let script = format!("#!/bin/bash\n{directives}\necho done\n");
        Directives::parse(&script, Path::new(FILE)).map_err(|error| error.to_string())
    }

    #[test]
    fn a_sequence_script_is_read_whole() {
        let text = "#SBATCH --job-name=LST1_19102\n#SBATCH --time=1:15:00\n\
             #SBATCH --chdir=/analysis/20241128/v0.1.0\n\
             #SBATCH --output=log/Run19102.%4a_jobid_%A.out\n\
             #SBATCH --error=log/Run19102.%4a_jobid_%A.err\n#SBATCH --array=0-5\n\
             #SBATCH --partition=short,long\n#SBATCH --mem-per-cpu=6GB\n\
             #SBATCH --account=dpps --cpus-per-task=2 # as last year";
        let expected = Directives {
            job_name: Some("LST1_19102".into()),
            time: Some(TimeLimit::For(Duration::from_secs(4500))),
            chdir: Some("/analysis/20241128/v0.1.0".into()),
            output: Some("log/Run19102.%4a_jobid_%A.out".into()),
            error: Some("log/Run19102.%4a_jobid_%A.err".into()),
            array: Some("0-5".parse().unwrap()),
            partition: Some("short,long".into()),
            mem_per_cpu: Some(6 << 30),
            cpus_per_task: Some(2),
            account: Some("dpps".into()),
            ..Directives::default()
        };
        assert_eq!(parse(text).unwrap(), expected);
    }

    #[test]
    fn values_may_be_quoted_escaped_or_stand_apart() {
        let read = parse(
            "#SBATCH -J 'BL Lac' --comment=\"two words # no comment\"\n#SBATCH -t5 -D /a\\ b\n\
             #SBATCH --error log/'x y'.err",
        )
        .unwrap();
        assert_eq!(read.job_name.as_deref(), Some("BL Lac"));
        assert_eq!(read.comment.as_deref(), Some("two words # no comment"));
        assert_eq!(read.time, Some(TimeLimit::For(Duration::from_secs(300))));
        assert_eq!(read.chdir.as_deref(), Some(Path::new("/a b")));
        assert_eq!(read.error.as_deref(), Some("log/x y.err"));
    }

    #[test]
    fn directives_end_at_the_first_command() {
        let script = "#!/bin/bash\n# a comment\n\n#SBATCH --account=a\necho\n#SBATCH --account=b\n";
        let read = Directives::parse(script, Path::new(FILE)).unwrap();
        assert_eq!(read.account.as_deref(), Some("a"));
        assert_eq!(parse("##SBATCH --nonsense\n#SBATCHES").unwrap(), Directives::default());
    }

    #[test]
    fn errors_name_file_line_and_remedy() {
        insta::assert_snapshot!(
            [
                parse("\n#SBATCH --tmie=3").unwrap_err(),
                parse("#SBATCH --time=1:75:00").unwrap_err(),
                parse("#SBATCH --partition=short, long").unwrap_err(),
                parse("#SBATCH --job-name='BL Lac").unwrap_err(),
                parse("#SBATCH --array=5-0").unwrap_err(),
                parse("#SBATCH --mem-per-cpu=lots").unwrap_err(),
                parse("#SBATCH --cpus-per-task=0").unwrap_err(),
                parse("#SBATCH --account").unwrap_err(),
                parse("#SBATCH --account=").unwrap_err(),
                Directives::parse("echo", Path::new(FILE)).unwrap_err().to_string(),
                Directives::read(Path::new("/nowhere/a.sh")).unwrap_err().to_string(),
            ]
            .join("\n")
        );
    }

    proptest! {
        #[test]
        fn no_script_makes_the_parser_panic(text in "(#SBATCH [ -~]{0,40}\n){0,3}") {
            let _ = parse(&text);
        }

        #[test]
        fn any_name_survives_quoting(name in "[ -&(-~]{1,30}") {
            let read = parse(&format!("#SBATCH --comment='{}'", name.replace('\\', "\\\\")));
            prop_assert_eq!(read.unwrap().comment, Some(name));
        }
    }
}
