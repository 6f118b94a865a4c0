//! Job scripts, compared with the original's and run.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::{Duration, Instant};

use super::script::{ScriptError, ScriptOptions, Work, job_script, write};
use crate::model::{Kind, Sequence, Subrun};
use crate::night::calibration_files;
use crate::schedule::script::Directives;
use crate::status::fixture::Golden;
use crate::testing::executable;

const SCRIPTS: [(u32, &str); 5] = [
    (19101, include_str!("../../tests/golden/scripts/sequence_LST1_19101.py")),
    (19102, include_str!("../../tests/golden/scripts/sequence_LST1_19102.py")),
    (19103, include_str!("../../tests/golden/scripts/sequence_LST1_19103.py")),
    (19104, include_str!("../../tests/golden/scripts/sequence_LST1_19104.py")),
    (19106, include_str!("../../tests/golden/scripts/sequence_LST1_19106.py")),
];

/// The night, a program that writes down how it is called, and the directory where it does.
struct Bench {
    golden: Golden,
    options: ScriptOptions,
    dump: PathBuf,
}

const DUMPER: &str = r#"printf "%s\0" "$@" > "$DUMP/arguments"; env -0 > "$DUMP/environment""#;

impl Bench {
    fn new(golden: Golden, body: &str) -> Self {
        let dump = golden.beside().join("dump");
        fs::create_dir(&dump).unwrap();
        fs::create_dir_all(golden.paths.log_dir()).unwrap();
        let program = golden.beside().join("it's osa");
        executable(&program, body);
        let options =
            ScriptOptions { program, job_path: Vec::new(), no_dl2: false, verbose: false };
        Self { golden, options, dump }
    }

    fn sequence(&self, run: u32) -> Sequence {
        let observation = self.golden.observation();
        observation.sequences.into_iter().find(|sequence| sequence.run.0 == run).unwrap()
    }

    fn text(&self, run: u32) -> String {
        let paths = &self.golden.paths;
        let runs = self.golden.observation().calibration.unwrap();
        let sequence = self.sequence(run);
        let work = match sequence.kind {
            Kind::Calibration => Work::Calibration(runs),
            Kind::Data => Work::Data {
                calibration: calibration_files(paths, runs).unwrap(),
                pedestal_ids: run == 19102,
                subruns: sequence.subrun_ids().collect(),
            },
        };
        job_script(paths, &sequence, &work, &self.options).unwrap()
    }

    /// The script's command, ready to be started for a subrun.
    fn command(&self, run: u32, subrun: Option<u32>) -> Command {
        let script = self.golden.paths.script(self.sequence(run).run);
        write(&script, &self.text(run)).unwrap();
        // Not the script itself: a child forked by a neighbouring test could hold it open.
        let mut command = Command::new("/bin/bash");
        command.arg(script).env_remove("SLURM_ARRAY_TASK_ID").env("DUMP", &self.dump);
        command.current_dir(self.golden.paths.analysis_dir()).stdin(Stdio::null());
        if let Some(subrun) = subrun {
            command.env("SLURM_ARRAY_TASK_ID", subrun.to_string());
        }
        command
    }

    fn run(&self, run: u32, subrun: Option<u32>) -> Output {
        self.command(run, subrun).output().unwrap()
    }

    /// What the program was called with, NUL-separated.
    fn dumped(&self, what: &str) -> Vec<String> {
        let text = fs::read_to_string(self.dump.join(what)).unwrap();
        text.split_terminator('\0').map(ToOwned::to_owned).collect()
    }

    /// A text with the original's paths instead of ours.
    fn as_original(&self, text: &str) -> String {
        let base = self.golden.paths.config.directories.analysis_dir.parent().unwrap().to_owned();
        text.replace(base.to_str().unwrap(), "/fefs/aswg/data/real").replace(
            self.golden.paths.config.file.to_str().unwrap(),
            "/fefs/aswg/data/osa/sequencer.cfg",
        )
    }
}

/// The words of the original's `subprocess.run([...])`, for a subrun.
fn words(python: &str, subrun: u32) -> Vec<String> {
    let list = python.split_once("subprocess.run([").unwrap().1.split_once("])").unwrap().0;
    list.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(|line| {
            let line = line.trim_end_matches(',');
            let (line, formatted) = match line.strip_prefix('f') {
                Some(rest) => (rest, true),
                None => (line, false),
            };
            let text = line.strip_prefix('\'').unwrap().strip_suffix('\'').unwrap();
            assert!(!text.contains('\\') && formatted == text.contains('{'), "{line}");
            text.replace("{subruns:04d}", &format!("{subrun:04}"))
        })
        .collect()
}

#[test]
fn the_arguments_are_the_originals_one_by_one() {
    let bench = Bench::new(Golden::new(), DUMPER);
    for (run, python) in SCRIPTS {
        let subruns = if run == 19101 { vec![None] } else { vec![Some(0), Some(5), Some(123)] };
        for subrun in subruns {
            let output = bench.run(run, subrun);
            assert!(output.status.success(), "{output:?}");
            assert_eq!((&*output.stdout, &*output.stderr), (&b""[..], &b""[..]));
            let ours: Vec<_> =
                bench.dumped("arguments").iter().map(|word| bench.as_original(word)).collect();
            assert_eq!(ours, words(python, subrun.unwrap_or(0)), "run {run}, subrun {subrun:?}");
        }
    }
}

#[test]
fn the_directives_are_the_originals_but_for_the_blank_between_partitions() {
    let bench = Bench::new(Golden::new(), DUMPER);
    let directives = |script: &str| -> Vec<String> {
        let lines = script.lines().filter(|line| line.starts_with("#SBATCH"));
        lines.map(|line| line.replace("short, long", "short,long")).collect()
    };
    for (run, python) in SCRIPTS {
        let ours = bench.as_original(&bench.text(run));
        assert_eq!(directives(&ours), directives(python), "run {run}");
        assert!(!ours.contains("short, long"));
    }
}

#[test]
fn the_environment_has_the_cache_and_a_directory_that_goes_away() {
    let check = r#"[ -d "$NUMBA_CACHE_DIR" ] || exit 3; touch "$NUMBA_CACHE_DIR/used""#;
    let mut bench = Bench::new(Golden::new(), &format!("{DUMPER}; {check}"));
    bench.options.job_path = vec!["/opt/it's lstchain/bin".into(), "/opt/two".into()];
    let (_, python) = SCRIPTS[1];
    assert!(bench.run(19102, Some(0)).status.success());
    let ours = bench.dumped("environment");
    let value = |name: &str| {
        let start = format!("{name}=");
        ours.iter().find_map(|entry| entry.strip_prefix(start.as_str())).unwrap()
    };
    let cache = python.lines().filter_map(|line| line.strip_prefix("os.environ['"));
    let cache: Vec<_> =
        cache.map(|line| line.trim_end_matches('\'').split_once("'] = '").unwrap()).collect();
    assert_eq!(cache.len(), 3);
    for (name, theirs) in cache {
        assert_eq!(value(name), theirs);
    }
    assert!(!Path::new(value("NUMBA_CACHE_DIR")).exists());
    assert!(value("PATH").starts_with("/opt/it's lstchain/bin:/opt/two:"));
}

#[test]
fn names_with_quotes_and_blanks_reach_the_program_as_they_are() {
    let name = "it's a \"night\" of $HOME `id` \\ & #1; * ü";
    let mut bench = Bench::new(Golden::named(name), DUMPER);
    bench.options.verbose = true;
    bench.options.no_dl2 = true;
    let output = bench.run(19102, Some(3));
    assert!(output.status.success(), "{output:?}");
    let ours: Vec<_> = bench.dumped("arguments").iter().map(|w| bench.as_original(w)).collect();
    let mut theirs = words(SCRIPTS[1].1, 3);
    theirs.insert(1, "-v".into());
    theirs.insert(4, "--no-dl2".into());
    assert_eq!(ours, theirs);
    let paths = &bench.golden.paths;
    let text = bench.text(19102);
    let directives = Directives::parse(&text, Path::new("script")).unwrap();
    assert_eq!(directives.chdir, Some(paths.analysis_dir()));
}

#[test]
fn the_programs_exit_status_is_the_jobs() {
    for status in [0, 1, 7, 127, 255] {
        let bench = Bench::new(Golden::new(), &format!("exit {status}"));
        assert_eq!(bench.run(19102, Some(0)).status.code(), Some(status));
    }
}

#[test]
fn without_its_subrun_a_data_script_refuses_to_run() {
    let bench = Bench::new(Golden::new(), DUMPER);
    let output = bench.run(19102, None);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("SLURM_ARRAY_TASK_ID"));
    assert!(!bench.dump.join("arguments").exists());
}

#[test]
fn a_job_that_is_terminated_lets_its_program_write_that_down() {
    let body = r#"trap 'touch "$DUMP/told"; kill $sleeper; exit 9' TERM
sleep 60 & sleeper=$!; printf %s "$NUMBA_CACHE_DIR" > "$DUMP/began.tmp"; mv "$DUMP/began.tmp" "$DUMP/began"
wait; exit 0"#;
    let bench = Bench::new(Golden::new(), body);
    let mut job = bench.command(19102, Some(0)).spawn().unwrap();
    let deadline = Instant::now() + Duration::from_secs(60);
    while !bench.dump.join("began").exists() {
        assert!(Instant::now() < deadline, "the program did not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    let pid = nix::unistd::Pid::from_raw(i32::try_from(job.id()).unwrap());
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).unwrap();
    assert_eq!(job.wait().unwrap().code(), Some(9), "the program's status, not bash's");
    assert!(bench.dump.join("told").exists());
    let cache = fs::read_to_string(bench.dump.join("began")).unwrap();
    assert!(!Path::new(&cache).exists());
}

#[test]
fn a_script_is_written_whole_and_executable() {
    let bench = Bench::new(Golden::new(), DUMPER);
    let script = bench.golden.paths.script(bench.sequence(19102).run);
    fs::write(&script, "old").unwrap();
    write(&script, "new").unwrap();
    assert_eq!(fs::read_to_string(&script).unwrap(), "new");
    assert_eq!(fs::metadata(&script).unwrap().permissions().mode() & 0o777, 0o755);
    let beside = fs::read_dir(bench.golden.paths.analysis_dir()).unwrap().flatten();
    assert!(beside.into_iter().all(|e| !e.file_name().to_string_lossy().starts_with('.')));
    let error = write(Path::new("/nowhere/at/all.sh"), "x").unwrap_err();
    assert!(error.to_string().starts_with("cannot write the job script /nowhere/at/all.sh"));
}

#[test]
fn an_array_leaves_subruns_out() {
    let golden = Golden::new();
    let sequence = golden.observation().sequences.remove(1);
    let runs = golden.observation().calibration.unwrap();
    let options = ScriptOptions {
        program: "/osa".into(),
        job_path: Vec::new(),
        no_dl2: false,
        verbose: false,
    };
    let array = |subruns: &[u32]| {
        let work = Work::Data {
            calibration: calibration_files(&golden.paths, runs).unwrap(),
            pedestal_ids: false,
            subruns: subruns.iter().copied().map(Subrun).collect(),
        };
        let text = job_script(&golden.paths, &sequence, &work, &options).unwrap();
        let line = text.lines().find_map(|line| line.strip_prefix("#SBATCH --array="));
        let array = Directives::parse(&text, Path::new("script")).unwrap().array.unwrap();
        assert_eq!(array.indices().collect::<Vec<_>>(), subruns);
        line.unwrap().to_owned()
    };
    assert_eq!(array(&[0, 1, 2, 3, 4, 5]), "0-5");
    assert_eq!(array(&[0]), "0-0");
    assert_eq!(array(&[0, 1, 3, 5, 6]), "0-1,3,5-6");
    assert_eq!(array(&[4]), "4-4");
}

#[test]
fn a_line_break_cannot_end_a_directive() {
    let mut golden = Golden::new();
    golden.configure(|config| config.slurm.walltime = "1:00:00\n#SBATCH --exclusive".into());
    let sequence = golden.observation().sequences.remove(0);
    let runs = golden.observation().calibration.unwrap();
    let options = ScriptOptions {
        program: "/osa".into(),
        job_path: Vec::new(),
        no_dl2: false,
        verbose: false,
    };
    let error =
        job_script(&golden.paths, &sequence, &Work::Calibration(runs), &options).unwrap_err();
    assert!(matches!(error, ScriptError::LineBreak { directive: "time", .. }), "{error}");
}
