use std::fs::{self, OpenOptions};
use std::io::Write as _;

use super::super::document::{Element, ElementKind, RelationKind};
use super::super::graph::Direction;
use super::*;
use crate::model::RunId;

const GOLDEN: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/golden/prov/prov.log");

struct Night {
    _dir: tempfile::TempDir,
    store: Store,
    log: PathBuf,
}

/// A database and a log with the first `lines` of the original's.
async fn night(lines: usize) -> Night {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("osa.db")).await.unwrap();
    let log = dir.path().join("prov.log");
    fs::write(&log, text().split_inclusive('\n').take(lines).collect::<String>()).unwrap();
    Night { _dir: dir, store, log }
}

/// The original's log. In that night the runs were given calibration files of another version than
/// was made; here they are given those.
fn text() -> String {
    let text = fs::read_to_string(GOLDEN).unwrap();
    text.replace("c3adde0c408b52879ecde2fe9f3f4510", "682904be3f0ecb6ca1e30851d8654307")
        .replace("dbecfbe991e839da840e7a8d518ba7aa", "42aff9b12463c5c2d7b5e809af171bc8")
}

impl Night {
    async fn update(&self) -> Indexed {
        update(&self.store, &self.log).await.unwrap();
        indexed(&self.store, &self.log).await.unwrap().unwrap()
    }

    async fn ask(
        &self,
        start: Start,
        direction: Direction,
        depth: Option<usize>,
    ) -> Result<Lineage, LineageError> {
        let question = Question { starts: vec![start], direction, depth, agents: true };
        lineage(&self.store, &question).await
    }

    /// Everything in the index, for comparison.
    async fn content(&self) -> Vec<String> {
        let activities = sqlx::query_scalar!(
            r#"SELECT key || name || run || coalesce(started, '') || coalesce(ended, '') AS "row!: String"
               FROM prov_activities"#
        );
        let entities = sqlx::query_scalar!(
            r#"SELECT key || name || path || file || type AS "row!: String" FROM prov_entities"#
        );
        let relations = sqlx::query_scalar!(
            r#"SELECT activity || '.' || entity || generated || role AS "row!: String" FROM prov_relations"#
        );
        let mut all = activities.fetch_all(self.store.readers()).await.unwrap();
        all.extend(entities.fetch_all(self.store.readers()).await.unwrap());
        all.extend(relations.fetch_all(self.store.readers()).await.unwrap());
        all.sort();
        all
    }
}

fn labels(lineage: &Lineage, kind: ElementKind) -> Vec<String> {
    let mut labels: Vec<_> = lineage.document.of_kind(kind).map(Element::label).collect();
    labels.sort();
    labels.dedup();
    labels
}

#[tokio::test]
async fn a_log_read_line_by_line_is_indexed_like_one_read_at_once() {
    let whole = night(usize::MAX).await;
    let all = whole.update().await;
    assert_eq!((all.lines, all.bad), (782, 0));
    let grows = night(0).await;
    let text = text();
    let mut log = OpenOptions::new().append(true).open(&grows.log).unwrap();
    for part in text.as_bytes().chunks(text.len() / 7 + 1) {
        log.write_all(part).unwrap();
        grows.update().await;
    }
    assert_eq!(grows.update().await, all);
    let content = grows.content().await;
    assert!(content.len() > 300);
    assert_eq!(content, whole.content().await);
}

#[tokio::test]
async fn a_line_that_is_being_written_waits_and_bad_lines_keep_their_numbers() {
    let night = night(10).await;
    assert_eq!(night.update().await.lines, 10);
    let mut log = OpenOptions::new().append(true).open(&night.log).unwrap();
    log.write_all(b"\nnonsense\nINFO provLogger __PRO").unwrap();
    let found = night.update().await;
    assert_eq!((found.lines, found.bad), (12, 1));
    assert_eq!(found.bad_lines[0].number, 12);
    log.write_all(b"V__\nmore nonsense\n").unwrap();
    let found = night.update().await;
    assert_eq!(found.bad_lines.iter().map(|bad| bad.number).collect::<Vec<_>>(), [12, 13, 14]);
}

#[tokio::test]
async fn another_log_in_its_place_takes_the_place_of_the_old_in_the_index() {
    let night = night(usize::MAX).await;
    night.update().await;
    let text = text();
    let other = text.replace("19106", "19906");
    assert_eq!(other.len(), text.len());
    fs::write(&night.log, &other).unwrap();
    assert_eq!(night.update().await.lines, 782);
    let old = night.ask(Start::Run(RunId(19106)), Direction::Back, None).await.unwrap_err();
    assert_eq!(old.to_string(), "the provenance index knows no activity of run 19106");
    assert!(night.content().await.iter().all(|row| !row.contains("19106")));
    // Shorter than what is known of it: begun again, too.
    fs::write(&night.log, text.split_inclusive('\n').take(40).collect::<String>()).unwrap();
    assert_eq!(night.update().await.lines, 40);
}

#[tokio::test]
async fn a_file_leads_back_to_raw_data_and_forward_to_products() {
    let night = night(usize::MAX).await;
    night.update().await;
    let name = Start::Name("dl2_LST-1.Run19102.0000.h5".to_owned());
    let back = night.ask(name.clone(), Direction::Back, None).await.unwrap();
    assert_eq!(
        labels(&back, ElementKind::Activity),
        ["calibrate_charge", "dl1_to_dl2", "dl1ab", "drs4_pedestal", "r0_to_dl1"]
    );
    assert!(labels(&back, ElementKind::Entity).contains(&"R0SubrunDataset".to_owned()));
    assert_eq!(back.document.of_kind(ElementKind::Agent).count(), 1);
    let of = |kind| back.document.relations.iter().filter(move |r| r.kind == kind).count();
    assert_eq!(of(RelationKind::WasAssociatedWith), 5);

    let near = night.ask(name, Direction::Back, Some(1)).await.unwrap();
    assert_eq!(labels(&near, ElementKind::Activity), ["dl1_to_dl2"]);
    assert_eq!(near.document.of_kind(ElementKind::Entity).count(), 1);

    let raw = Start::Name("LST-1.1.Run19100.fits.fz".to_owned());
    let forward = night.ask(raw, Direction::Forward, None).await.unwrap();
    assert!(labels(&forward, ElementKind::Activity).contains(&"dl1_to_dl2".to_owned()));
    let runs: Vec<_> = forward
        .document
        .of_kind(ElementKind::Activity)
        .filter_map(|activity| activity.attributes.text("run"))
        .collect();
    for run in ["19102", "19103", "19104", "19106"] {
        assert!(runs.iter().any(|other| other == run), "{run}");
    }
}

#[tokio::test]
async fn whatever_is_known_can_be_asked_for() {
    let night = night(usize::MAX).await;
    night.update().await;
    let path = "/fefs/aswg/data/real/R0/20241128/LST-1.1.Run19100.fits.fz";
    let md5 = "78e64e3563c94235678cfcf33ef55655";
    let mut found = Vec::new();
    for start in [
        Start::Path(path.to_owned()),
        Start::Hash(md5.to_uppercase()),
        Start::Id(format!("id:{md5}")),
        Start::Id(path.to_owned()),
    ] {
        let answer = night.ask(start, Direction::Forward, Some(1)).await.unwrap();
        assert_eq!(answer.start, [format!("id:{md5}")]);
        found.push(answer);
    }
    assert!(found.windows(2).all(|pair| pair[0] == pair[1]));
    let activity = found[0].document.of_kind(ElementKind::Activity).next().unwrap();
    let by_id = Start::Activity(activity.id.local.clone());
    let answer = night.ask(by_id, Direction::Back, Some(1)).await.unwrap();
    assert!(labels(&answer, ElementKind::Entity).contains(&"RawObservationFile".to_owned()));
    for (start, message) in [
        (Start::Path("/x".into()), "no file /x"),
        (Start::Hash("ab".into()), "no file that held what has the hash ab"),
        (Start::Id("x".into()), "neither entity nor activity nor file x"),
    ] {
        let error = night.ask(start, Direction::Back, None).await.unwrap_err();
        assert_eq!(error.to_string(), format!("the provenance index knows {message}"));
    }
}
