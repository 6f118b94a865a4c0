//! `osa config`, and where configurations are found.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::support::{TestCommand, TestSite};

/// What `osa config --json` prints; nothing is said beside the data.
fn json(command: TestCommand) -> Value {
    command.run().succeeds().says_nothing().json()
}

/// The file that a configuration was read from.
fn file(command: TestCommand) -> String {
    json(command)["analysis"]["file"].as_str().unwrap().to_owned()
}

#[test]
fn the_values_in_effect_are_printed_with_where_settings_come_from() {
    let site = TestSite::empty().with_env("OSA_PREFIX", "/osa");
    let toml = "scheduler = 'local'\nlocal_cpus = 4\njob_path = ['bin']\n";
    fs::write(site.dir().join("osa/osa.toml"), toml).unwrap();
    let said = site.run(["config"]).succeeds().says_nothing();
    insta::assert_snapshot!(site.portable(&said.out));
}

#[test]
fn json_has_the_same_for_programs() {
    let site = TestSite::empty();
    let value = json(site.command(["config", "--json"]).env("OSA_LOCAL_CPUS", "3"));
    let analysis = &value["analysis"];
    assert_eq!(analysis["file"].as_str(), site.config().to_str());
    let lst1 = &analysis["sections"]["LST1"];
    assert_eq!(lst1["R0_DIR"].as_str(), site.path("R0").to_str());
    assert_eq!(lst1["PROD_ID"], "v0.1.0");
    assert_eq!(analysis["sections"]["SLURM"]["STARTTIME_DAYS_SACCT"], Value::Null);
    let cpus = &value["server"]["settings"]["local_cpus"];
    assert_eq!((&cpus["value"], &cpus["from"]), (&3.into(), &"OSA_LOCAL_CPUS".into()));
    let database = &value["server"]["settings"]["database"];
    assert_eq!(database["value"].as_str(), site.database().to_str());
    assert_eq!(database["from"], "OSA_DATABASE");
}

#[test]
fn the_option_comes_before_the_variable_and_the_variable_before_the_directory() {
    let [a, b, c] = [TestSite::empty(), TestSite::empty(), TestSite::empty()];
    let [a, b, c] = [&a, &b, &c].map(|site| site.config().to_str().unwrap());
    let here = Path::new(a).parent().unwrap();
    let command = || TestCommand::osa().args(["config", "--json"]).current_dir(here);
    assert_eq!(file(command()), a);
    assert_eq!(file(command().env("OSA_CONFIG", b)), b);
    assert_eq!(file(command().env("OSA_CONFIG", b).args(["-c", c])), c);
}

#[test]
fn osa_toml_may_name_the_configuration() {
    let site = TestSite::empty();
    let toml = site.dir().join("elsewhere.toml");
    fs::write(&toml, "analysis_config = 'osa/sequencer.cfg'\n").unwrap();
    let command = TestCommand::osa().args(["config", "--json"]).env("OSA_TOML", &toml);
    let value = json(command.current_dir(Path::new("/")));
    assert_eq!(value["analysis"]["file"].as_str(), site.config().to_str());
    assert_eq!(value["server"]["file"].as_str(), toml.to_str());
}

#[test]
fn faults_are_reported_on_standard_error_with_a_hint() {
    let site = TestSite::empty();
    let fault = |command: TestCommand| {
        let said = command.run().fails().prints_nothing();
        site.portable(&said.err)
    };
    let missing = fault(TestCommand::osa().args(["config", "-c", "/nowhere/sequencer.cfg"]));
    assert!(missing.starts_with("error: cannot read the configuration file /nowhere"), "{missing}");
    assert!(missing.contains("\nhint: name a configuration with -c"), "{missing}");

    site.configure("R0_DIR: %(BASE)s/R0", "R0_DIR: %(BAES)s/R0");
    let wrong = fault(site.command(["config"]));
    assert!(wrong.starts_with("error: /site/osa/sequencer.cfg:12: [LST1] R0_DIR: "), "{wrong}");

    fs::write(site.dir().join("osa/osa.toml"), "\nport = 80\n").unwrap();
    let unknown = fault(site.command(["config"]));
    let expected = "error: /site/osa/osa.toml:2: there is no setting port";
    assert!(unknown.starts_with(expected), "{unknown}");
}
