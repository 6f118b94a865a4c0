//! What a table holds: columns, and the numbers in their cells.

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
    pub(super) columns: &'a [Column],
    pub(super) offsets: &'a [usize],
    pub(super) picked: &'a [usize],
    pub(super) bytes: &'a [u8],
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
