//! `osa config`, and where configurations are found.

use std::fs;
use std::process::{Command, Output};

use serde_json::Value;

use crate::support::{TempNight, empty_site, osa};

fn run(command: &mut Command) -> Output {
    command.output().unwrap()
}

fn stdout(command: &mut Command) -> String {
    let output = run(command);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    assert_eq!(errors, "", "nothing is said beside the data");
    String::from_utf8(output.stdout).unwrap()
}

fn json(command: &mut Command) -> Value {
    serde_json::from_str(&stdout(command.args(["config", "--json"]))).unwrap()
}

fn stderr(command: &mut Command) -> String {
    let output = run(command);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "");
    String::from_utf8(output.stderr).unwrap()
}

/// The text without what differs from machine to machine.
fn portable(site: &TempNight, text: &str) -> String {
    text.replace(site.dir.path().to_str().unwrap(), "/SITE")
}

#[test]
fn the_values_in_effect_are_printed_with_where_settings_come_from() {
    let site = empty_site();
    let toml = "scheduler = 'local'\nlocal_cpus = 4\njob_path = ['bin']\n";
    fs::write(site.dir.path().join("osa/osa.toml"), toml).unwrap();
    let text = stdout(site.osa().env("OSA_PREFIX", "/osa").arg("config"));
    insta::assert_snapshot!(portable(&site, &text));
}

#[test]
fn json_has_the_same_for_programs() {
    let site = empty_site();
    let value = json(site.osa().env("OSA_LOCAL_CPUS", "3"));
    let analysis = &value["analysis"];
    assert_eq!(analysis["file"].as_str(), site.config.to_str());
    let lst1 = &analysis["sections"]["LST1"];
    assert_eq!(lst1["R0_DIR"].as_str(), site.path("R0").to_str());
    assert_eq!(lst1["PROD_ID"], "v0.1.0");
    assert_eq!(analysis["sections"]["SLURM"]["STARTTIME_DAYS_SACCT"], Value::Null);
    let cpus = &value["server"]["settings"]["local_cpus"];
    assert_eq!((&cpus["value"], &cpus["from"]), (&3.into(), &"OSA_LOCAL_CPUS".into()));
    let database = &value["server"]["settings"]["database"];
    assert_eq!(database["value"].as_str(), site.path("OSA/osa.sqlite").to_str());
    assert_eq!(database["from"], "default");
}

#[test]
fn the_option_comes_before_the_variable_and_the_variable_before_the_directory() {
    let [a, b, c] = [empty_site(), empty_site(), empty_site()];
    let file = |value: Value| value["analysis"]["file"].as_str().unwrap().to_owned();
    let here = a.config.parent().unwrap();
    let [a, b, c] = [&a, &b, &c].map(|site| site.config.to_str().unwrap());
    assert_eq!(file(json(osa().current_dir(here))), a);
    assert_eq!(file(json(osa().current_dir(here).env("OSA_CONFIG", b))), b);
    let mut with_option = osa();
    with_option.current_dir(here).env("OSA_CONFIG", b).args(["config", "--json", "-c", c]);
    assert_eq!(file(serde_json::from_str(&stdout(&mut with_option)).unwrap()), c);
}

#[test]
fn osa_toml_may_name_the_configuration() {
    let site = empty_site();
    let toml = site.dir.path().join("elsewhere.toml");
    fs::write(&toml, "analysis_config = 'osa/sequencer.cfg'\n").unwrap();
    let value = json(osa().current_dir("/").env("OSA_TOML", &toml));
    assert_eq!(value["analysis"]["file"].as_str(), site.config.to_str());
    assert_eq!(value["server"]["file"].as_str(), toml.to_str());
}

#[test]
fn faults_are_said_on_standard_error_with_a_hint() {
    let site = empty_site();
    let missing = stderr(osa().args(["config", "-c", "/nowhere/sequencer.cfg"]));
    assert!(missing.starts_with("error: cannot read the configuration file /nowhere"), "{missing}");
    assert!(missing.contains("\nhint: name a configuration with -c"), "{missing}");

    site.configure("R0_DIR: %(BASE)s/R0", "R0_DIR: %(BAES)s/R0");
    let wrong = portable(&site, &stderr(site.osa().arg("config")));
    assert!(wrong.starts_with("error: /SITE/osa/sequencer.cfg:12: [LST1] R0_DIR: "), "{wrong}");

    let unknown = site.dir.path().join("osa/osa.toml");
    fs::write(unknown, "\nport = 80\n").unwrap();
    let unknown = portable(&site, &stderr(site.osa().arg("config")));
    assert!(
        unknown.starts_with("error: /SITE/osa/osa.toml:2: there is no setting port"),
        "{unknown}"
    );
}
