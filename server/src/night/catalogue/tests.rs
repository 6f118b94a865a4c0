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
fn what_is_missing_or_wrong_is_reported_and_a_bad_row_affects_its_run_alone() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("c.ecsv");
    assert_eq!(Catalogue::read(&file).unwrap().lacks, Some("is missing"));
    for (content, lacks) in [("", "is empty"), ("\n \n", "is empty"), (HEADER, "has no rows")] {
        std::fs::write(&file, content).unwrap();
        assert_eq!(Catalogue::read(&file).unwrap().lacks, Some(lacks), "{content:?}");
    }
    let catalogue = parse("x,Crab,1\n1,Crab\n2,BL Lac,1\n").unwrap();
    assert_eq!((catalogue.source(RunId(2)), catalogue.lacks), (Some("BL Lac"), None));
    assert_eq!(
        catalogue.faulty,
        [
            "/c.ecsv:9: column run_id: \"x\" is not a run number such as 19102",
            "/c.ecsv:10: the line has 2 cells for 3 columns",
        ]
    );
    assert!(Catalogue::parse("run_id source_name\n", Path::new("/c.ecsv")).is_err());
}
