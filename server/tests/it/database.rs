//! The database of a site: one, whatever becomes of its file, and no obstacle for those who only look.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::support::{CommandOutput, FakeSlurm, TestCommand, TestServer, TestSite, until};

/// Somebody who may not write to a site's database or its directory.
struct Stranger<'a>(&'a TestSite);

/// Whom root's tests run as then.
const NOBODY: u32 = 65_534;

impl<'a> Stranger<'a> {
    /// Lets others into the site, but for its database.
    fn of(site: &'a TestSite) -> Self {
        mode(site.dir(), 0o755);
        Self(site)
    }

    /// Runs a command for the golden night where the database has these permissions for others.
    fn run(&self, database: u32, command: TestCommand) -> CommandOutput {
        let (file, dir) = (self.0.database(), self.0.path("OSA"));
        let root = nix::unistd::geteuid().is_root();
        // Root may do anything; others are strangers to a file that they have shut to themselves.
        let permissions = if root { 0o600 | database } else { database << 6 | database };
        // SQLite gives its log those of the database; a command that ended in haste leaves it there.
        for ending in ["", "-wal", "-shm"] {
            let part = PathBuf::from(format!("{}{ending}", file.display()));
            if part.exists() {
                mode(&part, permissions);
            }
        }
        mode(&dir, if root { 0o755 } else { 0o555 });
        if let Some(slurm) = self.0.slurm_if_any() {
            open_to_all(slurm.dir());
        }
        let said = if root { command.by_user(NOBODY).run() } else { command.run() };
        mode(&dir, 0o755);
        mode(&file, 0o600);
        said
    }
}

fn mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Lets everybody write to everything in a directory.
fn open_to_all(dir: &Path) {
    mode(dir, 0o777);
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        match path.symlink_metadata().unwrap() {
            found if found.is_dir() => open_to_all(&path),
            found if found.is_file() => mode(&path, found.permissions().mode() | 0o666),
            _ => {}
        }
    }
}

/// The golden night of which nothing is done, on a Slurm that holds its jobs.
fn fresh() -> TestSite {
    TestSite::fresh().with_slurm(FakeSlurm::holding())
}

const SHUT: u32 = 0;
const READABLE: u32 = 0o4;

#[test]
fn another_account_gets_the_table_with_a_warning() {
    let site = fresh();
    site.sequencer(&[]).succeeds();
    let ours = site.sequencer(&["-s"]).succeeds();
    let stranger = Stranger::of(&site);

    let read = stranger.run(READABLE, site.night_command("sequencer", &["-s"])).succeeds();
    assert_eq!(read.out_at_golden_time(), ours.out_at_golden_time());
    assert!(!read.err.contains("database"), "{}", read.err);
    let shut = stranger.run(SHUT, site.night_command("sequencer", &["-s"])).succeeds();
    assert_eq!(shut.out_at_golden_time(), ours.out_at_golden_time());
    assert!(shut.err.contains("warning: this user may not read the database "), "{}", shut.err);
    assert!(shut.err.contains("database_group"), "{}", shut.err);
    let local = site.night_command("sequencer", &["-s"]).env("OSA_SCHEDULER", "local");
    let local = stranger.run(SHUT, local).succeeds();
    assert!(local.err.contains("may not read the database "), "{}", local.err);
    let json = stranger.run(SHUT, site.night_command("sequencer", &["-s", "--json"])).succeeds();
    assert!(json.out.contains("this user may not read the database"), "{}", json.out);
}

#[test]
fn reading_needs_no_right_to_write() {
    let site = fresh();
    site.sequencer(&[]).succeeds();
    let stranger = Stranger::of(&site);
    let looks: [&[&str]; 8] = [
        &["closer", "-s", "-d", "2024-11-28", "LST1"],
        &["autocloser", "-s", "-d", "2024-11-28", "LST1"],
        &["audit", "2024-11-28"],
        &["why", "2024-11-28"],
        &["decide", "2024-11-28", "exclude", "19102", "-s"],
        &["provenance", "--run", "19102"],
        &["provenance", "--run", "19102", "--date", "2024-11-28"],
        &["config"],
    ];
    let before = fs::read(site.database()).unwrap();
    for words in looks {
        let ours = site.run(words);
        for permissions in [READABLE, SHUT] {
            let theirs = stranger.run(permissions, site.command(words));
            assert_eq!(theirs.code, ours.code, "{words:?}: {}", theirs.err);
            let warned = theirs.err.contains("may not read the database")
                || theirs.out.contains("may not read the database");
            let wanted = permissions == SHUT && words[0] != "config";
            assert_eq!(warned, wanted, "{words:?}: {}{}", theirs.out, theirs.err);
        }
    }
    let users = stranger.run(READABLE, site.command(["user", "list"])).succeeds();
    assert!(users.err.contains("there is no user yet"), "{}", users.err);
    let users = stranger.run(SHUT, site.command(["user", "list"])).exits(1);
    assert!(users.err.contains("hint: run the command as the user"), "{}", users.err);
    // Who would write is refused, whichever of the two says so.
    let refused = stranger.run(READABLE, site.night_command("sequencer", &[])).exits(1);
    assert!(refused.err.contains("cannot use the database"), "{}", refused.err);
    assert_eq!(fs::read(site.database()).unwrap(), before);
}

#[test]
fn a_product_that_an_account_may_not_read_is_none_to_it() {
    let site = TestSite::golden().with_slurm(FakeSlurm::holding());
    fs::create_dir_all(site.path("OSA")).unwrap();
    fs::write(site.database(), "").unwrap();
    let stranger = Stranger::of(&site);
    let percentage = || {
        let shown = site.night_command("sequencer", &["-s", "--json"]);
        let table: Value = stranger.run(SHUT, shown).succeeds().json();
        let rows = table["sequences"].as_array().unwrap().clone();
        rows.into_iter().find(|row| row["run"] == 19_102).unwrap()["percent"]["dl1"].clone()
    };
    let before = percentage();
    let product = site.analysis().join("dl1_LST-1.Run19102.0000.h5");
    // Root's tests look as a stranger, others as the owner.
    mode(&product, 0o200);
    let after = percentage();
    assert!(after.as_u64() < before.as_u64(), "{before} {after}");
}

#[test]
fn an_empty_file_is_a_database_without_records() {
    let site = fresh();
    fs::create_dir_all(site.path("OSA")).unwrap();
    fs::write(site.database(), "").unwrap();
    let stranger = Stranger::of(&site);
    for permissions in [READABLE, SHUT] {
        stranger.run(permissions, site.night_command("sequencer", &["-s"])).succeeds();
    }
    site.sequencer(&["-s"]).succeeds();
    assert_eq!(fs::metadata(site.database()).unwrap().len(), 0);
    site.sequencer(&[]).succeeds();
}

/// As `OSA_DIR` looks to another machine.
fn as_on_another_host(site: &TestSite) {
    let host = nix::unistd::gethostname().unwrap().into_string().unwrap();
    let ours = format!("host = \"{host}\"");
    site.replace("OSA/osa-ledger", &ours, "host = \"another.example\"");
}

#[test]
fn another_machine_submits_nothing_and_shows_the_table() {
    let site = fresh();
    site.sequencer(&[]).succeeds();
    let (ours, asked) = (site.sequencer(&["-s"]).succeeds(), site.slurm().calls("sbatch"));
    as_on_another_host(&site);
    let refused = site.sequencer(&[]).exits(1);
    assert!(refused.err.contains("on another.example, as "), "{}", refused.err);
    assert!(refused.err.contains("hint: run the command on another.example"), "{}", refused.err);
    assert_eq!(site.slurm().calls("sbatch"), asked);
    let said = site.sequencer(&["-s"]).succeeds();
    assert_eq!(said.out_at_golden_time(), ours.out_at_golden_time());
    assert!(said.err.contains("warning: this site's database is "), "{}", said.err);
    for words in [&["serve"][..], &["user", "role", "jane", "admin"], &["release", "2024-11-28"]] {
        let refused = site.run(words).exits(1);
        assert!(refused.err.contains("on another.example"), "{words:?}: {}", refused.err);
    }
}

/// Health as the server tells it: what is wrong with the database.
fn trouble(server: &TestServer, token: &str) -> Option<String> {
    let health = server.ask(token, "GET", "/api/v1/health", "")?;
    let health: Value = serde_json::from_str(&health).ok()?;
    let check = health["checks"].as_array()?.iter().find(|check| check["name"] == "database")?;
    let well = check["ok"].as_bool()?;
    Some(if well { String::new() } else { check["detail"].as_str()?.to_owned() })
}

#[test]
fn a_database_that_is_removed_under_a_server_leads_to_no_second_one() {
    let site = fresh();
    site.sequencer(&[]).succeeds();
    let token = site.run(["token", "add", "probe", "--role", "shifter"]).succeeds().out;
    let (token, asked) = (token.trim(), site.slurm().calls("sbatch"));
    let server = TestServer::start(&site);
    until("a good health", || trouble(&server, token).as_deref() == Some(""));

    let aside = site.dir().join("aside");
    fs::rename(site.database(), &aside).unwrap();
    let replaced = |server: &TestServer| {
        trouble(server, token).is_some_and(|said| said.contains("was removed or replaced"))
    };
    until("the server to notice", || replaced(&server));
    let refused = site.sequencer(&[]).exits(1);
    assert!(refused.err.contains("is missing or empty"), "{}", refused.err);
    assert!(refused.err.contains("hint: restore a backup"), "{}", refused.err);
    // Another file in its place is no better.
    fs::copy(&aside, site.database()).unwrap();
    let note = r#"{"text": "clouds"}"#;
    let answer = server.ask(token, "POST", "/api/v1/nights/2024-11-28/notes", note).unwrap();
    assert!(answer.contains("was removed or replaced"), "{answer}");
    assert!(replaced(&server));
    fs::rename(&aside, site.database()).unwrap();
    until("a good health again", || trouble(&server, token).as_deref() == Some(""));
    drop(server);
    site.sequencer(&[]);
    assert_eq!(site.slurm().calls("sbatch"), asked, "each job once");
}

#[test]
fn a_backup_is_made_in_use_and_restored_when_nobody_uses_the_database() {
    let site = fresh();
    site.sequencer(&[]).succeeds();
    let submitted = site.slurm().calls("sbatch");
    let backup = site.dir().join("backup");
    let server = TestServer::start(&site);
    let copy = |verb: &str| site.command([verb]).args([&backup]);
    copy("backup").run().succeeds().says("copied ");
    assert_eq!(fs::metadata(&backup).unwrap().permissions().mode() & 0o777, 0o600);
    let refused = copy("restore").run().exits(1);
    assert!(refused.err.contains("another program has "), "{}", refused.err);
    drop(server);
    fs::write(site.database(), "damaged").unwrap();
    let refused = site.sequencer(&[]).exits(1);
    assert!(refused.err.contains("restore a backup (`osa restore FILE`)"), "{}", refused.err);
    copy("restore").run().succeeds().says("restored ").says("was there before is ");
    site.sequencer(&[]);
    assert_eq!(site.slurm().calls("sbatch"), submitted, "each job once");
    let missing = site.command(["restore"]).args([Path::new("/nowhere/backup")]).run().exits(1);
    assert!(missing.err.contains("there is no such file"), "{}", missing.err);
}

#[test]
fn a_database_of_an_earlier_version_is_moved_by_a_command_alone() {
    let site = fresh();
    site.sequencer(&[]).succeeds();
    let submitted = site.slurm().calls("sbatch");
    // As an earlier version left it: nobody has claimed the site.
    fs::remove_file(site.path("OSA/osa-ledger")).unwrap();
    let new: PathBuf = site.dir().join("state.sqlite");
    let there = |words: &[&str]| site.command(words).env("OSA_DATABASE", &new);
    let launch = ["sequencer", "-d", "2024-11-28", "LST1"];
    let refused = there(&launch).run().exits(1);
    assert!(refused.err.contains("where earlier versions kept it"), "{}", refused.err);
    let look = there(&["sequencer", "-s", "-d", "2024-11-28", "LST1"]).run().succeeds();
    assert!(look.err.contains("hint: `osa move-database` moves it"), "{}", look.err);
    there(&["move-database"]).run().succeeds().says("the site's database is now ");
    assert!(new.is_file() && !site.database().exists());
    there(&launch).run();
    assert_eq!(site.slurm().calls("sbatch"), submitted, "each job once");
}
