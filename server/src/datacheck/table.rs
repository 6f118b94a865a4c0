//! Tables of HDF5 files as PyTables writes them: one-dimensional datasets of a compound type whose
//! members may be arrays of any rank. The safe interface of the library's binding cannot read
//! those, so this module speaks to the library itself; it is the only place with `unsafe`.
//!
//! Rows are read as bytes, with a memory type that holds the wanted columns, matched by name and
//! each of exactly its type in the file. The library thus converts nothing; bytes become numbers
//! in safe code ([`Cell`]), which also understands PyTables' booleans (bit fields).
//!
//! The library works under one global lock: nothing here may be called on an asynchronous thread.

use std::ffi::{CStr, CString, c_uint, c_void};
use std::ops::Range;
use std::path::{Path, PathBuf};

use hdf5::plist::DatasetCreate;
use hdf5::sync::sync;
use hdf5::{Dataset, Group};
use hdf5_sys::h5::{H5free_memory, herr_t};
use hdf5_sys::h5a::{H5Aclose, H5Aexists, H5Aget_space, H5Aget_type, H5Aopen, H5Aread};
use hdf5_sys::h5d::{
    H5Dcreate2, H5Dget_space, H5Dget_storage_size, H5Dget_type, H5Dread, H5Dwrite,
};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5p::H5P_DEFAULT;
use hdf5_sys::h5s::{
    H5S_SELECT_SET, H5S_class_t, H5Sclose, H5Screate_simple, H5Sget_simple_extent_npoints,
    H5Sget_simple_extent_type, H5Sselect_hyperslab,
};
use hdf5_sys::h5t::{
    H5T_class_t, H5T_cset_t, H5T_order_t, H5T_sign_t, H5T_str_t, H5Tarray_create2, H5Tclose,
    H5Tcopy, H5Tcreate, H5Tget_array_dims2, H5Tget_array_ndims, H5Tget_class, H5Tget_member_name,
    H5Tget_member_type, H5Tget_nmembers, H5Tget_order, H5Tget_sign, H5Tget_size, H5Tget_super,
    H5Tinsert, H5Tis_variable_str, H5Tset_cset, H5Tset_size, H5Tset_strpad,
};

use super::error::DatacheckError;

/// Rows are read in blocks of at most this many bytes, or one by one if a row is larger.
const BLOCK: usize = 1 << 20;
/// No row of a real file is larger (1855 pixels, 45 columns: 0.7 MB).
const MAX_ROW: usize = 16 << 20;
/// No table of a real file has more rows (a row a subrun, for years of nights).
const MAX_ROWS: usize = 10_000_000;
/// A table that claims to be so many times larger than what is stored of it was not written by
/// anybody; a table of zeros compresses by less than 10,000.
const MAX_COMPRESSION: u128 = 100_000;
/// No text attribute that we read is longer.
const MAX_TEXT: usize = 1 << 20;

/// How a number is stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Signed integer.
    Int,
    /// Unsigned integer.
    Uint,
    /// IEEE floating-point number.
    Float,
    /// A byte, 0 or 1.
    Bool,
    /// Text of a fixed width, padded with zeros.
    Text,
    /// Anything else; cannot be read.
    Other,
}

/// A column of a table.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// How an element is stored.
    pub kind: Kind,
    /// Bytes of an element.
    pub size: usize,
    /// Whether the most significant byte comes first.
    pub big_endian: bool,
    /// Shape of a cell; empty for a scalar.
    pub dims: Vec<usize>,
}

impl Column {
    /// Number of elements in a cell.
    pub fn elements(&self) -> usize {
        self.dims.iter().product()
    }

    /// Bytes of a cell.
    pub fn bytes(&self) -> usize {
        self.elements() * self.size
    }

    /// Whether its cells can be read as numbers.
    pub fn is_number(&self) -> bool {
        match self.kind {
            Kind::Int | Kind::Uint => matches!(self.size, 1 | 2 | 4 | 8),
            Kind::Float => matches!(self.size, 4 | 8),
            Kind::Bool => self.size == 1,
            Kind::Text | Kind::Other => false,
        }
    }

    /// The element's type as numpy writes it, such as `<f4`.
    pub fn dtype(&self) -> String {
        let order = match (self.size, self.big_endian) {
            (1, _) => '|',
            (_, true) => '>',
            (_, false) => '<',
        };
        match self.kind {
            Kind::Int => format!("{order}i{}", self.size),
            Kind::Uint => format!("{order}u{}", self.size),
            Kind::Float => format!("{order}f{}", self.size),
            Kind::Bool => "|b1".into(),
            Kind::Text => format!("|S{}", self.size),
            Kind::Other => format!("|V{}", self.size),
        }
    }
}

/// The value of a column in a row: bytes, and what they mean.
#[derive(Clone, Copy)]
pub struct Cell<'a> {
    column: &'a Column,
    bytes: &'a [u8],
}

impl<'a> Cell<'a> {
    /// A cell of `column`; bytes beyond the column's are ignored.
    pub fn new(column: &'a Column, bytes: &'a [u8]) -> Self {
        Self { column, bytes }
    }

    /// Its elements as numbers, in C order. Integers beyond 2^53 are rounded; none if the column
    /// holds no numbers.
    pub fn numbers(&self) -> Vec<f64> {
        let mut numbers = Vec::with_capacity(self.column.elements());
        self.for_each(|value| numbers.push(value));
        numbers
    }

    /// Calls `take` with each element as [`numbers`](Self::numbers) would give it. What real files
    /// have most of goes through loops of its own: a run has a hundred million elements.
    #[allow(clippy::cast_precision_loss)]
    pub fn for_each(&self, mut take: impl FnMut(f64)) {
        let column = self.column;
        if !column.is_number() {
            return;
        }
        let bytes = &self.bytes[..column.bytes().min(self.bytes.len())];
        match (column.kind, column.size, column.big_endian) {
            (Kind::Float, 8, false) => {
                bytes.as_chunks().0.iter().for_each(|element| take(f64::from_le_bytes(*element)));
            }
            (Kind::Float, 4, false) => bytes
                .as_chunks()
                .0
                .iter()
                .for_each(|element| take(f32::from_le_bytes(*element).into())),
            (Kind::Int, 8, false) => bytes
                .as_chunks()
                .0
                .iter()
                .for_each(|element| take(i64::from_le_bytes(*element) as f64)),
            _ => bytes.chunks_exact(column.size).for_each(|element| take(number(column, element))),
        }
    }

    /// Its first element as a number.
    pub fn first(&self) -> Option<f64> {
        let column = self.column;
        let element = self.bytes.get(..column.size)?;
        (column.is_number() && column.elements() > 0).then(|| number(column, element))
    }

    /// Its elements as integers; floating-point numbers are cut.
    #[allow(clippy::cast_possible_truncation)]
    pub fn integers(&self) -> impl Iterator<Item = i64> + use<'a> {
        let column = self.column;
        let exact = matches!(column.kind, Kind::Int) && column.size == 8;
        self.bytes
            .chunks_exact(column.size.max(1))
            .take(if column.is_number() { column.elements() } else { 0 })
            .map(move |bytes| match bytes.try_into() {
                Ok(bytes) if exact && column.big_endian => i64::from_be_bytes(bytes),
                Ok(bytes) if exact => i64::from_le_bytes(bytes),
                _ => number(column, bytes) as i64,
            })
    }
}

/// An element as a number; not a number if the column holds none.
#[allow(clippy::cast_precision_loss)]
fn number(column: &Column, bytes: &[u8]) -> f64 {
    let mut little = [0; 8];
    let Some(target) = little.get_mut(..bytes.len()) else { return f64::NAN };
    target.copy_from_slice(bytes);
    if column.big_endian {
        target.reverse();
    }
    let raw = u64::from_le_bytes(little);
    let spare = 64 - 8 * u32::try_from(column.size.clamp(1, 8)).unwrap_or(8);
    match (column.kind, column.size) {
        (Kind::Float, 8) => f64::from_bits(raw),
        (Kind::Float, 4) => f32::from_le_bytes([little[0], little[1], little[2], little[3]]).into(),
        (Kind::Int, _) => ((raw << spare).cast_signed() >> spare) as f64,
        (Kind::Uint | Kind::Bool, _) => raw as f64,
        _ => f64::NAN,
    }
}

/// A row of the columns that were asked for.
pub struct Row<'a> {
    columns: &'a [Column],
    offsets: &'a [usize],
    picked: &'a [usize],
    bytes: &'a [u8],
}

impl Row<'_> {
    /// The cell of the `index`th column asked for.
    pub fn cell(&self, index: usize) -> Cell<'_> {
        let place = self.picked[index];
        let column = &self.columns[place];
        let start = self.offsets[place];
        Cell::new(column, &self.bytes[start..start + column.bytes()])
    }
}

/// An HDF5 file open for reading.
pub struct File {
    path: PathBuf,
    file: hdf5::File,
}

impl File {
    /// Opens a file. It is not locked: whoever writes it must not fail because we look.
    pub fn open(path: &Path) -> Result<Self, DatacheckError> {
        let read = |cause| DatacheckError::Read { file: path.to_owned(), cause };
        let size = std::fs::metadata(path).map_err(read)?;
        if !size.is_file() {
            let problem = "not a file; give a datacheck HDF5 file".into();
            return Err(DatacheckError::Foreign { file: path.to_owned(), problem });
        }
        let mut start = [0; 8];
        let head = std::fs::File::open(path)
            .and_then(|mut file| std::io::Read::read(&mut file, &mut start))
            .map_err(read)?;
        if head < 8 {
            let problem = format!("it has {} bytes", size.len());
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
                problem: error.to_string(),
            })?;
        Ok(Self { path: path.to_owned(), file: opened })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Paths of all groups and datasets, sorted; of a file with very many, the first thousand.
    pub fn nodes(&self) -> Result<Vec<String>, DatacheckError> {
        let mut nodes = vec!["/".to_owned()];
        self.walk(&self.file, "", 0, &mut nodes)?;
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
        for name in group.member_names().map_err(|error| self.damaged(&error))? {
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
        let foreign = |problem: String| DatacheckError::Table {
            file: self.path.clone(),
            table: path.to_owned(),
            problem,
        };
        let dataset = self.file.dataset(path).map_err(|error| foreign(error.to_string()))?;
        let &[rows] = dataset.shape().as_slice() else {
            return Err(foreign("not one-dimensional: no table".into()));
        };
        let columns = columns(&dataset).map_err(&foreign)?;
        let width: usize = columns.iter().map(Column::bytes).sum();
        if rows > MAX_ROWS || width > MAX_ROW {
            return Err(foreign(format!("{rows} rows of {width} bytes: too large to be real")));
        }
        // SAFETY: the dataset is open; the call only asks for a number.
        let stored = sync(|| unsafe { H5Dget_storage_size(dataset.id()) });
        if rows as u128 * width as u128 > MAX_COMPRESSION * u128::from(stored) {
            let problem = format!("{rows} rows of {width} bytes, but {stored} bytes are stored");
            return Err(DatacheckError::Damaged {
                file: self.path.clone(),
                problem: format!("table {path}: {problem}"),
            });
        }
        Ok(Some(Table { file: self.path.clone(), path: path.to_owned(), dataset, columns, rows }))
    }

    /// Whether a group or dataset is there; parents may be missing, too.
    pub fn has(&self, path: &str) -> bool {
        let mut reached = String::new();
        path.split('/').filter(|part| !part.is_empty()).all(|part| {
            reached = format!("{reached}/{part}");
            self.file.link_exists(&reached)
        })
    }

    /// The first element of a dataset of texts, as PyTables keeps single words.
    pub fn text(&self, path: &str) -> Option<String> {
        if !self.has(path) {
            return None;
        }
        let dataset = self.file.dataset(path).ok()?;
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

    fn damaged(&self, error: &hdf5::Error) -> DatacheckError {
        DatacheckError::Damaged { file: self.path.clone(), problem: error.to_string() }
    }
}

/// A table: rows of named columns.
pub struct Table {
    file: PathBuf,
    path: String,
    dataset: Dataset,
    columns: Vec<Column>,
    rows: usize,
}

impl Table {
    /// Its columns, in file order.
    pub fn columns(&self) -> &[Column] {
        &self.columns
    }

    /// Its number of rows.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The column of this name.
    pub fn column(&self, name: &str) -> Option<&Column> {
        self.columns.iter().find(|column| column.name == name)
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
        let (from, to) = (rows.start.min(self.rows), rows.end.min(self.rows));
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
        let block = (BLOCK / width).clamp(1, to.saturating_sub(from).max(1));
        let mut buffer = vec![0; block * width];
        let mut start = from;
        while start < to {
            let count = block.min(to - start);
            self.read_block(&columns, &offsets, start, count, &mut buffer[..count * width])
                .map_err(|problem| DatacheckError::Damaged {
                    file: self.file.clone(),
                    problem: format!("table {}, row {start}: {problem}", self.path),
                })?;
            for (index, bytes) in buffer[..count * width].chunks_exact(width).enumerate() {
                visit(
                    start + index,
                    Row { columns: &columns, offsets: &offsets, picked: &picked, bytes },
                )?;
            }
            start += count;
        }
        Ok(())
    }

    /// The columns to read, and where the wanted ones are among them.
    fn projection(&self, wanted: &[&str]) -> Result<(Vec<Column>, Vec<usize>), DatacheckError> {
        let mut picked = Vec::with_capacity(wanted.len());
        for name in wanted {
            let problem = |problem: &str| DatacheckError::Column {
                file: self.file.clone(),
                table: self.path.clone(),
                column: (*name).to_owned(),
                problem: problem.to_owned(),
            };
            let place = self.columns.iter().position(|column| column.name == *name);
            let place = place.ok_or_else(|| problem("missing"))?;
            if self.columns[place].kind == Kind::Other {
                return Err(problem("of a type that cannot be read"));
            }
            picked.push(place);
        }
        // If most of a row is wanted, all of it is read, in file order: then the library copies
        // whole rows instead of gathering members, which takes half as long again.
        let bytes = |columns: &mut dyn Iterator<Item = &Column>| columns.map(Column::bytes).sum();
        let (part, all): (usize, usize) = (
            bytes(&mut picked.iter().map(|place| &self.columns[*place])),
            bytes(&mut self.columns.iter()),
        );
        let readable = self.columns.iter().all(|column| column.kind != Kind::Other);
        if readable && 2 * part > all {
            return Ok((self.columns.clone(), picked));
        }
        let columns = picked.iter().map(|place| self.columns[*place].clone()).collect();
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

/// Writes a table of a new dataset: `bytes` are its rows, each the columns' cells one after
/// another. `create` says how it is stored (chunks and filters). For stand-ins and tests: the
/// product itself writes no HDF5.
pub fn write(
    file: &hdf5::File,
    path: &str,
    columns: &[Column],
    bytes: &[u8],
    create: &DatasetCreate,
) -> Result<(), String> {
    let width: usize = columns.iter().map(Column::bytes).sum();
    if width == 0 || !bytes.len().is_multiple_of(width) {
        return Err(format!("{} bytes are no rows of {width} bytes", bytes.len()));
    }
    let rows = [(bytes.len() / width) as u64];
    let limit = [u64::MAX];
    let path = c_name(path)?;
    sync(|| {
        // SAFETY: ids are checked, and closed by `Id` when they go. The type has `width` bytes
        // with members inside, the space `rows` elements: the library reads `rows * width` bytes,
        // the length of `bytes` (checked above).
        unsafe {
            let kind = id(H5Tcreate(H5T_class_t::H5T_COMPOUND, width), H5Tclose, "type")?;
            let mut offset = 0;
            for column in columns {
                let member = member_type(column)?;
                check(H5Tinsert(kind.0, c_name(&column.name)?.as_ptr(), offset, member.0))?;
                offset += column.bytes();
            }
            let space = id(H5Screate_simple(1, rows.as_ptr(), limit.as_ptr()), H5Sclose, "space")?;
            let dataset = H5Dcreate2(
                file.id(),
                path.as_ptr(),
                kind.0,
                space.0,
                H5P_DEFAULT,
                create.id(),
                H5P_DEFAULT,
            );
            let dataset = id(dataset, hdf5_sys::h5d::H5Dclose, "dataset")?;
            check(H5Dwrite(dataset.0, kind.0, 0, 0, H5P_DEFAULT, bytes.as_ptr().cast()))
        }
    })
}

/// A type, space or attribute of the library, closed when dropped.
struct Id(hid_t, unsafe extern "C" fn(hid_t) -> herr_t);

impl Id {
    fn new(raw: hid_t, close: unsafe extern "C" fn(hid_t) -> herr_t) -> Option<Self> {
        (raw >= 0).then_some(Self(raw, close))
    }
}

impl Drop for Id {
    fn drop(&mut self) {
        // SAFETY: the id is valid (`new`), owned by this value alone, and closed by its own kind's
        // function. Ids live within `sync` only, whose lock this thread holds.
        unsafe {
            (self.1)(self.0);
        }
    }
}

fn id(raw: hid_t, close: unsafe extern "C" fn(hid_t) -> herr_t, what: &str) -> Result<Id, String> {
    Id::new(raw, close).ok_or_else(|| last_error(&format!("no {what}")))
}

fn check(status: herr_t) -> Result<(), String> {
    if status < 0 { Err(last_error("the library failed")) } else { Ok(()) }
}

/// What the library says about its last failure on this thread.
fn last_error(otherwise: &str) -> String {
    hdf5::Error::query().map_or_else(|_| otherwise.to_owned(), |error| error.to_string())
}

fn c_name(name: &str) -> Result<CString, String> {
    CString::new(name).map_err(|_| format!("name with a zero byte: {name:?}"))
}

/// Which member of a compound type has this name.
///
/// # Safety
/// `compound` must be an open compound type.
unsafe fn member_index(compound: hid_t, name: &CStr) -> Result<c_uint, String> {
    // SAFETY: the caller's; the name ends with a zero.
    let index = unsafe { hdf5_sys::h5t::H5Tget_member_index(compound, name.as_ptr()) };
    c_uint::try_from(index).map_err(|_| format!("no column {}", name.to_string_lossy()))
}

/// The columns of a dataset of a compound type.
fn columns(dataset: &Dataset) -> Result<Vec<Column>, String> {
    sync(|| {
        // SAFETY: the dataset is open; ids are checked and closed by `Id`; a member's name is a
        // string that the library allocated for us, freed once copied.
        unsafe {
            let whole = id(H5Dget_type(dataset.id()), H5Tclose, "type")?;
            if H5Tget_class(whole.0) != H5T_class_t::H5T_COMPOUND {
                return Err("not a table: its elements are no compounds".into());
            }
            let count = c_uint::try_from(H5Tget_nmembers(whole.0)).unwrap_or(0);
            let mut columns = Vec::new();
            for index in 0..count {
                let raw = H5Tget_member_name(whole.0, index);
                if raw.is_null() {
                    return Err(last_error("a column without a name"));
                }
                let name = CStr::from_ptr(raw).to_string_lossy().into_owned();
                H5free_memory(raw.cast());
                let member = id(H5Tget_member_type(whole.0, index), H5Tclose, "member")?;
                columns.push(describe(name, member)?);
            }
            Ok(columns)
        }
    })
}

/// What a member's type is; arrays of arrays become one shape.
fn describe(name: String, mut member: Id) -> Result<Column, String> {
    let mut dims = Vec::new();
    // SAFETY: `member` is an open type, as is each type it is made of; the array of dimensions has
    // the length that the library gave.
    unsafe {
        while H5Tget_class(member.0) == H5T_class_t::H5T_ARRAY {
            let rank = usize::try_from(H5Tget_array_ndims(member.0)).unwrap_or(0);
            let mut shape = vec![0u64; rank];
            check(H5Tget_array_dims2(member.0, shape.as_mut_ptr()))?;
            dims.extend(shape.iter().map(|&extent| usize::try_from(extent).unwrap_or(usize::MAX)));
            member = id(H5Tget_super(member.0), H5Tclose, "element")?;
        }
        let elements = dims.iter().try_fold(1usize, |all, &extent| all.checked_mul(extent));
        let size = H5Tget_size(member.0);
        if elements.and_then(|all| all.checked_mul(size)).is_none_or(|bytes| bytes > MAX_ROW) {
            return Err(format!("column {name} is too large to be real"));
        }
        let kind = match H5Tget_class(member.0) {
            H5T_class_t::H5T_INTEGER if H5Tget_sign(member.0) == H5T_sign_t::H5T_SGN_NONE => {
                Kind::Uint
            }
            H5T_class_t::H5T_INTEGER => Kind::Int,
            H5T_class_t::H5T_FLOAT => Kind::Float,
            H5T_class_t::H5T_BITFIELD if size == 1 => Kind::Bool,
            H5T_class_t::H5T_STRING if H5Tis_variable_str(member.0) == 0 => Kind::Text,
            _ => Kind::Other,
        };
        let big_endian = H5Tget_order(member.0) == H5T_order_t::H5T_ORDER_BE;
        Ok(Column { name, kind, size, big_endian, dims })
    }
}

/// The library's type for a column's cells.
///
/// # Safety
/// The library's lock must be held.
unsafe fn member_type(column: &Column) -> Result<Id, String> {
    use hdf5_sys::h5t as t;
    let base = match (column.kind, column.size, column.big_endian) {
        (Kind::Int, 1, _) => *t::H5T_STD_I8LE,
        (Kind::Int, 2, false) => *t::H5T_STD_I16LE,
        (Kind::Int, 4, false) => *t::H5T_STD_I32LE,
        (Kind::Int, 8, false) => *t::H5T_STD_I64LE,
        (Kind::Int, 8, true) => *t::H5T_STD_I64BE,
        (Kind::Uint, 1, _) => *t::H5T_STD_U8LE,
        (Kind::Uint, 2, false) => *t::H5T_STD_U16LE,
        (Kind::Uint, 8, false) => *t::H5T_STD_U64LE,
        (Kind::Float, 4, false) => *t::H5T_IEEE_F32LE,
        (Kind::Float, 8, false) => *t::H5T_IEEE_F64LE,
        (Kind::Float, 4, true) => *t::H5T_IEEE_F32BE,
        (Kind::Float, 8, true) => *t::H5T_IEEE_F64BE,
        (Kind::Bool, 1, _) => *t::H5T_STD_B8LE,
        (Kind::Text, ..) => *t::H5T_C_S1,
        _ => return Err(format!("column {}: no way to write {}", column.name, column.dtype())),
    };
    // SAFETY: predefined types live for ever; copies are checked and closed by `Id`; the array of
    // dimensions has the length that is given.
    unsafe {
        let element = id(H5Tcopy(base), H5Tclose, "type")?;
        if column.kind == Kind::Text {
            check(H5Tset_size(element.0, column.size))?;
            check(H5Tset_strpad(element.0, H5T_str_t::H5T_STR_NULLPAD))?;
            check(H5Tset_cset(element.0, H5T_cset_t::H5T_CSET_ASCII))?;
        }
        if column.dims.is_empty() {
            return Ok(element);
        }
        let dims: Vec<u64> = column.dims.iter().map(|&extent| extent as u64).collect();
        let rank = c_uint::try_from(dims.len()).map_err(|error| error.to_string())?;
        id(H5Tarray_create2(element.0, rank, dims.as_ptr()), H5Tclose, "array type")
    }
}

/// Reads texts of a type and space through `read`, and gives the first. PyTables' empty texts have
/// no space at all (reading them would give whatever is in memory), and long ones variable length.
fn read_text(kind: &Id, space: &Id, read: impl Fn(hid_t, *mut c_void) -> herr_t) -> Option<String> {
    // SAFETY: both are open. The buffer has the bytes of all elements. Texts of variable length
    // arrive as one pointer to a string that the library allocated, freed once copied; more than
    // one of those is refused.
    unsafe {
        if H5Tget_class(kind.0) != H5T_class_t::H5T_STRING
            || H5Sget_simple_extent_type(space.0) == H5S_class_t::H5S_NULL
        {
            return None;
        }
        let count = usize::try_from(H5Sget_simple_extent_npoints(space.0)).ok()?;
        if H5Tis_variable_str(kind.0) > 0 {
            let mut text: *mut std::ffi::c_char = std::ptr::null_mut();
            if count != 1 || read(kind.0, (&raw mut text).cast()) < 0 || text.is_null() {
                return None;
            }
            let copy = CStr::from_ptr(text).to_string_lossy().into_owned();
            H5free_memory(text.cast());
            return Some(copy);
        }
        let size = H5Tget_size(kind.0);
        let bytes = size.checked_mul(count).filter(|bytes| (1..=MAX_TEXT).contains(bytes))?;
        let mut buffer = vec![0u8; bytes];
        if read(kind.0, buffer.as_mut_ptr().cast()) < 0 {
            return None;
        }
        let first = buffer.get(..size)?;
        let end = first.iter().position(|&byte| byte == 0).unwrap_or(size);
        Some(String::from_utf8_lossy(&first[..end]).into_owned())
    }
}
