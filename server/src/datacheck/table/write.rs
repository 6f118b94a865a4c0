//! Writing tables, for stand-ins and tests: the product itself writes no HDF5.

use std::ffi::c_uint;

use hdf5::plist::DatasetCreate;
use hdf5::sync::sync;
use hdf5_sys::h5d::{H5Dcreate2, H5Dwrite};
use hdf5_sys::h5p::H5P_DEFAULT;
use hdf5_sys::h5s::{H5Sclose, H5Screate_simple};
use hdf5_sys::h5t::{
    H5T_class_t, H5T_cset_t, H5T_str_t, H5Tarray_create2, H5Tclose, H5Tcopy, H5Tcreate, H5Tinsert,
    H5Tset_cset, H5Tset_size, H5Tset_strpad,
};

use super::cell::{Column, Kind};
use super::library::{Id, c_name, check, id};

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
    // SAFETY: predefined types live forever; copies are checked and closed by `Id`; the array of
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
