//! Names of sources.

use super::*;

const HEADER: &str = "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: run_id, datatype: int32}\n\
                      # - {name: source_name, datatype: string}\n\
                      # - {name: source_ra, datatype: float64}\n# delimiter: ','\n\
                      run_id,source_name,source_ra\n";

fn parse(rows: &str) -> Result<Catalogue, NightError> {
    Catalogue::parse(&format!("{HEADER}{rows}"), Path::new("/c.ecsv"))
}

#[test]
fn names_may_hold_blanks_and_quotes_and_may_be_unknown() {
    let sources = parse("1,BL Lac,1.0\n2,\"BL Lac\",\n3,,1\n4,\"a, b\",nan\n1,Crab,2\n").unwrap();
    let names: Vec<_> = [1, 2, 3, 4, 5].map(|run| sources.source(RunId(run))).into();
    assert_eq!(names, [Some("BL Lac"), Some("BL Lac"), None, Some("a, b"), None]);
}

#[test]
fn a_missing_catalogue_is_empty_and_a_bad_one_an_error() {
    let dir = tempfile::tempdir().unwrap();
    assert_eq!(Catalogue::read(&dir.path().join("no.ecsv")).unwrap(), Catalogue::default());
    let error = parse("x,Crab,1\n").unwrap_err().to_string();
    assert_eq!(error, "/c.ecsv:9: column run_id: \"x\" is not a run number such as 19102");
    assert!(Catalogue::parse("run_id source_name\n", Path::new("/c.ecsv")).is_err());
}
