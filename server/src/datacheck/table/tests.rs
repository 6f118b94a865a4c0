//! Rows that are unpacked here are those that the library reads.

use super::*;
use crate::hint::Hint;

const ROWS: usize = 11;
const CELLS: usize = 9000;

fn column(name: &str, kind: Kind, size: usize, dims: &[usize]) -> Column {
    Column { name: name.into(), kind, size, big_endian: false, dims: dims.to_vec() }
}

/// A file with a table as lstchain's are: `level` of compression, each row a chunk.
fn written(level: u8) -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("table.h5");
    let columns = [
        column("subrun_index", Kind::Int, 8, &[]),
        column("values", Kind::Float, 8, &[CELLS]),
        column("last", Kind::Float, 4, &[]),
    ];
    let mut bytes = Vec::new();
    for row in 0..ROWS {
        bytes.extend((row as i64).to_le_bytes());
        // Numbers that repeat, but not so that a row is one run of zeros.
        bytes.extend((0..CELLS).flat_map(|cell| (((cell * row) % 97) as f64).to_le_bytes()));
        bytes.extend((row as f32 / 2.0).to_le_bytes());
    }
    let mut create = hdf5::plist::DatasetCreate::build();
    create.chunk(1).blosc_zstd(level, true).fletcher32();
    let file = hdf5::File::create(&path).unwrap();
    write(&file, "/table", &columns, &bytes, &create.finish().unwrap()).unwrap();
    file.close().unwrap();
    (dir, path)
}

type Rows = Vec<(usize, Vec<f64>)>;

fn rows(
    wanted: &[&str],
    read: impl FnOnce(
        &mut dyn FnMut(usize, Row<'_>) -> Result<(), DatacheckError>,
    ) -> Result<(), DatacheckError>,
) -> Result<Rows, DatacheckError> {
    let mut rows = Vec::new();
    read(&mut |number, row| {
        rows.push((number, (0..wanted.len()).flat_map(|cell| row.cell(cell).numbers()).collect()));
        Ok(())
    })?;
    Ok(rows)
}

#[test]
fn packed_rows_are_those_that_the_library_reads() {
    for level in [1, 9] {
        let (_dir, path) = written(level);
        let table = File::open(&path).unwrap().table("/table").unwrap().unwrap();
        assert!(table.is_packed());
        for wanted in [&["subrun_index"][..], &["last", "values"], &["values"], &[]] {
            for part in [0..ROWS, 3..4, 2..9, 5..5, 9..40] {
                let part = part.start..part.end.min(ROWS);
                let ours = rows(wanted, |visit| table.read_packed(wanted, part.clone(), visit));
                let theirs = rows(wanted, |visit| table.read_blocks(wanted, part.clone(), visit));
                assert_eq!(ours.unwrap(), theirs.unwrap(), "level {level}, {wanted:?} {part:?}");
            }
        }
        for row in 0..ROWS {
            let mut start = vec![0; table.layout.width];
            assert!(table.unpack_row(row, &mut start).is_some(), "row {row} is the library's");
        }
    }
}

#[test]
fn a_damaged_row_is_an_error_and_no_wrong_number() {
    let (_dir, path) = written(9);
    let (place, size) = {
        let table = File::open(&path).unwrap().table("/table").unwrap().unwrap();
        chunk(&table.dataset, 7).unwrap()
    };
    for at in [20, size / 2, size - 1] {
        let mut bytes = std::fs::read(&path).unwrap();
        let damaged = usize::try_from(place).unwrap() + at;
        bytes[damaged] ^= 0x10;
        let other = path.with_extension("damaged.h5");
        std::fs::write(&other, bytes).unwrap();
        let table = File::open(&other).unwrap().table("/table").unwrap().unwrap();
        let read = |part| rows(&["values"], |visit| table.read_rows(&["values"], part, visit));
        assert_eq!(read(0..7).unwrap().len(), 7);
        let problem = read(0..ROWS).unwrap_err().to_string();
        assert!(problem.contains("damaged") && problem.contains("row 7"), "{problem}");
    }
}

/// Gives the rows' first filter another number, as a file from elsewhere has it.
fn packed_with(path: &Path, filter: u16) {
    let mut bytes = std::fs::read(path).unwrap();
    let blosc = 32_001u16.to_le_bytes();
    // Number, length of the name, flags, number of parameters, name.
    let at =
        bytes.windows(13).position(|part| part[..2] == blosc && &part[8..] == b"blosc").unwrap();
    bytes[at..at + 2].copy_from_slice(&filter.to_le_bytes());
    std::fs::write(path, bytes).unwrap();
}

#[test]
fn a_filter_that_cannot_be_undone_is_named() {
    for (filter, name) in
        [(32_026, "Blosc2 (filter 32026)"), (307, "bzip2 (filter 307)"), (33_333, "filter 33333")]
    {
        let (_dir, path) = written(1);
        packed_with(&path, filter);
        let table = File::open(&path).unwrap().table("/table").unwrap().unwrap();
        let error = rows(&["values"], |visit| table.read(&["values"], visit)).unwrap_err();
        assert!(matches!(error, DatacheckError::Packed { .. }), "{error}");
        assert!(
            error.to_string().contains(&format!("table /table is packed with {name}, ")),
            "{error}"
        );
        assert!(error.hint().unwrap().contains("HDF5_PLUGIN_PATH"));
    }
}
