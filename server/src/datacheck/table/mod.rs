//! Tables of HDF5 files as PyTables writes them: one-dimensional datasets of a compound type whose
//! members may be arrays of any rank. The safe interface of the library's binding cannot read
//! those, so this module speaks to the library itself; it is the only place with `unsafe`.
//!
//! Rows are read as bytes, with a memory type that holds the wanted columns, matched by name and
//! each of exactly its type in the file. The library thus converts nothing; bytes become numbers
//! in safe code ([`Cell`]), which also understands PyTables' booleans (bit fields).
//!
//! The library works under one global lock, unpacking included: rows that are packed as lstchain's
//! are unpacked without it ([`packed`]). All of it blocks: nothing here may be called on an
//! asynchronous thread.

#[deny(unsafe_code)]
mod cell;
mod filters;
mod library;
#[deny(unsafe_code)]
mod packed;
mod write;

use std::ffi::CString;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use hdf5::filters::Filter;
use hdf5::sync::sync;
use hdf5::{Dataset, Group};
use hdf5_sys::h5a::{H5Aclose, H5Aexists, H5Aget_space, H5Aget_type, H5Aopen, H5Aread};
use hdf5_sys::h5d::{H5Dget_space, H5Dget_storage_size, H5Dget_type, H5Dread};
use hdf5_sys::h5p::H5P_DEFAULT;
use hdf5_sys::h5s::{H5S_SELECT_SET, H5Sclose, H5Screate_simple, H5Sselect_hyperslab};
use hdf5_sys::h5t::{H5T_class_t, H5Tclose, H5Tcreate, H5Tget_member_type, H5Tinsert};

pub use cell::{Cell, Column, Kind, Row};
pub use write::write;

use super::error::DatacheckError;
use crate::internal::Cause;
use crate::internal::activity::Activity;
use library::{Id, Layout, c_name, check, chunk, id, layout, member_index, read_text};

/// Rows are read in blocks of at most this many bytes, or one by one if a row is larger.
const BLOCK: usize = 1 << 20;
/// Of rows that are packed one by one, so many are unpacked in one thread,
const ROWS_A_THREAD: usize = 4;
/// and in at most so many threads.
const THREADS: usize = 4;
/// No row of a real file is larger (1855 pixels, 45 columns: 0.7 MB).
const MAX_ROW: usize = 16 << 20;
/// No table of a real file has more rows (a row a subrun, for years of nights).
const MAX_ROWS: usize = 10_000_000;
/// A table that claims to be so many times larger than what is stored of it was not written by
/// anybody; a table of zeros compresses by less than 10,000.
const MAX_COMPRESSION: u128 = 100_000;

/// An HDF5 file open for reading.
pub struct File {
    path: PathBuf,
    opened: hdf5::File,
    raw: Arc<std::fs::File>,
    threads: usize,
}

impl File {
    /// Opens a file. It is not locked: whoever writes it must not fail because we look.
    pub fn open(path: &Path) -> Result<Self, DatacheckError> {
        let read = |cause| DatacheckError::Read { file: path.to_owned(), cause };
        let raw = crate::input_file::open(path).map_err(read)?;
        let size = raw.metadata().map_err(read)?;
        let mut start = [0; 8];
        if raw.read_at(&mut start, 0).map_err(read)? < 8 {
            let problem = format!("it has {} bytes", size.len()).into();
            return Err(DatacheckError::Damaged { file: path.to_owned(), problem });
        }
        if start != *b"\x89HDF\r\n\x1a\n" {
            let problem = "not an HDF5 file (wrong signature)".into();
            return Err(DatacheckError::Foreign { file: path.to_owned(), problem });
        }
        let opened = hdf5::File::with_options()
            .with_fapl(|plist| plist.file_locking(false))
            .open(path)
            .map_err(|error| DatacheckError::Damaged {
                file: path.to_owned(),
                problem: error.into(),
            })?;
        let threads = std::thread::available_parallelism().map_or(1, usize::from).min(THREADS);
        Ok(Self { path: path.to_owned(), opened, raw: Arc::new(raw), threads })
    }

    /// Leaves the other processors to others.
    #[must_use]
    pub fn on_one_processor(self) -> Self {
        Self { threads: 1, ..self }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Paths of all groups and datasets, sorted; of a file with very many, the first thousand.
    pub fn nodes(&self) -> Result<Vec<String>, DatacheckError> {
        let mut nodes = vec!["/".to_owned()];
        self.walk(&self.opened, "", 0, &mut nodes)?;
        nodes.sort();
        Ok(nodes)
    }

    fn walk(
        &self,
        group: &Group,
        prefix: &str,
        depth: usize,
        nodes: &mut Vec<String>,
    ) -> Result<(), DatacheckError> {
        for name in group.member_names().map_err(|error| self.damaged(error))? {
            if nodes.len() > 1000 || depth > 8 {
                break;
            }
            let path = format!("{prefix}/{name}");
            nodes.push(path.clone());
            if let Ok(inner) = group.group(&name) {
                self.walk(&inner, &path, depth + 1, nodes)?;
            }
        }
        Ok(())
    }

    /// The table at `path`; `None` if nothing is there.
    pub fn table(&self, path: &str) -> Result<Option<Table>, DatacheckError> {
        if !self.has(path) {
            return Ok(None);
        }
        let foreign = |problem: Cause| DatacheckError::Table {
            file: self.path.clone(),
            table: path.to_owned(),
            problem,
        };
        let dataset = self.opened.dataset(path).map_err(|error| foreign(error.into()))?;
        let &[rows] = dataset.shape().as_slice() else {
            return Err(foreign("not one-dimensional: no table".into()));
        };
        let layout = layout(&dataset).map_err(|problem| foreign(problem.into()))?;
        let width = layout.width;
        if rows > MAX_ROWS || width > MAX_ROW {
            let problem = format!("{rows} rows of {width} bytes: too large to be real");
            return Err(foreign(problem.into()));
        }
        // SAFETY: the dataset is open; the call only asks for a number.
        let stored = sync(|| unsafe { H5Dget_storage_size(dataset.id()) });
        if rows as u128 * width as u128 > MAX_COMPRESSION * u128::from(stored) {
            let problem = format!("{rows} rows of {width} bytes, but {stored} bytes are stored");
            return Err(DatacheckError::Damaged {
                file: self.path.clone(),
                problem: format!("table {path}: {problem}").into(),
            });
        }
        let (file, raw, path) = (self.path.clone(), self.raw.clone(), path.to_owned());
        Ok(Some(Table { file, raw, path, dataset, layout, rows, threads: self.threads }))
    }

    /// Whether a group or dataset is there; parents may be missing, too.
    pub fn has(&self, path: &str) -> bool {
        let mut reached = String::new();
        path.split('/').filter(|part| !part.is_empty()).all(|part| {
            reached = format!("{reached}/{part}");
            self.opened.link_exists(&reached)
        })
    }

    /// The first element of a dataset of texts, as PyTables keeps single words.
    pub fn text(&self, path: &str) -> Option<String> {
        if !self.has(path) {
            return None;
        }
        let dataset = self.opened.dataset(path).ok()?;
        sync(|| {
            // SAFETY: the dataset is open; both ids are checked and closed by `Id`.
            let (kind, space) = unsafe {
                (
                    Id::new(H5Dget_type(dataset.id()), H5Tclose)?,
                    Id::new(H5Dget_space(dataset.id()), H5Sclose)?,
                )
            };
            read_text(&kind, &space, |kind, buffer| {
                // SAFETY: `read_text` gives a buffer for all elements of this type and space.
                unsafe { H5Dread(dataset.id(), kind, 0, 0, H5P_DEFAULT, buffer) }
            })
        })
    }

    fn damaged(&self, error: hdf5::Error) -> DatacheckError {
        DatacheckError::Damaged { file: self.path.clone(), problem: error.into() }
    }
}

/// A table: rows of named columns.
pub struct Table {
    file: PathBuf,
    raw: Arc<std::fs::File>,
    path: String,
    dataset: Dataset,
    layout: Layout,
    rows: usize,
    threads: usize,
}

impl Table {
    /// Its columns, in file order.
    pub fn columns(&self) -> &[Column] {
        &self.layout.columns
    }

    /// Its number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns().iter().find(|column| column.name == name)
    }

    /// A text attribute; `None` if it is missing or no text.
    pub fn attribute(&self, name: &str) -> Option<String> {
        let name = CString::new(name).ok()?;
        sync(|| {
            // SAFETY: the dataset is open and the name ends with a zero; ids are checked and
            // closed by `Id`.
            let (attribute, kind, space) = unsafe {
                if H5Aexists(self.dataset.id(), name.as_ptr()) <= 0 {
                    return None;
                }
                let attribute =
                    Id::new(H5Aopen(self.dataset.id(), name.as_ptr(), H5P_DEFAULT), H5Aclose)?;
                let kind = Id::new(H5Aget_type(attribute.0), H5Tclose)?;
                let space = Id::new(H5Aget_space(attribute.0), H5Sclose)?;
                (attribute, kind, space)
            };
            read_text(&kind, &space, |kind, buffer| {
                // SAFETY: `read_text` gives a buffer for all elements of this type and space.
                unsafe { H5Aread(attribute.0, kind, buffer) }
            })
        })
    }

    /// Calls `visit` with each row's number and its cells of the wanted columns, in the order
    /// asked for. Rows are read in blocks, so that memory stays bounded.
    pub fn read(
        &self,
        wanted: &[&str],
        visit: impl FnMut(usize, Row<'_>) -> Result<(), DatacheckError>,
    ) -> Result<(), DatacheckError> {
        self.read_rows(wanted, 0..self.rows, visit)
    }

    /// The same for some rows; those that are not there are left out.
    pub fn read_rows(
        &self,
        wanted: &[&str],
        rows: Range<usize>,
        mut visit: impl FnMut(usize, Row<'_>) -> Result<(), DatacheckError>,
    ) -> Result<(), DatacheckError> {
        let rows = rows.start.min(self.rows)..rows.end.min(self.rows);
        match self.is_packed() {
            true => self.read_packed(wanted, rows, &mut visit),
            false => self.read_blocks(wanted, rows, &mut visit),
        }
    }

    /// Whether its rows are packed one by one, as [`packed`] can read them.
    fn is_packed(&self) -> bool {
        let Ok(plist) = self.dataset.create_plist() else { return false };
        let alone = plist.chunk().is_some_and(|chunk| chunk == [1]);
        alone && matches!(plist.filters().as_slice(), [Filter::Blosc(..), Filter::Fletcher32])
    }

    /// Reads rows that are packed one by one; one that is not intact is left to the library.
    fn read_packed(
        &self,
        wanted: &[&str],
        rows: Range<usize>,
        visit: &mut dyn FnMut(usize, Row<'_>) -> Result<(), DatacheckError>,
    ) -> Result<(), DatacheckError> {
        let Layout { columns, offsets, .. } = &self.layout;
        let picked = self.picked(wanted)?;
        let ends = picked.iter().map(|place| offsets[*place] + columns[*place].bytes());
        let Some(until) = ends.max() else { return Ok(()) };
        let batch = match self.threads {
            1 => rows.len().min(1),
            threads => rows.len().min(threads * ROWS_A_THREAD),
        };
        let mut unpacked = vec![(vec![0; until], false); batch];
        for start in rows.clone().step_by(batch.max(1)) {
            let unpacked = &mut unpacked[..batch.min(rows.end - start)];
            self.unpack(start, unpacked);
            for (row, (bytes, good)) in (start..).zip(&*unpacked) {
                match good {
                    true => visit(row, Row { columns, offsets, picked: &picked, bytes })?,
                    false => self.read_blocks(wanted, row..row + 1, visit)?,
                }
            }
        }
        Ok(())
    }

    /// Unpacks the beginnings of rows, and tells of each whether it could.
    fn unpack(&self, from: usize, rows: &mut [(Vec<u8>, bool)]) {
        let unpack = |row: usize, (bytes, good): &mut (Vec<u8>, bool)| {
            *good = self.unpack_row(row, bytes).is_some();
        };
        if let [only] = rows {
            return unpack(from, only);
        }
        let activity = Activity::current();
        std::thread::scope(|scope| {
            for (part, rows) in rows.chunks_mut(ROWS_A_THREAD).enumerate() {
                let from = from + part * ROWS_A_THREAD;
                let activity = activity.as_ref();
                scope.spawn(move || {
                    let _entered = activity.map(Activity::enter);
                    (from..).zip(rows).for_each(|(row, own)| unpack(row, own));
                });
            }
        });
    }

    fn unpack_row(&self, row: usize, start: &mut [u8]) -> Option<()> {
        let (place, size) = chunk(&self.dataset, row)?;
        if size > MAX_ROW {
            return None;
        }
        let mut bytes = vec![0; size];
        self.raw.read_exact_at(&mut bytes, place).ok()?;
        packed::unpack(&bytes, self.layout.width, start)
    }

    /// Has the library read rows, in blocks.
    fn read_blocks(
        &self,
        wanted: &[&str],
        rows: Range<usize>,
        visit: &mut dyn FnMut(usize, Row<'_>) -> Result<(), DatacheckError>,
    ) -> Result<(), DatacheckError> {
        let (columns, picked) = self.projection(wanted)?;
        let mut offsets = Vec::with_capacity(columns.len());
        let mut width = 0;
        for column in &columns {
            offsets.push(width);
            width += column.bytes();
        }
        if width == 0 {
            return Ok(());
        }
        let block = (BLOCK / width).clamp(1, rows.len().max(1));
        let mut buffer = vec![0; block * width];
        for start in rows.clone().step_by(block) {
            let count = block.min(rows.end - start);
            self.read_block(&columns, &offsets, start, count, &mut buffer[..count * width])
                .map_err(|problem| self.unread(start, &problem))?;
            for (row, bytes) in (start..).zip(buffer[..count * width].chunks_exact(width)) {
                visit(row, Row { columns: &columns, offsets: &offsets, picked: &picked, bytes })?;
            }
        }
        Ok(())
    }

    /// Why the library did not read a row: mostly because it cannot unpack it.
    fn unread(&self, row: usize, problem: &str) -> DatacheckError {
        let file = self.file.clone();
        match filters::undecodable(&self.dataset) {
            Some(filter) => DatacheckError::Packed { file, table: self.path.clone(), filter },
            None => DatacheckError::Damaged {
                file,
                problem: format!("table {}, row {row}: {problem}", self.path).into(),
            },
        }
    }

    /// Where the wanted columns are among the table's.
    fn picked(&self, wanted: &[&str]) -> Result<Vec<usize>, DatacheckError> {
        let pick = |name: &&str| {
            let problem = |problem: &str| DatacheckError::Column {
                file: self.file.clone(),
                table: self.path.clone(),
                column: (*name).to_owned(),
                problem: problem.to_owned(),
            };
            let place = self.columns().iter().position(|column| column.name == *name);
            let place = place.ok_or_else(|| problem("missing"))?;
            match self.columns()[place].kind {
                Kind::Other => Err(problem("of a type that cannot be read")),
                _ => Ok(place),
            }
        };
        wanted.iter().map(pick).collect()
    }

    /// The columns to read, and where the wanted ones are among them.
    fn projection(&self, wanted: &[&str]) -> Result<(Vec<Column>, Vec<usize>), DatacheckError> {
        let picked = self.picked(wanted)?;
        // If most of a row is wanted, all of it is read, in file order: then the library copies
        // whole rows instead of gathering members, which takes half as long again.
        let bytes = |columns: &mut dyn Iterator<Item = &Column>| columns.map(Column::bytes).sum();
        let (part, all): (usize, usize) = (
            bytes(&mut picked.iter().map(|place| &self.columns()[*place])),
            bytes(&mut self.columns().iter()),
        );
        let readable = self.columns().iter().all(|column| column.kind != Kind::Other);
        if readable && 2 * part > all {
            return Ok((self.columns().to_vec(), picked));
        }
        let columns = picked.iter().map(|place| self.columns()[*place].clone()).collect();
        Ok((columns, (0..wanted.len()).collect()))
    }

    /// Reads `count` rows from `start` on; `buffer` holds exactly those rows of those columns.
    fn read_block(
        &self,
        columns: &[Column],
        offsets: &[usize],
        start: usize,
        count: usize,
        buffer: &mut [u8],
    ) -> Result<(), String> {
        let width = buffer.len() / count.max(1);
        sync(|| {
            let wanted: Vec<(CString, usize)> = columns
                .iter()
                .zip(offsets)
                .map(|(column, offset)| Ok((c_name(&column.name)?, *offset)))
                .collect::<Result<_, String>>()?;
            // SAFETY: ids are checked, and closed by `Id` when they go. The memory type has
            // `width` bytes and each member lies within (`offsets` are sums of the members' sizes,
            // which were read from the same file type); the memory space has `count` elements;
            // so the library writes `count * width` bytes, the length of `buffer`. Members with
            // pointers (texts of variable length) were refused as `Kind::Other`.
            unsafe {
                let whole = id(H5Dget_type(self.dataset.id()), H5Tclose, "type")?;
                let memory = id(H5Tcreate(H5T_class_t::H5T_COMPOUND, width), H5Tclose, "type")?;
                for (name, offset) in &wanted {
                    let index = member_index(whole.0, name)?;
                    let member = id(H5Tget_member_type(whole.0, index), H5Tclose, "member")?;
                    check(H5Tinsert(memory.0, name.as_ptr(), *offset, member.0))?;
                }
                let (from, number) = ([start as u64], [count as u64]);
                let file_space = id(H5Dget_space(self.dataset.id()), H5Sclose, "space")?;
                check(H5Sselect_hyperslab(
                    file_space.0,
                    H5S_SELECT_SET,
                    from.as_ptr(),
                    std::ptr::null(),
                    number.as_ptr(),
                    std::ptr::null(),
                ))?;
                let space =
                    id(H5Screate_simple(1, number.as_ptr(), std::ptr::null()), H5Sclose, "space")?;
                check(H5Dread(
                    self.dataset.id(),
                    memory.0,
                    space.0,
                    file_space.0,
                    H5P_DEFAULT,
                    buffer.as_mut_ptr().cast(),
                ))
            }
        })
    }
}

#[cfg(test)]
mod tests;
