//! `osa provenance`, through the real binary.

use std::fs;
use std::process::Output;

use server::provenance::json;

use super::super::support::{PROD_ID, TempNight, golden_night};

/// The golden night gone through, so that there is a `prov.log`.
fn night() -> TempNight {
    let night = golden_night();
    let text = fs::read_to_string(&night.config).unwrap();
    if !text.contains(&format!("PROD_ID: {PROD_ID}")) {
        night.configure("[LST1]\n", &format!("[LST1]\nPROD_ID: {PROD_ID}\n"));
    }
    let made = night.osa().arg("simulate_processing").output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    night
}

fn ask(night: &TempNight, arguments: &[&str]) -> Output {
    night.osa().arg("provenance").args(arguments).output().unwrap()
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

#[test]
fn a_file_is_followed_to_its_raw_data_while_the_night_goes_on() {
    let night = night();
    let file = "dl2_LST-1.Run19102.0000.h5";
    let lines = printed(&ask(&night, &["--name", file]));
    let activities: Vec<_> = lines.lines().filter(|line| !line.starts_with(' ')).collect();
    for name in ["r0_to_dl1 19102", "dl1ab 19102", "dl1_to_dl2 19102"] {
        assert!(activities.iter().any(|line| line.starts_with(name)), "{lines}");
    }
    assert!(lines.contains("used R0SubrunDataset"), "{lines}");

    let document = json::read(&printed(&ask(&night, &["--name", file, "--json"]))).unwrap();
    assert!(document.elements.len() > 10);
    let graph = printed(&ask(&night, &["--name", file, "--format", "svg", "--depth", "2"]));
    assert!(graph.starts_with("<svg") && graph.contains("dl1_to_dl2"), "{graph}");

    // What is added later is found, and what is torn is told with its line.
    let log = night.paths("2024-11-28").provenance_log();
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
    let again = ask(&night, &["--name", file, "--forward"]);
    let said = String::from_utf8_lossy(&again.stderr).into_owned();
    let number = count + later.lines().count() + 1;
    assert!(
        said.contains("1 lines are torn") && said.contains(&format!("line {number}, ")),
        "{said}"
    );
    assert!(printed(&again).is_empty(), "nothing is made of a DL2 file");
}

#[test]
fn what_is_not_known_is_told_with_what_to_do() {
    let night = night();
    let unknown = ask(&night, &["--path", "/no/such/file"]);
    assert_eq!(unknown.status.code(), Some(1));
    let said = String::from_utf8_lossy(&unknown.stderr).into_owned();
    assert!(said.contains("no file /no/such/file") && said.contains("--date"), "{said}");
    assert_eq!(ask(&night, &[]).status.code(), Some(2));
    assert_eq!(ask(&night, &["--run", "19102", "--name", "x"]).status.code(), Some(2));
    let none = ask(&night, &["--run", "19102", "--date", "2020-01-01"]);
    let said = String::from_utf8_lossy(&none.stderr).into_owned();
    assert!(said.contains("prov.log") && said.contains("No such file"), "{said}");
}
