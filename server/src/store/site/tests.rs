//! One database for a site, whatever happens to its file and whoever else comes.

use std::fs;

use chrono::Utc;
use tempfile::TempDir;

use super::super::{StoreCause, TransferError, backup, move_here, restore};
use super::*;
use crate::model::PersonName;

/// A site and two hosts with disks of their own.
struct Site(TempDir);

impl Site {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("OSA")).unwrap();
        Self(dir)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn on(&self, host: &str) -> SiteDatabase {
        SiteDatabase {
            owner_file: OwnerFile::of(&self.path("OSA")),
            set: None,
            usual: self.path(host).join("site/osa.sqlite"),
            earlier: self.path("OSA/osa.sqlite"),
            host: host.to_owned(),
            group: None,
        }
    }

    fn with(&self, file: &str) -> SiteDatabase {
        SiteDatabase { set: Some(self.path(file)), ..self.on("cp01") }
    }
}

async fn refused(site: &SiteDatabase) -> OwnershipError {
    match site.open().await.unwrap_err().cause {
        StoreCause::Ownership(wrong) => *wrong,
        other => panic!("{other}"),
    }
}

async fn add_user(store: &Store, name: &str) -> Result<bool, StoreError> {
    let name: PersonName = name.parse().unwrap();
    store.add_user(&name, crate::model::Role::Viewer, "hash", Utc::now()).await
}

async fn users(store: &Store) -> Vec<String> {
    store.users().await.unwrap().into_iter().map(|user| user.name.to_string()).collect()
}

fn names(dir: &Path) -> Vec<String> {
    let entries = fs::read_dir(dir).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn the_first_host_that_writes_owns_the_site() {
    let site = Site::new();
    assert!(
        site.on("cp02").open_to_read().await.unwrap().notice.is_none(),
        "nobody has written yet"
    );
    let store = site.on("cp01").open().await.unwrap();
    add_user(&store, "jane").await.unwrap();
    let file = site.path("cp01/site/osa.sqlite").canonicalize().unwrap();
    let text = fs::read_to_string(site.path("OSA/osa-ledger")).unwrap();
    assert!(
        text.ends_with(&format!("host = \"cp01\"\ndatabase = \"{}\"\n", file.display())),
        "{text}"
    );

    let wrong = refused(&site.on("cp02")).await;
    assert!(
        matches!(&wrong, OwnershipError::OtherHost { there, .. } if there == "cp01"),
        "{wrong}"
    );
    assert!(wrong.to_string().contains("on cp01"), "{wrong}");
    assert!(wrong.hint().unwrap().starts_with("run the command on cp01"));
    assert!(!site.path("cp02").exists(), "nothing was made there");
    let access = site.on("cp02").open_to_read().await.unwrap();
    assert!(access.store.is_none());
    assert!(access.notice.unwrap().message.contains("is not known here"));

    let again = site.on("cp01").open().await.unwrap();
    assert_eq!(users(&again).await, ["jane"]);
}

#[tokio::test]
async fn a_second_file_of_the_same_host_is_refused_and_the_first_is_shown() {
    let site = Site::new();
    add_user(&site.on("cp01").open().await.unwrap(), "jane").await.unwrap();
    let wrong = refused(&site.with("other.sqlite")).await;
    assert!(matches!(wrong, OwnershipError::OtherFile { .. }), "{wrong}");
    assert!(!site.path("other.sqlite").exists());
    let access = site.with("other.sqlite").open_to_read().await.unwrap();
    assert_eq!(users(&access.store.unwrap()).await, ["jane"]);
    assert!(access.notice.unwrap().hint.contains("OSA_DATABASE"));
    // By whatever way the settings name the same file.
    std::os::unix::fs::symlink(site.path("cp01"), site.path("link")).unwrap();
    site.with("link/site/osa.sqlite").open().await.unwrap();
}

#[tokio::test]
async fn where_the_file_is_gone_no_empty_one_takes_its_place() {
    let site = Site::new();
    site.on("cp01").open().await.unwrap().close().await;
    let file = site.path("cp01/site/osa.sqlite");
    fs::remove_file(&file).unwrap();
    let wrong = refused(&site.on("cp01")).await;
    assert!(matches!(wrong, OwnershipError::Missing { .. }), "{wrong}");
    assert!(!file.exists());
    fs::write(&file, "").unwrap();
    assert!(matches!(refused(&site.on("cp01")).await, OwnershipError::Missing { .. }));
    let access = site.on("cp01").open_to_read().await.unwrap();
    assert!(access.store.is_none() && access.notice.is_some());
    // Begun again by hand, as the hint says.
    fs::remove_file(site.path("OSA/osa-ledger")).unwrap();
    site.on("cp01").open().await.unwrap();
}

#[tokio::test]
async fn nothing_is_written_to_a_file_that_was_removed_or_replaced() {
    let site = Site::new();
    let store = site.on("cp01").open().await.unwrap();
    add_user(&store, "jane").await.unwrap();
    let (file, aside) = (site.path("cp01/site/osa.sqlite"), site.path("aside"));
    fs::rename(&file, &aside).unwrap();
    for replaced in [false, true] {
        if replaced {
            fs::copy(&aside, &file).unwrap();
        }
        // Again and again: after an error a new connection is made.
        let [first, second] = [
            add_user(&store, "bob").await.unwrap_err(),
            add_user(&store, "bob").await.unwrap_err(),
        ];
        for error in [store.check().await.unwrap_err(), first, second] {
            assert!(matches!(error.cause, StoreCause::Replaced), "{error}");
            assert!(!error.uncertain, "surely nothing was written");
            assert!(error.hint().unwrap().contains("put the right file back"));
        }
    }
    fs::rename(&aside, &file).unwrap();
    store.check().await.unwrap();
    add_user(&store, "carol").await.unwrap();
    assert_eq!(users(&store).await, ["carol", "jane"]);
}

#[tokio::test]
async fn an_unreadable_owner_file_is_named() {
    let site = Site::new();
    fs::write(site.path("OSA/osa-ledger"), "host = 7\n").unwrap();
    let wrong = refused(&site.on("cp01")).await;
    assert!(wrong.to_string().contains("OSA/osa-ledger"), "{wrong}");
    assert!(site.on("cp01").open_to_read().await.unwrap().notice.is_some());
    assert!(!site.path("cp01").exists());
}

#[tokio::test]
async fn a_database_of_an_earlier_version_is_read_and_moved_only_when_asked() {
    let site = Site::new();
    let earlier = site.path("OSA/osa.sqlite");
    let store = Store::open(&earlier).await.unwrap();
    add_user(&store, "jane").await.unwrap();
    fs::create_dir(site.path("OSA/osa.sqlite.local")).unwrap();
    fs::write(site.path("OSA/osa.sqlite.local/7.sh"), "true").unwrap();

    let wrong = refused(&site.on("cp01")).await;
    assert!(wrong.hint().unwrap().starts_with("`osa move-database`"), "{wrong}");
    let access = site.on("cp01").open_to_read().await.unwrap();
    assert_eq!(users(&access.store.unwrap()).await, ["jane"]);
    assert!(access.notice.is_some());

    let busy = move_here(&site.on("cp01")).await.unwrap_err();
    assert!(matches!(busy, TransferError::InUse(_)), "{busy}");
    store.close().await;
    let moved = move_here(&site.on("cp01")).await.unwrap();
    assert_eq!(moved.file, site.path("cp01/site/osa.sqlite"));
    assert_eq!(moved.aside, Some(site.path("OSA/osa.sqlite.moved")));
    let store = site.on("cp01").open().await.unwrap();
    assert_eq!(users(&store).await, ["jane"]);
    assert!(site.path("cp01/site/osa.sqlite.local/7.sh").exists());
    assert_eq!(
        names(&site.path("OSA")),
        ["osa-ledger", "osa.sqlite.local", "osa.sqlite.moved"],
        "without a log or journal"
    );
    assert!(matches!(refused(&site.on("cp02")).await, OwnershipError::OtherHost { .. }));
    let again = move_here(&site.on("cp01")).await.unwrap_err();
    assert!(matches!(again, TransferError::Nothing(_)), "{again}");
}

#[tokio::test]
async fn a_database_that_the_settings_name_stays_where_it_is() {
    let site = Site::new();
    Store::open(&site.path("OSA/osa.sqlite")).await.unwrap();
    site.with("OSA/osa.sqlite").open().await.unwrap();
}

#[tokio::test]
async fn a_backup_of_a_database_in_use_is_restored_once_it_is_not() {
    let site = Site::new();
    let ours = site.on("cp01");
    let store = ours.open().await.unwrap();
    add_user(&store, "jane").await.unwrap();
    let copy = site.path("backup");
    fs::write(&copy, "an older backup").unwrap();
    backup(&ours, &copy).await.unwrap();
    add_user(&store, "bob").await.unwrap();

    let now = Utc::now();
    let busy = restore(&ours, &copy, false, now).await.unwrap_err();
    assert!(matches!(busy, TransferError::InUse(_)), "{busy}");
    assert_eq!(users(&store).await, ["bob", "jane"], "nothing was changed");
    store.close().await;
    let restored = restore(&ours, &copy, false, now).await.unwrap();
    assert_eq!(users(&ours.open().await.unwrap()).await, ["jane"]);
    let aside = Store::open_to_read(&restored.aside.unwrap()).await.unwrap().unwrap();
    assert_eq!(users(&aside).await, ["bob", "jane"]);
    assert_eq!(names(site.0.path()), ["OSA", "backup", "cp01"], "nothing is left beside them");
    let left = names(&site.path("cp01/site"));
    assert!(!left.iter().any(|name| name.ends_with("-journal")), "{left:?}");
}

#[tokio::test]
async fn what_is_no_whole_backup_is_not_restored() {
    let site = Site::new();
    let ours = site.on("cp01");
    ours.open().await.unwrap().close().await;
    let whole = site.path("whole");
    backup(&ours, &whole).await.unwrap();
    let bytes = fs::read(&whole).unwrap();
    let file = site.path("backup");
    let damaged = [&bytes[..bytes.len() / 2], b"no database", b""];
    for content in damaged {
        fs::write(&file, content).unwrap();
        let refused = restore(&ours, &file, false, Utc::now()).await.unwrap_err();
        assert!(matches!(refused, TransferError::NoBackup { .. }), "{refused}");
    }
    let itself = site.path("cp01/site/osa.sqlite");
    for file in [site.path("missing"), itself.clone()] {
        let refused = restore(&ours, &file, false, Utc::now()).await.unwrap_err();
        assert!(matches!(refused, TransferError::NoBackup { .. }), "{refused}");
    }
    // A damaged database is what a backup is for.
    fs::write(&itself, "no database").unwrap();
    restore(&ours, &whole, false, Utc::now()).await.unwrap();
    ours.open().await.unwrap();
}

#[tokio::test]
async fn another_host_takes_over_only_when_asked() {
    let site = Site::new();
    let store = site.on("cp01").open().await.unwrap();
    add_user(&store, "jane").await.unwrap();
    backup(&site.on("cp01"), &site.path("backup")).await.unwrap();
    let other = site.on("cp02");
    let refused_to = restore(&other, &site.path("backup"), false, Utc::now()).await;
    assert!(refused_to.unwrap_err().to_string().contains("on cp01"));
    restore(&other, &site.path("backup"), true, Utc::now()).await.unwrap();
    assert_eq!(users(&other.open().await.unwrap()).await, ["jane"]);
    assert!(matches!(refused(&site.on("cp01")).await, OwnershipError::OtherHost { .. }));
    // A server that still runs there notices when it looks, and writes nothing from then on.
    let error = store.check().await.unwrap_err();
    assert!(matches!(error.cause, StoreCause::Ownership(_)), "{error}");
    let error = add_user(&store, "bob").await.unwrap_err();
    assert!(matches!(error.cause, StoreCause::TakenOver), "{error}");
    assert!(error.hint().unwrap().contains("osa-ledger"));
}

#[test]
fn each_site_has_a_directory_of_its_own() {
    let of = |path: &str| directory_name(Path::new(path));
    assert_eq!(of("/fefs/aswg/data/real/OSA"), "fefs-aswg-data-real-OSA");
    assert_eq!(of("/a-b/c"), "a%2Db-c");
    assert_ne!(of("/a-b/c"), of("/a/b-c"));
    assert_eq!(of("/../x"), "%2E.-x");
}
