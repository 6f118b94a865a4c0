//! Tables as astropy writes them, and tables that something happened to.

use proptest::prelude::*;

use super::*;

const HEADER: &str = "# %ECSV 1.0\n# ---\n# datatype:\n# - {name: run_id, datatype: int64}\n\
                      # - {name: source_name, datatype: string}\n# delimiter: ','\n\
                      # schema: astropy-2.0\nrun_id,source_name\n";

fn all(text: &str) -> Result<Vec<Vec<String>>, NightError> {
    let table = Ecsv::parse(text, Path::new("/t.ecsv"))?;
    table.rows().map(|row| Ok(row?.cells.into_iter().map(Cow::into_owned).collect())).collect()
}

fn problem(text: &str) -> String {
    all(text).unwrap_err().to_string()
}

#[test]
fn commas_quotes_and_empty_cells() {
    let rows = format!(
        "{HEADER}1,Crab\n2,BL Lac\n3,\"a, \"\"b\"\" c\"\n4,\n5,\"\"\n\n# a comment\n 6 , x y \n"
    );
    let rows = all(&rows).unwrap();
    let names: Vec<&str> = rows.iter().map(|row| row[1].as_str()).collect();
    assert_eq!(names, ["Crab", "BL Lac", "a, \"b\" c", "", "", "x y"]);
    assert_eq!(rows[5][0], "6");
}

#[test]
fn a_quoted_cell_may_hold_line_breaks() {
    let rows = format!(
        "{HEADER}1,\"Crab\n# no comment\n\n \"\"nebula\"\"\"\n2,\"\r\n\"\r\n3,BL Lac\n4,\"Mrk\n421\""
    );
    let names: Vec<String> = all(&rows).unwrap().into_iter().map(|mut row| row.remove(1)).collect();
    assert_eq!(names, ["Crab\n# no comment\n\n \"nebula\"", "\r\n", "BL Lac", "Mrk\n421"]);
    // Lines are counted on.
    let text = problem(&format!("{rows}\n5,a,b\n"));
    assert!(text.starts_with("/t.ecsv:18: "), "{text}");
}

#[test]
fn a_quote_that_was_forgotten_takes_no_other_row_along() {
    let text = format!("{HEADER}1,\"Crab\n2,BL Lac\n3,\"Mrk 421\"\n4,x\n5,\"open\n6,y\n");
    let table = Ecsv::parse(&text, Path::new("/t.ecsv")).unwrap();
    let rows: Vec<_> = table.rows_with_faults().collect();
    let faults: Vec<_> =
        rows.iter().filter(|(_, fault)| fault.is_some()).map(|(row, _)| row.line).collect();
    assert_eq!((rows.len(), faults), (6, vec![9, 13]));
    let run = table.column("run_id").unwrap();
    assert_eq!(rows[0].0.text(&run), Some("1"), "the cells before it are known");
}

#[test]
fn blanks_delimit_where_no_delimiter_is_named() {
    let text = "# %ECSV 0.9\n# ---\n# datatype:\n# - {name: a, datatype: string}\n\
                # - {name: b, datatype: int64}\na b\n\"BL Lac\" 1\nCrab   2\n\"\" 3\n";
    assert_eq!(all(text).unwrap(), [["BL Lac", "1"], ["Crab", "2"], ["", "3"]]);
}

#[test]
fn the_header_may_say_more_than_we_read() {
    let text = "# %ECSV 1.0\r\n# ---\r\n# datatype:\r\n\
                # - {name: 'it''s, a {name}', unit: deg, datatype: float64,\r\n\
                #   description: 'x: y', meta: {a: [1, 2], b: {}}}\r\n\
                # - name: b\r\n#   datatype: int64\r\n#   unit: m\r\n\
                # - {unit: s, name: \"c: d\", datatype: int64}\r\n\
                # delimiter: ','\r\n# meta: !!omap\r\n# - {delimiter: ' '}\r\n\
                # - comments: [datatype, 'x']\r\n# schema: astropy-2.0\r\n\
                \"it's, a {name}\",b,c: d\r\n1,2,3\r\n";
    assert_eq!(all(text).unwrap(), [["1", "2", "3"]]);
}

#[test]
fn cells_are_found_by_the_name_of_their_column() {
    let text = format!("{HEADER}1,Crab\nx,\n");
    let table = Ecsv::parse(&text, Path::new("/t.ecsv")).unwrap();
    let (run, name) = (table.column("run_id").unwrap(), table.column("source_name").unwrap());
    let rows: Vec<_> = table.rows().collect::<Result<_, _>>().unwrap();
    assert_eq!(rows[0].parse::<u32>(&run, "a number").unwrap(), 1);
    assert_eq!(rows[0].text(&name), Some("Crab"));
    assert_eq!(rows[1].text(&name), None);
    assert!(table.optional_column("ra").is_none());
    insta::assert_snapshot!(
        [
            table.column("ra").unwrap_err().to_string(),
            rows[1].parse::<u32>(&run, "a run number").unwrap_err().to_string(),
            rows[1].needed(&name).unwrap_err().to_string(),
        ]
        .join("\n")
    );
}

#[test]
fn every_fault_names_the_line() {
    let swapped = HEADER.replace("run_id,source_name\n", "source_name,run_id\n");
    let (columns, _) = HEADER.split_once("run_id,source_name").unwrap();
    insta::assert_snapshot!(
        [
            problem(""),
            problem("\n\n"),
            problem("run_id,source_name\n1,Crab\n"),
            problem("# %ECSV 2.0\n# ---\na\n"),
            problem(&HEADER.replace("','", "'|'")),
            problem(&HEADER.replace("name: run_id, ", "")),
            problem(&swapped),
            problem(columns),
            problem(&columns[..60]),
            problem(&format!("{HEADER}1,Crab\n2\n3,x\n")),
            problem(&format!("{HEADER}1,Crab,x\n")),
            problem(&format!("{HEADER}1,Crab\n2,\"Cr\n")),
            problem(&format!("{HEADER}1,\"Crab\"x\n")),
        ]
        .join("\n")
    );
}

#[test]
fn a_last_line_that_is_cut_off_is_an_error_wherever_it_is_cut() {
    let whole = format!("{HEADER}19102,Crab\n19103,\"BL Lac\"\n");
    let last = whole.rfind("19103").unwrap();
    // Within the last cell, behind its first letter, a cut cannot be distinguished from a whole name.
    for cut in last + 1..=last + "19103,\"".len() {
        let text = problem(&whole[..cut]);
        assert!(text.starts_with("/t.ecsv:10: "), "{:?}: {text}", &whole[last..cut]);
        assert!(text.contains("cut off"), "{:?}: {text}", &whole[last..cut]);
    }
    assert_eq!(all(&whole[..last]).unwrap().len(), 1);
    assert_eq!(all(whole.trim_end()).unwrap().len(), 2);
}

/// A table as astropy writes it.
fn written(delimiter: char, names: &[String], rows: &[Vec<String>]) -> String {
    let quoted = |cell: &String| {
        let plain = !cell.is_empty() && !cell.contains([delimiter, '"', '#', ' ', '\n']);
        if plain { cell.clone() } else { format!("\"{}\"", cell.replace('"', "\"\"")) }
    };
    let line = |cells: &[String]| {
        let cells: Vec<String> = cells.iter().map(quoted).collect();
        cells.join(&delimiter.to_string()) + "\n"
    };
    let described = |name: &String| {
        let name = name.replace('\'', "''");
        format!("# - {{name: '{name}', datatype: string}}")
    };
    let columns: Vec<String> = names.iter().map(described).collect();
    let rows: String = rows.iter().map(|row| line(row)).collect();
    format!(
        "# %ECSV 1.0\n# ---\n# datatype:\n{}\n# delimiter: '{delimiter}'\n\
         # schema: astropy-2.0\n{}{rows}",
        columns.join("\n"),
        line(names)
    )
}

fn tables() -> impl Strategy<Value = (char, Vec<String>, Vec<Vec<String>>)> {
    (1usize..5).prop_flat_map(|width| {
        let names =
            proptest::collection::btree_set("[a-zA-Z_',:{}][a-zA-Z_',:{} ]{0,8}[a-z]", width);
        let rows = proptest::collection::vec(
            proptest::collection::vec("[ -~]{0,12}|ü €|[a\"\n]{1,4}b", width),
            0..8,
        );
        let delimiter = proptest::sample::select(vec![',', ' ']);
        (delimiter, names.prop_map(|names| names.into_iter().collect()), rows)
    })
}

proptest! {
    #[test]
    fn what_was_written_is_read((delimiter, names, rows) in tables()) {
        let text = written(delimiter, &names, &rows);
        let table = Ecsv::parse(&text, Path::new("/t.ecsv")).unwrap();
        prop_assert_eq!(table.columns(), &names);
        prop_assert_eq!(all(&text).unwrap(), rows);
    }

    #[test]
    fn no_text_makes_it_panic(text in "(# %ECSV 1.0\n)?(# ---\n)?[#:,'\"{}\\[\\]a-e \n\r-]{0,100}\\PC{0,20}") {
        let _ = all(&text);
    }

    #[test]
    fn a_table_that_something_happened_to_does_not_make_it_panic(
        (delimiter, names, rows) in tables(),
        cut: proptest::sample::Index,
        at: proptest::sample::Index,
        byte: u8,
    ) {
        let mut bytes = written(delimiter, &names, &rows).into_bytes();
        bytes.truncate(cut.index(bytes.len()) + 1);
        let at = at.index(bytes.len());
        bytes[at] = byte;
        let _ = all(&String::from_utf8_lossy(&bytes));
    }
}
