//! The library's own calls: identifiers that close themselves, descriptions of columns, texts.

use std::ffi::{CStr, CString, c_uint, c_void};

use hdf5::Dataset;
use hdf5::sync::sync;
use hdf5_sys::h5::{H5free_memory, herr_t};
use hdf5_sys::h5d::{H5Dget_chunk_info_by_coord, H5Dget_type};
use hdf5_sys::h5i::hid_t;
use hdf5_sys::h5s::{H5S_class_t, H5Sget_simple_extent_npoints, H5Sget_simple_extent_type};
use hdf5_sys::h5t::{
    H5T_class_t, H5T_order_t, H5T_sign_t, H5Tclose, H5Tget_array_dims2, H5Tget_array_ndims,
    H5Tget_class, H5Tget_member_name, H5Tget_member_offset, H5Tget_member_type, H5Tget_nmembers,
    H5Tget_order, H5Tget_sign, H5Tget_size, H5Tget_super, H5Tis_variable_str,
};

use super::MAX_ROW;
use super::cell::{Column, Kind};

/// No text attribute that we read is longer.
const MAX_TEXT: usize = 1 << 20;

/// A type, space or attribute of the library, closed when dropped.
pub struct Id(pub hid_t, unsafe extern "C" fn(hid_t) -> herr_t);

impl Id {
    /// An identifier that the library gave, unless it gave none.
    pub fn new(raw: hid_t, close: unsafe extern "C" fn(hid_t) -> herr_t) -> Option<Self> {
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

/// An identifier that the library gave, or the reason why it gave none.
pub fn id(
    raw: hid_t,
    close: unsafe extern "C" fn(hid_t) -> herr_t,
    what: &str,
) -> Result<Id, String> {
    Id::new(raw, close).ok_or_else(|| last_error(&format!("no {what}")))
}

/// An error if the library says that it failed.
pub fn check(status: herr_t) -> Result<(), String> {
    if status < 0 { Err(last_error("the library failed")) } else { Ok(()) }
}

/// What the library says about its last failure on this thread.
pub fn last_error(otherwise: &str) -> String {
    hdf5::Error::query().map_or_else(|_| otherwise.to_owned(), |error| error.to_string())
}

/// A name as the library takes it.
pub fn c_name(name: &str) -> Result<CString, String> {
    CString::new(name).map_err(|_| format!("name with a zero byte: {name:?}"))
}

/// Which member of a compound type has this name.
///
/// # Safety
/// `compound` must be an open compound type.
pub unsafe fn member_index(compound: hid_t, name: &CStr) -> Result<c_uint, String> {
    // SAFETY: the caller's; the name ends with a zero.
    let index = unsafe { hdf5_sys::h5t::H5Tget_member_index(compound, name.as_ptr()) };
    c_uint::try_from(index).map_err(|_| format!("no column {}", name.to_string_lossy()))
}

/// How a row lies in a file.
pub struct Layout {
    /// Its columns.
    pub columns: Vec<Column>,
    /// Where each begins [bytes].
    pub offsets: Vec<usize>,
    /// Bytes of a row.
    pub width: usize,
}

/// The rows of a dataset of a compound type.
pub fn layout(dataset: &Dataset) -> Result<Layout, String> {
    sync(|| {
        // SAFETY: the dataset is open; ids are checked and closed by `Id`; a member's name is a
        // string that the library allocated for us, freed once copied.
        unsafe {
            let whole = id(H5Dget_type(dataset.id()), H5Tclose, "type")?;
            if H5Tget_class(whole.0) != H5T_class_t::H5T_COMPOUND {
                return Err("not a table: its elements are no compounds".into());
            }
            let count = c_uint::try_from(H5Tget_nmembers(whole.0)).unwrap_or(0);
            let width = H5Tget_size(whole.0);
            let (mut columns, mut offsets) = (Vec::new(), Vec::new());
            for index in 0..count {
                let raw = H5Tget_member_name(whole.0, index);
                if raw.is_null() {
                    return Err(last_error("a column without a name"));
                }
                let name = CStr::from_ptr(raw).to_string_lossy().into_owned();
                H5free_memory(raw.cast());
                let member = id(H5Tget_member_type(whole.0, index), H5Tclose, "member")?;
                let (column, offset) =
                    (describe(name, member)?, H5Tget_member_offset(whole.0, index));
                if offset.checked_add(column.bytes()).is_none_or(|end| end > width) {
                    return Err(format!("column {} lies outside of its row", column.name));
                }
                columns.push(column);
                offsets.push(offset);
            }
            Ok(Layout { columns, offsets, width })
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

/// Reads texts of a type and space through `read`, and gives the first. PyTables' empty texts have
/// no space at all (reading them would give whatever is in memory), and long ones variable length.
pub fn read_text(
    kind: &Id,
    space: &Id,
    read: impl Fn(hid_t, *mut c_void) -> herr_t,
) -> Option<String> {
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

/// Where in the file the chunk is that begins with this row, and its bytes; `None` if there is none,
/// or if it was written without some of the dataset's filters.
pub fn chunk(dataset: &Dataset, row: usize) -> Option<(u64, usize)> {
    let (start, mut unfiltered, mut place, mut size) = ([row as u64], 0, u64::MAX, 0);
    // SAFETY: the dataset is open and has one dimension, as `start`; the library writes the three
    // numbers that it is given places for.
    let status = sync(|| unsafe {
        H5Dget_chunk_info_by_coord(
            dataset.id(),
            start.as_ptr(),
            &raw mut unfiltered,
            &raw mut place,
            &raw mut size,
        )
    });
    let there = status >= 0 && unfiltered == 0 && place != u64::MAX && size > 0;
    there.then_some((place, usize::try_from(size).ok()?))
}
