//! Binary tables of FITS files (FITS standard 4.0, section 7.3), as far as muon files need them:
//! one table of columns of fixed width.

use std::path::Path;

use super::error::DatacheckError;
use super::table::{Cell, Column, Kind};
use crate::input_file;

/// FITS files are made of blocks of this many bytes.
const BLOCK: usize = 2880;
/// Header lines are this long.
const CARD: usize = 80;
/// Larger files of muon rings do not exist (a real one has some 100 kB).
const MAX_FILE: u64 = 256 << 20;

/// The first binary table of a file.
pub struct BinTable {
    /// Its columns, big-endian.
    pub columns: Vec<Column>,
    offsets: Vec<usize>,
    width: usize,
    bytes: Vec<u8>,
}

impl BinTable {
    /// Reads a file.
    pub fn read(file: &Path) -> Result<Self, DatacheckError> {
        let read = |cause| DatacheckError::Read { file: file.to_owned(), cause };
        let opened = input_file::open(file).map_err(read)?;
        if opened.metadata().map_err(read)?.len() > MAX_FILE {
            let problem = "too large for a file of muon rings".into();
            return Err(DatacheckError::Foreign { file: file.to_owned(), problem });
        }
        Self::parse(&input_file::read_opened(opened, MAX_FILE).map_err(read)?).map_err(|problem| {
            match problem {
                Problem::Foreign(problem) => {
                    DatacheckError::Foreign { file: file.to_owned(), problem: problem.into() }
                }
                Problem::Damaged(problem) => {
                    DatacheckError::Damaged { file: file.to_owned(), problem: problem.into() }
                }
            }
        })
    }

    fn parse(file: &[u8]) -> Result<Self, Problem> {
        if !file.starts_with(b"SIMPLE  =") {
            return Err(Problem::Foreign("not a FITS file"));
        }
        let mut start = 0;
        loop {
            let (header, data) = Header::read(file, start)?;
            let size = header.data_bytes()?;
            if header.text("XTENSION").as_deref() == Some("BINTABLE") {
                return Self::of(&header, file.get(data..).unwrap_or_default());
            }
            start = size
                .checked_next_multiple_of(BLOCK)
                .and_then(|size| data.checked_add(size))
                .ok_or(Problem::Damaged("the header claims an impossible size"))?;
            if start >= file.len() {
                return Err(Problem::Foreign("a FITS file without a binary table"));
            }
        }
    }

    fn of(header: &Header, data: &[u8]) -> Result<Self, Problem> {
        let (width, rows) = (header.number("NAXIS1")?, header.number("NAXIS2")?);
        let fields = header.number("TFIELDS")?;
        if fields > 999 {
            return Err(Problem::Damaged("more than 999 columns"));
        }
        let (mut columns, mut offsets, mut offset) = (Vec::new(), Vec::new(), 0usize);
        for field in 1..=fields {
            let missing = Problem::Damaged("a column without name or form");
            let name = header.text(&format!("TTYPE{field}")).ok_or(missing)?;
            let form = header
                .text(&format!("TFORM{field}"))
                .ok_or(Problem::Damaged("a column without name or form"))?;
            let column = column(name, &form)?;
            offsets.push(offset);
            offset = offset.saturating_add(column.bytes());
            columns.push(column);
        }
        if offset != width {
            return Err(Problem::Damaged("the columns do not fill the rows"));
        }
        let bytes = width
            .checked_mul(rows)
            .and_then(|size| data.get(..size))
            .ok_or(Problem::Damaged("rows are missing at the end"))?;
        Ok(Self { columns, offsets, width, bytes: bytes.to_vec() })
    }

    /// Its number of rows.
    pub fn rows(&self) -> usize {
        self.bytes.len().checked_div(self.width).unwrap_or(0)
    }

    /// The cell of a row and column, both from 0.
    pub fn cell(&self, row: usize, column: usize) -> Cell<'_> {
        let start = row * self.width + self.offsets[column];
        Cell::new(&self.columns[column], &self.bytes[start..])
    }

    /// All rows of a scalar column as numbers; `None` if there is none of this name.
    pub fn numbers(&self, name: &str) -> Option<Vec<f64>> {
        let index = self.columns.iter().position(|column| column.name == name)?;
        let column = &self.columns[index];
        (column.is_number() && column.elements() == 1)
            .then(|| (0..self.rows()).filter_map(|row| self.cell(row, index).first()))
            .map(Iterator::collect)
    }
}

enum Problem {
    Foreign(&'static str),
    Damaged(&'static str),
}

/// The keywords of a header.
struct Header(Vec<(String, String)>);

impl Header {
    /// The header that begins at `start`, and where its data begin.
    fn read(file: &[u8], start: usize) -> Result<(Self, usize), Problem> {
        let mut cards = Vec::new();
        for (index, card) in file.get(start..).unwrap_or_default().chunks_exact(CARD).enumerate() {
            let card = String::from_utf8_lossy(card);
            let key = card.chars().take(8).collect::<String>().trim_end().to_owned();
            if key == "END" {
                let end = start + (index + 1) * CARD;
                return Ok((Self(cards), start + (end - start).next_multiple_of(BLOCK)));
            }
            let value: String = card.chars().skip(10).collect();
            cards.push((key, value));
        }
        Err(Problem::Damaged("a header without end"))
    }

    fn value(&self, key: &str) -> Option<&str> {
        self.0.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }

    fn text(&self, key: &str) -> Option<String> {
        let value = self.value(key)?.trim_start().strip_prefix('\'')?;
        Some(value.split('\'').next()?.trim_end().to_owned())
    }

    fn number(&self, key: &str) -> Result<usize, Problem> {
        self.value(key)
            .and_then(|value| value.split('/').next()?.trim().parse().ok())
            .ok_or(Problem::Damaged("a size is missing in the header"))
    }

    /// Bytes of the data that follow this header.
    fn data_bytes(&self) -> Result<usize, Problem> {
        let axes = self.number("NAXIS")?;
        if axes == 0 {
            return Ok(0);
        }
        let bits =
            self.value("BITPIX").and_then(|value| value.split('/').next()?.trim().parse().ok());
        let bytes = bits.map_or(1, |bits: i64| bits.unsigned_abs() / 8);
        let extra = self.number("PCOUNT").unwrap_or(0);
        (1..=axes.min(999))
            .try_fold(1usize, |size, axis| {
                Ok(size.checked_mul(self.number(&format!("NAXIS{axis}"))?))
                    .and_then(|size| size.ok_or(Problem::Damaged("impossible size")))
            })?
            .checked_add(extra)
            .and_then(|size| size.checked_mul(usize::try_from(bytes).ok()?))
            .ok_or(Problem::Damaged("impossible size"))
    }
}

/// A column of a form such as `D` or `3K`.
fn column(name: String, form: &str) -> Result<Column, Problem> {
    let digits = form.find(|c: char| !c.is_ascii_digit()).unwrap_or(form.len());
    let (repeat, letter) = form.split_at(digits);
    let repeat: usize = if repeat.is_empty() { 1 } else { repeat.parse().unwrap_or(usize::MAX) };
    if repeat > 1 << 20 {
        return Err(Problem::Damaged("a column is too wide to be real"));
    }
    let (kind, size) = match letter.as_bytes().first() {
        Some(b'D') => (Kind::Float, 8),
        Some(b'E') => (Kind::Float, 4),
        Some(b'K') => (Kind::Int, 8),
        Some(b'J') => (Kind::Int, 4),
        Some(b'I') => (Kind::Int, 2),
        Some(b'B') => (Kind::Uint, 1),
        Some(b'L') => (Kind::Text, 1), // 'T' or 'F'
        Some(b'A') => (Kind::Text, repeat),
        _ => return Err(Problem::Foreign("a column of a form that muon files do not have")),
    };
    let scalar = repeat == 1 || letter.starts_with('A');
    let dims = if scalar { Vec::new() } else { vec![repeat] };
    Ok(Column { name, kind, size, big_endian: true, dims })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(rows: usize) -> Vec<u8> {
        let cards = ["SIMPLE  =                    T", "NAXIS   =                    0", "END"];
        let mut bytes = block(&cards);
        let rows_card = format!("NAXIS2  = {rows:20}");
        bytes.extend(block(&[
            "XTENSION= 'BINTABLE'           / binary table",
            "BITPIX  =                    8",
            "NAXIS   =                    2",
            "NAXIS1  =                   12",
            &rows_card,
            "TFIELDS =                    2",
            "TTYPE1  = 'ring_radius'",
            "TFORM1  = 'D       '",
            "TTYPE2  = 'ring_size'",
            "TFORM2  = 'E       '",
            "END",
        ]));
        let mut row = 1.5f64.to_be_bytes().to_vec();
        row.extend(2.25f32.to_be_bytes());
        bytes.extend(row.repeat(rows));
        bytes.resize(bytes.len().next_multiple_of(BLOCK), 0);
        bytes
    }

    fn block(cards: &[&str]) -> Vec<u8> {
        let cards: Vec<String> = cards.iter().map(|card| format!("{card:80}")).collect();
        format!("{:2880}", cards.concat()).into_bytes()
    }

    #[test]
    fn columns_are_read_by_name() {
        let Ok(table) = BinTable::parse(&file(3)) else { panic!("not read") };
        assert_eq!(table.rows(), 3);
        assert_eq!(table.numbers("ring_radius"), Some(vec![1.5; 3]));
        assert_eq!(table.numbers("ring_size"), Some(vec![2.25; 3]));
        assert_eq!(table.numbers("ring_width"), None);
    }

    #[test]
    fn a_table_may_have_no_rows() {
        let Ok(table) = BinTable::parse(&file(0)) else { panic!("not read") };
        assert_eq!(table.numbers("ring_radius"), Some(vec![]));
    }

    proptest! {
        #[test]
        fn no_file_makes_the_reader_panic(
            cut in 0usize..9000, at in 0usize..6000, byte in any::<u8>(),
        ) {
            let mut bytes = file(2);
            bytes.truncate(cut);
            if let Some(target) = bytes.get_mut(at) {
                *target = byte;
            }
            if let Ok(table) = BinTable::parse(&bytes) {
                for column in &table.columns {
                    let _ = table.numbers(&column.name);
                }
            }
        }
    }
}
