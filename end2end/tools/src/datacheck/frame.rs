//! A table as numbers: read from a file that lstchain wrote, changed, and written again with the
//! same columns.

use std::io::Write;
use std::path::Path;

use hdf5::plist::DatasetCreate;
use server::datacheck::table::{Column, File, Kind, write};

use super::failed;
use crate::failure::Failure;

/// A file of the real tools, which is part of this program.
pub struct Template {
    file: File,
    // Keeps it there while it is read.
    _copy: tempfile::NamedTempFile,
}

impl Template {
    /// Opens a file that is in memory.
    pub fn open(bytes: &[u8]) -> Result<Self, Failure> {
        let mut copy = tempfile::NamedTempFile::new()?;
        copy.write_all(bytes)?;
        let file = File::open(copy.path()).map_err(failed)?;
        Ok(Self { file, _copy: copy })
    }

    /// One of its tables.
    pub fn frame(&self, path: &str) -> Result<Frame, Failure> {
        let table = self.file.table(path).map_err(failed)?;
        let table = table.ok_or_else(|| failed(format!("the template has no {path}")))?;
        let columns = table.columns().to_vec();
        let names: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
        let mut rows = Vec::new();
        let read = table.read(&names, |_, row| {
            let cells = (0..columns.len()).map(|index| row.cell(index).numbers());
            rows.push(cells.collect());
            Ok(())
        });
        read.map_err(failed)?;
        Ok(Frame { columns, rows })
    }
}

/// A row: the numbers of each column's cell.
pub type Cells = Vec<Vec<f64>>;

/// A table.
#[derive(Clone)]
pub struct Frame {
    /// Its columns.
    pub columns: Vec<Column>,
    /// Its rows.
    pub rows: Vec<Cells>,
}

impl Frame {
    /// A table of the same columns with other rows.
    pub fn with(&self, rows: Vec<Cells>) -> Self {
        Self { columns: self.columns.clone(), rows }
    }

    /// A column's place.
    fn place(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Changes a cell of a row, if there is such a column and it is filled: where it should be an
    /// array and is a single number, it is not.
    pub fn change(&self, row: &mut Cells, name: &str, change: impl FnOnce(&mut [f64])) {
        if let Some(place) = self.place(name) {
            change(&mut row[place]);
        }
    }

    /// Sets a column of single numbers.
    pub fn set(&self, row: &mut Cells, name: &str, value: f64) {
        self.change(row, name, |cell| cell.fill(value));
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for row in &self.rows {
            for (column, cell) in self.columns.iter().zip(row) {
                for &number in cell {
                    encode(column, number, &mut bytes);
                }
            }
        }
        bytes
    }

    /// Writes it as a new table, a row a chunk and compressed as PyTables does where `packed`.
    pub fn write(&self, file: &hdf5::File, path: &str, packed: bool) -> Result<(), Failure> {
        let mut create = DatasetCreate::build();
        // Without the time of writing, so that a file made again is the same.
        create.obj_track_times(false).chunk([if packed { 1 } else { 64 }]);
        if packed {
            create.blosc_zstd(1, true).fletcher32();
        }
        let create = create.finish().map_err(failed)?;
        write(file, path, &self.columns, &self.bytes(), &create).map_err(failed)
    }
}

// Numbers go back into the type that they came from, or counts that were scaled are cut.
#[allow(clippy::cast_possible_truncation)]
fn encode(column: &Column, number: f64, bytes: &mut Vec<u8>) {
    match (column.kind, column.size) {
        (Kind::Float, 4) => bytes.extend((number as f32).to_le_bytes()),
        (Kind::Float, _) => bytes.extend(number.to_le_bytes()),
        (_, size) => bytes.extend(&(number as i64).to_le_bytes()[..size.min(8)]),
    }
}

/// A new file in the place of what is there.
pub fn create(path: &Path) -> Result<hdf5::File, Failure> {
    hdf5::File::create(path).map_err(failed)
}
