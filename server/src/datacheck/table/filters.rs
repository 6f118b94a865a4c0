//! How the rows of a dataset are packed, and whether the linked library can unpack them.

use hdf5::Dataset;
use hdf5::sync::sync;
use hdf5_sys::h5d::H5Dget_create_plist;
use hdf5_sys::h5p::{H5Pclose, H5Pget_filter2, H5Pget_nfilters};
use hdf5_sys::h5z::{H5Z_filter_t, H5Zfilter_avail};

use super::library::id;

/// Blosc's own filter, and where its parameters name the compressor.
const BLOSC: H5Z_filter_t = 32_001;
const COMPRESSOR: usize = 6;
/// Compressors of Blosc that this program has.
const COMPRESSORS: [u32; 5] = [0, 1, 2, 4, 5];

/// Filters by their registered numbers.
const NAMES: [(H5Z_filter_t, &str); 17] = [
    (1, "deflate"),
    (2, "shuffle"),
    (3, "fletcher32"),
    (4, "szip"),
    (5, "nbit"),
    (6, "scaleoffset"),
    (305, "LZO"),
    (307, "bzip2"),
    (32_000, "LZF"),
    (BLOSC, "Blosc"),
    (32_004, "LZ4"),
    (32_008, "bitshuffle"),
    (32_013, "ZFP"),
    (32_015, "Zstandard"),
    (32_017, "SZ"),
    (32_026, "Blosc2"),
    (32_028, "FLAC"),
];

/// The filter with which rows are packed and which the library cannot undo, in words; `None` if it
/// can undo all of them. A filter that is installed as a plugin (`HDF5_PLUGIN_PATH`) counts.
pub fn undecodable(dataset: &Dataset) -> Option<String> {
    sync(|| {
        // SAFETY: the dataset is open; the id is checked and closed by `Id`. The library writes at most
        // as many parameters as there is room for, whose number it is given, and no name.
        unsafe {
            let plist = id(H5Dget_create_plist(dataset.id()), H5Pclose, "property list").ok()?;
            let count = u32::try_from(H5Pget_nfilters(plist.0)).unwrap_or(0);
            (0..count).find_map(|index| {
                let (mut flags, mut config, mut values) = (0, 0, [0u32; 16]);
                let mut number = values.len();
                let filter = H5Pget_filter2(
                    plist.0,
                    index,
                    &raw mut flags,
                    &raw mut number,
                    values.as_mut_ptr(),
                    0,
                    std::ptr::null_mut(),
                    &raw mut config,
                );
                if filter < 0 {
                    return None;
                }
                let compressor =
                    (filter == BLOSC && number > COMPRESSOR).then_some(values[COMPRESSOR]);
                match compressor.filter(|compressor| !COMPRESSORS.contains(compressor)) {
                    Some(3) => Some("Blosc with Snappy".to_owned()),
                    Some(other) => Some(format!("Blosc with compressor {other}")),
                    None => (H5Zfilter_avail(filter) <= 0).then(|| name(filter)),
                }
            })
        }
    })
}

/// `Blosc2 (filter 32026)`.
fn name(filter: H5Z_filter_t) -> String {
    match NAMES.iter().find(|(number, _)| *number == filter) {
        Some((number, name)) => format!("{name} (filter {number})"),
        None => format!("filter {filter}"),
    }
}
