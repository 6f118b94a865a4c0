//! What is in a file: its tables and, for each column, type, shape, unit and simple statistics.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::error::DatacheckError;
use super::fits::BinTable;
use super::table::{Cell, Column, File, Table};

/// Tables that a file of a run or subrun should have, below `/dl1datacheck`.
const EVENT_TABLES: [&str; 4] = ["pedestals", "flatfield", "cosmics", "histogram_binning"];
/// Tables that a file of a night should have.
const NIGHT_TABLES: [&str; 7] = [
    "runsummary",
    "cosmics",
    "pedestals",
    "flatfield",
    "pixwise_runsummary",
    "pixwise_runsummary_no_stars",
    "cosmics_intensity_spectrum",
];

/// What sort of file it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum FileKind {
    /// Tables of events, a row a subrun: of one subrun, or merged.
    Run,
    /// The tables of a night, a row a run or a subrun.
    Night,
    /// Muon rings of a subrun (FITS).
    Muons,
}

/// What is in a file.
#[derive(Clone, Debug, Serialize)]
pub struct Inspection {
    /// What sort of file it is.
    pub kind: FileKind,
    /// Which trigger tag told the events' types.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub used_trigger_tag: Option<String>,
    /// Paths of groups and datasets; empty for FITS.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nodes: Vec<String>,
    /// The tables, `None` where the file should have one and has not.
    pub tables: BTreeMap<String, Option<TableInspection>>,
}

/// What is in a table.
#[derive(Clone, Debug, Serialize)]
pub struct TableInspection {
    /// Number of rows.
    pub nrows: usize,
    /// The columns by name.
    pub columns: BTreeMap<String, ColumnInspection>,
}

/// What is in a column. Infinite and undefined numbers are the texts `NaN`, `Inf` and `-Inf`.
#[derive(Clone, Debug, Serialize)]
pub struct ColumnInspection {
    /// Type of an element as numpy writes it, such as `<f4`.
    pub dtype: String,
    /// Rows, and the shape of a cell.
    pub shape: Vec<usize>,
    /// Unit, if the file says one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// What it means, if the file says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// The numbers; none for texts.
    #[serde(flatten)]
    pub numbers: Option<Numbers>,
}

/// Statistics of a column's elements.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Numbers {
    /// Elements that are not a number.
    pub n_nan: u64,
    /// Infinite elements.
    pub n_inf: u64,
    /// Sum of the finite ones.
    pub sum_finite: f64,
    /// Least finite one.
    pub min: Option<f64>,
    /// Greatest finite one.
    pub max: Option<f64>,
    /// First element of the first row.
    #[serde(serialize_with = "number_or_text")]
    pub first: Option<f64>,
    /// Last element of the last row.
    #[serde(serialize_with = "number_or_text")]
    pub last: Option<f64>,
    #[serde(skip)]
    rest: f64,
}

impl Numbers {
    /// Takes one more element in. Sums carry their rounding errors along (Neumaier).
    fn add(&mut self, value: f64) {
        self.first.get_or_insert(value);
        self.last = Some(value);
        if value.is_nan() {
            self.n_nan += 1;
        } else if value.is_infinite() {
            self.n_inf += 1;
        } else {
            let sum = self.sum_finite + value;
            self.rest += if self.sum_finite.abs() >= value.abs() {
                (self.sum_finite - sum) + value
            } else {
                (value - sum) + self.sum_finite
            };
            self.sum_finite = sum;
            self.min = Some(self.min.map_or(value, |min| min.min(value)));
            self.max = Some(self.max.map_or(value, |max| max.max(value)));
        }
    }

    fn add_cell(&mut self, cell: Cell<'_>) {
        cell.for_each(|value| self.add(value));
    }

    fn done(mut self) -> Self {
        self.sum_finite += self.rest;
        self
    }
}

#[allow(clippy::ref_option)] // as serde calls it
fn number_or_text<S: serde::Serializer>(value: &Option<f64>, to: S) -> Result<S::Ok, S::Error> {
    match value {
        None => to.serialize_none(),
        Some(value) if value.is_nan() => to.serialize_str("NaN"),
        Some(value) if value.is_infinite() => {
            to.serialize_str(if *value > 0.0 { "Inf" } else { "-Inf" })
        }
        Some(value) => to.serialize_f64(*value),
    }
}

/// Looks through a datacheck file of a subrun, run or night, or a muon file.
pub fn inspect(path: &Path) -> Result<Inspection, DatacheckError> {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    if name.contains(".fits") {
        return inspect_fits(path);
    }
    let file = File::open(path)?;
    let kind = if file.has("/dl1datacheck") {
        FileKind::Run
    } else if file.has("/runsummary") {
        FileKind::Night
    } else {
        let problem = "an HDF5 file, but no datacheck file: neither /dl1datacheck nor /runsummary \
                       is in it"
            .into();
        return Err(DatacheckError::Foreign { file: path.to_owned(), problem });
    };
    let mut tables = BTreeMap::new();
    let names: &[&str] = if kind == FileKind::Run { &EVENT_TABLES } else { &NIGHT_TABLES };
    for name in names {
        let table = file.table(&table_path(&file, kind, name))?;
        tables.insert((*name).to_owned(), table.map(|table| inspect_table(&table)).transpose()?);
    }
    let used_trigger_tag = file.text("/dl1datacheck/used_trigger_tag");
    Ok(Inspection { kind, used_trigger_tag, nodes: file.nodes()?, tables })
}

/// Where a table is: pandas keeps it one level further down than PyTables does.
fn table_path(file: &File, kind: FileKind, name: &str) -> String {
    if kind == FileKind::Run {
        return format!("/dl1datacheck/{name}");
    }
    let pandas = format!("/{name}/table");
    if file.has(&pandas) { pandas } else { format!("/{name}") }
}

fn inspect_table(table: &Table) -> Result<TableInspection, DatacheckError> {
    let numeric: Vec<&str> = table
        .columns()
        .iter()
        .filter(|column| column.is_number())
        .map(|column| column.name.as_str())
        .collect();
    let mut numbers = vec![Numbers::default(); numeric.len()];
    table.read(&numeric, |_, row| {
        numbers.iter_mut().enumerate().for_each(|(index, all)| all.add_cell(row.cell(index)));
        Ok(())
    })?;
    let mut numbers: BTreeMap<&str, Numbers> = numeric.into_iter().zip(numbers).collect();
    let labels = labels(table);
    let columns = table.columns().iter().map(|column| {
        let mut entry = describe(column, table.rows(), numbers.remove(column.name.as_str()));
        if let Some(label) = labels.get(&column.name) {
            entry.unit.clone_from(&label.unit);
            entry.description.clone_from(&label.description);
        }
        (column.name.clone(), entry)
    });
    Ok(TableInspection { nrows: table.rows(), columns: columns.collect() })
}

fn describe(column: &Column, rows: usize, numbers: Option<Numbers>) -> ColumnInspection {
    ColumnInspection {
        dtype: column.dtype(),
        shape: std::iter::once(rows).chain(column.dims.iter().copied()).collect(),
        unit: None,
        description: None,
        numbers: numbers.map(Numbers::done),
    }
}

struct Label {
    unit: Option<String>,
    description: Option<String>,
}

/// Units and descriptions by column name. ctapipe numbers them as it wrote the columns, which is
/// not the order in the file.
fn labels(table: &Table) -> BTreeMap<String, Label> {
    (0..table.columns().len())
        .map_while(|index| {
            let name = table.attribute(&format!("CTAFIELD_{index}_NAME"))?;
            let unit = table.attribute(&format!("CTAFIELD_{index}_UNIT"));
            let description = table.attribute(&format!("CTAFIELD_{index}_DESC"));
            let filled = |text: Option<String>| text.filter(|text| !text.is_empty());
            Some((name, Label { unit: filled(unit), description: filled(description) }))
        })
        .collect()
}

fn inspect_fits(path: &Path) -> Result<Inspection, DatacheckError> {
    let table = BinTable::read(path)?;
    let columns = table.columns.iter().enumerate().map(|(index, column)| {
        let mut numbers = Numbers::default();
        (0..table.rows()).for_each(|row| numbers.add_cell(table.cell(row, index)));
        let numbers = column.is_number().then_some(numbers);
        (column.name.clone(), describe(column, table.rows(), numbers))
    });
    let inspection = TableInspection { nrows: table.rows(), columns: columns.collect() };
    Ok(Inspection {
        kind: FileKind::Muons,
        used_trigger_tag: None,
        nodes: Vec::new(),
        tables: BTreeMap::from([("muons".to_owned(), Some(inspection))]),
    })
}
