//! `osa provenance`, through the real binary.

use std::fs;

use server::provenance::json;

use crate::support::{CommandOutput, TestSite};

/// The golden night gone through, so that there is a `prov.log`.
fn site() -> TestSite {
    let site = TestSite::golden();
    site.run(["simulate_processing"]).succeeds();
    site
}

fn ask(site: &TestSite, options: &[&str]) -> CommandOutput {
    site.command(["provenance"]).args(options).run()
}

#[test]
fn a_file_is_followed_to_its_raw_data_while_the_night_goes_on() {
    let site = site();
    let file = "dl2_LST-1.Run19102.0000.h5";
    let lines = ask(&site, &["--name", file]).succeeds().out;
    let activities: Vec<_> = lines.lines().filter(|line| !line.starts_with(' ')).collect();
    for name in ["r0_to_dl1 19102", "dl1ab 19102", "dl1_to_dl2 19102"] {
        assert!(activities.iter().any(|line| line.starts_with(name)), "{lines}");
    }
    assert!(lines.contains("used R0SubrunDataset"), "{lines}");

    let document = json::read(&ask(&site, &["--name", file, "--json"]).succeeds().out).unwrap();
    assert!(document.elements.len() > 10);
    let graph = ask(&site, &["--name", file, "--format", "svg", "--depth", "2"]).succeeds().out;
    assert!(graph.starts_with("<svg") && graph.contains("dl1_to_dl2"), "{graph}");

    // What is added later is found, and what is torn is reported with its line.
    let log = site.paths().provenance_log();
    let text = fs::read_to_string(&log).unwrap();
    let later: String = text
        .lines()
        .filter(|line| line.contains("dl1_to_dl2:19102"))
        .map(|line| {
            line.replace("Run19102", "Run29102").replace("'activity_id': '", "'activity_id': 'x")
                + "\n"
        })
        .collect();
    let count = text.lines().count();
    fs::write(&log, format!("{text}{later}torn\n")).unwrap();
    let number = count + later.lines().count() + 1;
    ask(&site, &["--name", file, "--forward"])
        .succeeds()
        .says("1 lines are torn")
        .says(&format!("line {number}, "))
        .prints_nothing(); // nothing is made of a DL2 file
}

#[test]
fn what_is_not_known_is_reported_with_what_to_do() {
    let site = site();
    let unknown = ask(&site, &["--path", "/no/such/file"]).fails();
    unknown.says("no file /no/such/file").says("--date");
    ask(&site, &[]).exits(2);
    ask(&site, &["--run", "19102", "--name", "x"]).exits(2);
    let none = ask(&site, &["--run", "19102", "--date", "2020-01-01"]);
    none.says("prov.log").says("No such file");
}
