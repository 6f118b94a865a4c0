//! Settings from a file, from variables, and from neither.

use std::fs;

use super::*;
use crate::config::Reading;
use crate::hint::Hint;

fn no_variables(_: &str) -> Option<OsString> {
    None
}

fn read(text: &str, variables: &[(&str, &str)]) -> Result<ServerConfig, ConfigError> {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("osa.toml");
    fs::write(&file, text).unwrap();
    let find = |name: &str| {
        let found = variables.iter().find(|(variable, _)| *variable == name);
        found.map(|(_, value)| OsString::from(value))
    };
    ServerConfig::read(Some(&file), &find)
}

/// The error, without the directory of the file.
fn problem(text: &str, variables: &[(&str, &str)]) -> String {
    let error = read(text, variables).unwrap_err().to_string();
    error.find("osa.toml").map_or(error.clone(), |at| error[at..].to_owned())
}

#[test]
fn without_file_and_variables_there_are_defaults() {
    let server = ServerConfig::read(None, &no_variables).unwrap();
    assert_eq!(server.listen.to_string(), "127.0.0.1:8750");
    assert_eq!((server.prefix.as_str(), server.poll), ("", Duration::from_secs(1)));
    assert_eq!(server.lost_after, Duration::from_secs(60));
    assert_eq!(server.log_format, LogFormat::Text);
    assert_eq!((server.squeue, server.sacct), (Duration::from_secs(5), Duration::from_secs(30)));
    assert_eq!((server.database, server.site), (None, None));
    assert_eq!(server.scheduler, SchedulerKind::Slurm, "whatever is on the PATH");
    assert!(server.local_cpus >= 1 && server.job_path.is_empty());
    let access = &server.access;
    assert_eq!((access.reading, access.demo), (Reading::Open, false));
    assert!(access.origin.is_none() && access.trusted_proxies.is_empty());
    assert_eq!(access.session_idle, Duration::from_secs(8 * 3600));
    assert_eq!(access.session_longest, Duration::from_secs(7 * 86_400));
    assert!(server.origins.values().all(|origin| *origin == Origin::Default));
    assert_eq!(server.origins.len(), KEYS.len());
}

#[test]
fn the_file_sets_everything_and_its_paths_are_relative_to_it() {
    let text = "listen = '0.0.0.0:80'\nprefix = '/osa/'\ndatabase = 'osa.sqlite'\n\
                scheduler = 'local'\npoll_seconds = 0.5\nanalysis_config = '/a/sequencer.cfg'\n\
                job_path = ['bin', '/opt/bin']\nlocal_cpus = 3\nsite = '/usr/share/osa/site'\n";
    let server = read(text, &[]).unwrap();
    let dir = server.file.as_ref().unwrap().parent().unwrap();
    assert_eq!(server.listen.to_string(), "0.0.0.0:80");
    assert_eq!((server.prefix.as_str(), server.poll), ("/osa", Duration::from_millis(500)));
    assert_eq!(server.database, Some(dir.join("osa.sqlite")));
    assert_eq!(server.scheduler, SchedulerKind::Local);
    assert_eq!(server.job_path, [dir.join("bin"), "/opt/bin".into()]);
    assert_eq!(server.local_cpus, 3);
    assert!(server.origins["local_cpus"].to_string().ends_with("osa.toml:8"));
    assert!(server.child_path().to_str().unwrap().starts_with(dir.to_str().unwrap()));
}

#[test]
fn every_setting_is_overridden_by_its_variable() {
    let values = [
        "[::1]:1",
        "/x",
        "/d",
        "slurm",
        "lst",
        "6",
        "40",
        "2",
        "90",
        "/k",
        "/t",
        "/c",
        "/p:/q",
        "7",
        "/s",
        "json",
        "mail:2525",
        "a@b",
        "c@d",
        "true",
        "signed-in",
        "https://Osa.example/",
        "127.0.0.1, ::1",
        "0.5",
        "1",
        "true",
        "true",
        "Osa.example., 2001:db8::0:1",
        "https://Wiki.example, http://localhost:3000",
        "2",
        "50",
        "3",
        "4",
        "5",
        "600",
        "7",
    ];
    let variables: Vec<_> = KEYS.iter().map(|(_, name)| *name).zip(values).collect();
    let text = "listen = '0.0.0.0:80'\nlocal_cpus = 3\nscheduler = 'local'\njob_path = ['/r']\n";
    let server = read(text, &variables).unwrap();
    assert_eq!((server.listen.to_string().as_str(), server.prefix.as_str()), ("[::1]:1", "/x"));
    assert_eq!(server.scheduler, SchedulerKind::Slurm);
    assert_eq!(server.job_path, [Path::new("/p"), Path::new("/q")]);
    assert_eq!((server.local_cpus, server.poll), (7, Duration::from_secs(2)));
    assert_eq!(server.slurm_cluster.as_deref(), Some("lst"));
    assert_eq!((server.squeue, server.sacct), (Duration::from_secs(6), Duration::from_secs(40)));
    assert_eq!(server.lost_after, Duration::from_secs(90));
    assert_eq!(server.known_errors.as_deref(), Some(Path::new("/k")));
    assert_eq!(server.datacheck_thresholds.as_deref(), Some(Path::new("/t")));
    assert_eq!(server.analysis_config.as_deref(), Some(Path::new("/c")));
    assert_eq!(server.log_format, LogFormat::Json);
    assert_eq!(server.mail_host, Some(("mail".into(), 2525)));
    assert_eq!(
        (server.mail_from.as_deref(), server.mail_to.as_deref()),
        (Some("a@b"), Some("c@d"))
    );
    assert!(server.autoclose);
    let access = &server.access;
    assert_eq!((access.reading, access.demo), (Reading::SignedIn, true));
    assert_eq!(access.origin.as_deref(), Some("https://osa.example"));
    assert_eq!(access.trusted_proxies.len(), 2);
    assert_eq!(access.session_idle, Duration::from_secs(1800));
    assert!(access.demo_public);
    assert_eq!(access.hosts, ["osa.example", "2001:db8::1"]);
    assert_eq!(access.cors_origins, ["https://wiki.example", "http://localhost:3000"]);
    assert_eq!(access.hsts, Some(Duration::from_secs(2 * 86_400)));
    assert_eq!(server.least_free_mb, 50);
    let connections = server.connections;
    let times = [connections.head, connections.body, connections.idle].map(|time| time.as_secs());
    assert_eq!(times, [3, 4, 5]);
    assert_eq!((connections.pending, connections.pending_per_client), (600, 7));
    for (key, variable) in KEYS {
        assert_eq!(server.origins[key], Origin::Variable(variable));
    }
}

#[test]
fn an_empty_variable_is_none_but_an_empty_prefix_is_one() {
    let text = "prefix = '/osa'\nlocal_cpus = 3\n";
    let server = read(text, &[("OSA_PREFIX", ""), ("OSA_LOCAL_CPUS", "")]).unwrap();
    assert_eq!((server.prefix.as_str(), server.local_cpus), ("", 3));
}

#[test]
fn every_fault_names_file_and_line_or_variable() {
    insta::assert_snapshot!(
        [
            problem("\nlisten = 'x'\n", &[]),
            problem("listen = true\n", &[]),
            problem("listen = ['127.0.0.1:1', '127.0.0.1:2']\n", &[]),
            problem("# a comment\nlissten = '127.0.0.1:1'\n", &[]),
            problem("[server]\nlisten = '127.0.0.1:1'\n", &[]),
            problem("listen = '127.0.0.1:1\n", &[]),
            problem("prefix = 'osa'\n", &[]),
            problem("prefix = '/a/../b'\n", &[]),
            problem("scheduler = 'pbs'\n", &[]),
            problem("scheduler = 'auto'\n", &[]),
            problem("slurm_cluster = 'a,b'\n", &[]),
            problem("squeue_seconds = 0\n", &[]),
            problem("poll_seconds = 0\n", &[]),
            problem("local_cpus = 0\n", &[]),
            problem("job_path = ['/a:b']\n", &[]),
            problem("job_path = [1]\n", &[]),
            problem("database = ''\n", &[]),
            problem("log_format = 'xml'\n", &[]),
            problem("mail_host = 'a b'\n", &[]),
            problem("mail_to = 'shifters'\n", &[]),
            problem("autoclose = 'perhaps'\n", &[]),
            problem("reading = 'closed'\n", &[]),
            problem("origin = 'osa.example.org'\n", &[]),
            problem("trusted_proxies = ['10.0.0.0/99']\n", &[]),
            problem("session_idle_hours = 0\n", &[]),
            problem("session_days = 'long'\n", &[]),
            problem("demo = 'maybe'\n", &[]),
            problem("hosts = ['osa.example:80']\n", &[]),
            problem("cors_origins = ['*']\n", &[]),
            problem("request_head_seconds = 0\n", &[]),
            problem("pending_connections = 0\n", &[]),
            problem("", &[("OSA_LISTEN", "8750")]),
            problem("", &[("OSA_POLL_SECONDS", "NaN")]),
            problem("", &[("OSA_LOG_FORMAT", "JSON")]),
        ]
        .join("\n")
    );
}

#[test]
fn a_named_file_that_is_missing_is_an_error() {
    let error = ServerConfig::read(Some(Path::new("/nowhere/osa.toml")), &no_variables);
    let error = error.unwrap_err();
    assert!(error.to_string().contains("/nowhere/osa.toml"), "{error}");
    assert!(error.hint().unwrap().contains("OSA_TOML"));
}

#[test]
fn the_documented_file_is_all_defaults() {
    let documented = include_str!("../../../../configs/osa.toml");
    let server = read(documented, &[]).unwrap();
    assert!(server.origins.values().all(|origin| *origin == Origin::Default));
    // With every setting switched on it still is a good file, and leaves none out.
    let is_setting = |line: &&str| line.starts_with('#') && !line.starts_with("# ") && *line != "#";
    let on: Vec<&str> = documented.lines().filter(is_setting).map(|line| &line[1..]).collect();
    let server = read(&on.join("\n"), &[]).unwrap();
    assert!(server.origins.values().all(|origin| matches!(origin, Origin::File { .. })));
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "[a-z_=' \n0-9.:/\\[\\]]{0,80}") {
        let _ = read(&text, &[]);
    }
}
