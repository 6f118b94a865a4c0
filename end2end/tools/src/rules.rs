#![doc = include_str!("rules.md")]

use std::hash::{DefaultHasher, Hash, Hasher};
use std::io::Write;
use std::path::{Path, PathBuf};

use crate::behaviour::Behaviour;
use crate::failure::{KINDS, Kind};
use crate::tool::{Tool, is_known};

/// The rules of one file.
#[derive(Debug, Default)]
pub struct Rules {
    file: PathBuf,
    rules: Vec<Rule>,
}

#[derive(Debug)]
struct Rule {
    tool: String,
    subject: String,
    settings: Vec<Setting>,
    times: Option<u64>,
}

#[derive(Clone, Debug, PartialEq)]
enum Setting {
    Seconds(f64, f64),
    Cpu,
    Memory(usize),
    Bytes(usize),
    Fail(Kind),
    Rc(u8),
    Hang,
    Version(String),
    Filters(String),
}

impl Rules {
    /// Reads the rules that hold for a tool called as `called`.
    pub fn find(called: &Path) -> Result<Self, String> {
        let named = std::env::var_os("STANDIN_RULES").filter(|name| !name.is_empty());
        let must_exist = named.is_some();
        let file = match named {
            Some(file) => PathBuf::from(file),
            None => match directory_of(called) {
                Some(dir) => dir.join("standin.rules"),
                None => return Ok(Self::default()),
            },
        };
        match std::fs::read_to_string(&file) {
            Ok(text) => Self::parse(&text, file),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound && !must_exist => {
                Ok(Self::default())
            }
            Err(e) => Err(format!("cannot read the rules {}: {e}", file.display())),
        }
    }

    fn parse(text: &str, file: PathBuf) -> Result<Self, String> {
        let mut rules = Vec::new();
        for (index, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("").trim();
            if line.is_empty() {
                continue;
            }
            let rule = parse_rule(line)
                .map_err(|problem| format!("{}:{}: {problem}", file.display(), index + 1))?;
            rules.push(rule);
        }
        Ok(Self { file, rules })
    }

    /// What they ask of a tool for a subject. Counts this call for rules with `times`.
    pub fn behaviour(&self, tool: Tool, subject: &str) -> Result<Behaviour, String> {
        let mut behaviour = Behaviour::default();
        let matching = |rule: &&Rule| tool.is_called(&rule.tool) && matches(&rule.subject, subject);
        for rule in self.rules.iter().filter(matching) {
            let spent = match rule.times {
                Some(times) => self.count(rule, tool, subject)? > times,
                None => false,
            };
            for setting in &rule.settings {
                setting.apply(&mut behaviour, subject, spent);
            }
        }
        Ok(behaviour)
    }

    /// Counts a call and tells how many there have been: the size of a file, in bytes.
    fn count(&self, rule: &Rule, tool: Tool, subject: &str) -> Result<u64, String> {
        let dir = self.file.with_file_name("standin.state");
        let mut hash = DefaultHasher::new();
        (&rule.tool, &rule.subject, rule.times, format!("{:?}", rule.settings)).hash(&mut hash);
        let safe: String =
            subject.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '.' }).collect();
        let file = dir.join(format!("{}-{safe}-{:016x}", tool.short(), hash.finish()));
        let add_one = || {
            std::fs::create_dir_all(&dir)?;
            let mut counter = std::fs::OpenOptions::new().append(true).create(true).open(&file)?;
            counter.write_all(b".")?;
            Ok(counter.metadata()?.len())
        };
        add_one().map_err(|e: std::io::Error| format!("cannot count in {}: {e}", file.display()))
    }
}

/// The directory of the name a tool was called by: a bare name was found on the PATH.
fn directory_of(called: &Path) -> Option<PathBuf> {
    match called.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => Some(parent.to_owned()),
        _ => {
            let path = std::env::var_os("PATH")?;
            std::env::split_paths(&path).find(|dir| dir.join(called).is_file())
        }
    }
}

fn parse_rule(line: &str) -> Result<Rule, String> {
    let mut words = line.split_whitespace();
    let tool = words.next().unwrap_or_default().to_owned();
    if !is_known(&tool) {
        return Err(format!("{tool:?} is not a tool; write * for all of them"));
    }
    let subject = words.next().ok_or("a subject is missing; write * for all of them")?.to_owned();
    let mut rule = Rule { tool, subject, settings: Vec::new(), times: None };
    for word in words {
        let (key, value) = word.split_once('=').map_or((word, None), |(k, v)| (k, Some(v)));
        if key == "times" {
            rule.times = Some(number(key, value)?);
        } else {
            rule.settings.push(setting(key, value)?);
        }
    }
    if rule.settings.is_empty() {
        return Err("a setting is missing, such as seconds=1".into());
    }
    Ok(rule)
}

fn setting(key: &str, value: Option<&str>) -> Result<Setting, String> {
    let text = || value.filter(|v| !v.is_empty()).ok_or_else(|| format!("{key} needs a value"));
    Ok(match key {
        "seconds" => {
            let (from, to) = text()?.split_once("..").unwrap_or((text()?, text()?));
            Setting::Seconds(duration(from)?, duration(to)?)
        }
        "cpu" if value.is_none() => Setting::Cpu,
        "hang" if value.is_none() => Setting::Hang,
        "memory" => Setting::Memory(number(key, value)?),
        "bytes" => Setting::Bytes(number(key, value)?),
        "rc" => Setting::Rc(number(key, value)?),
        "version" => Setting::Version(text()?.to_owned()),
        "filters" => Setting::Filters(text()?.to_owned()),
        "fail" => {
            let word = text()?;
            let words = || KINDS.map(|(name, _)| name).join(", ");
            let kind = KINDS.iter().find(|(name, _)| *name == word);
            Setting::Fail(kind.ok_or_else(|| format!("fail={word} is none of: {}", words()))?.1)
        }
        _ => return Err(format!("{key:?} is not a setting, or takes no value")),
    })
}

fn number<T: std::str::FromStr>(key: &str, value: Option<&str>) -> Result<T, String> {
    let value = value.unwrap_or_default();
    value.parse().map_err(|_| format!("{key}={value} is not a number that fits"))
}

/// Seconds, at most a year of them.
fn duration(text: &str) -> Result<f64, String> {
    let good = |seconds: &f64| (0.0..=3.2e7).contains(seconds);
    text.parse().ok().filter(good).ok_or_else(|| format!("{text:?} is not a time in seconds"))
}

impl Setting {
    /// Sets it; a failure whose times are spent is none.
    fn apply(&self, behaviour: &mut Behaviour, subject: &str, spent: bool) {
        match self {
            Self::Seconds(from, to) => {
                behaviour.seconds = from + (to - from).max(0.0) * share(subject);
            }
            Self::Cpu => behaviour.cpu = true,
            Self::Memory(megabytes) => behaviour.memory = *megabytes,
            Self::Bytes(bytes) => behaviour.bytes = *bytes,
            Self::Fail(_) | Self::Hang if spent => {}
            Self::Fail(kind) => behaviour.fail = Some(*kind),
            Self::Hang => behaviour.hang = true,
            Self::Rc(rc) => behaviour.rc = Some(*rc),
            Self::Version(version) => behaviour.version = Some(version.clone()),
            Self::Filters(filters) => behaviour.filters = Some(filters.clone()),
        }
    }
}

/// A number from 0 to 1 that is always the same for a subject.
fn share(subject: &str) -> f64 {
    let mut hash = DefaultHasher::new();
    subject.hash(&mut hash);
    let thousandth = u16::try_from(hash.finish() % 1001).unwrap_or(0);
    f64::from(thousandth) / 1000.0
}

/// Whether a text fits a pattern with `*` and `?`.
pub fn matches(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) =
        (pattern.chars().collect(), text.chars().collect());
    let (mut p, mut t) = (0, 0);
    let mut star: Option<(usize, usize)> = None;
    while t < text.len() {
        match pattern.get(p) {
            Some('*') => {
                star = Some((p, t));
                p += 1;
            }
            Some(c) if *c == '?' || Some(c) == text.get(t) => {
                p += 1;
                t += 1;
            }
            _ => match star {
                Some((at, from)) => {
                    star = Some((at, from + 1));
                    (p, t) = (at + 1, from + 1);
                }
                None => return false,
            },
        }
    }
    pattern.get(p..).is_some_and(|rest| rest.iter().all(|c| *c == '*'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn rules(text: &str) -> Rules {
        Rules::parse(text, "/nowhere/standin.rules".into()).unwrap()
    }

    #[test]
    fn later_lines_win_setting_by_setting() {
        let rules = rules(
            "* * seconds=0.5 bytes=10 # all\n\n# nothing\nr0_to_dl1 19102.0003 fail=catb rc=3\n\
             lstchain_data_r0_to_dl1 19102.* seconds=2",
        );
        let behaviour = rules.behaviour(Tool::R0ToDl1, "19102.0003").unwrap();
        assert_eq!(behaviour.fail, Some(Kind::CatB));
        assert_eq!(behaviour.rc, Some(3));
        assert!((behaviour.seconds - 2.0).abs() < 1e-9);
        assert_eq!(behaviour.bytes, 10);
        let other = rules.behaviour(Tool::Dl1ab, "19102.0003").unwrap();
        assert_eq!(other.fail, None);
        assert!((other.seconds - 0.5).abs() < 1e-9);
    }

    #[test]
    fn a_failure_with_times_stops_for_each_subject_and_stays_stopped() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("standin.rules");
        let text = "dl1ab 19102.* fail=error times=2";
        for (subject, expected) in [("19102.0000", true), ("19102.0001", true)] {
            for _ in 0..2 {
                let rules = Rules::parse(text, file.clone()).unwrap();
                let behaviour = rules.behaviour(Tool::Dl1ab, subject).unwrap();
                assert_eq!(behaviour.fail.is_some(), expected);
            }
        }
        let rules = Rules::parse(text, file).unwrap();
        assert_eq!(rules.behaviour(Tool::Dl1ab, "19102.0001").unwrap().fail, None);
        assert_eq!(rules.behaviour(Tool::Dl1ab, "19102.0000").unwrap().fail, None);
    }

    #[test]
    fn a_range_gives_a_subject_always_the_same_time_within() {
        let rules = rules("* * seconds=1..3");
        let first = rules.behaviour(Tool::Dl1ab, "19102.0000").unwrap().seconds;
        assert!((1.0..=3.0).contains(&first));
        let again = rules.behaviour(Tool::Dl1ab, "19102.0000").unwrap().seconds;
        assert!((first - again).abs() < 1e-9);
    }

    #[test]
    fn errors_name_the_line_and_what_is_wrong() {
        for (text, problem) in [
            (
                "\nr0 * cpu",
                "/nowhere/standin.rules:2: \"r0\" is not a tool; write * for all of them",
            ),
            ("dl1ab", "/nowhere/standin.rules:1: a subject is missing; write * for all of them"),
            ("dl1ab *", "/nowhere/standin.rules:1: a setting is missing, such as seconds=1"),
            ("* * seconds=soon", "/nowhere/standin.rules:1: \"soon\" is not a time in seconds"),
            (
                "* * times=many cpu",
                "/nowhere/standin.rules:1: times=many is not a number that fits",
            ),
            (
                "* * colour=red",
                "/nowhere/standin.rules:1: \"colour\" is not a setting, or takes no value",
            ),
            ("* * version", "/nowhere/standin.rules:1: version needs a value"),
        ] {
            assert_eq!(Rules::parse(text, "/nowhere/standin.rules".into()).unwrap_err(), problem);
        }
        let unknown = Rules::parse("* * fail=luck", PathBuf::new()).unwrap_err();
        assert!(unknown.contains("error, catb, truncated, drive"), "{unknown}");
    }

    #[test]
    fn patterns_fit_whole_texts() {
        assert!(matches("19102.*", "19102.0003"));
        assert!(matches("*", ""));
        assert!(matches("191?2.*3", "19102.0003"));
        assert!(matches("a*b*c", "a--b-bb-c"));
        assert!(!matches("19102", "19102.0003"));
        assert!(!matches("?", ""));
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,60}(\n\\PC{0,60}){0,3}", subject in ".*") {
            if let Ok(rules) = Rules::parse(&text, PathBuf::new()) {
                prop_assert!(rules.rules.iter().all(|rule| !rule.settings.is_empty()));
            }
            prop_assert!(matches("*", &subject));
            prop_assert!(matches(&subject.replace(['*', '?'], "x"), &subject.replace(['*', '?'], "x")));
        }
    }
}
