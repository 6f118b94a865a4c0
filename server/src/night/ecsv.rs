//! Reading of ECSV tables, versions 0.9 and 1.0, as astropy writes them: a YAML header in comment
//! lines, a line of column names, and rows delimited by commas or blanks, with `"` quoting.
//!
//! Rows are read one at a time and nothing of them is kept, since a table of all runs ever taken
//! is large and a caller wants two of its columns.

use std::borrow::Cow;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::NightError;
use super::ecsv_header::{self, Header};

/// A table whose header has been read.
#[derive(Debug)]
pub struct Ecsv<'a> {
    file: PathBuf,
    delimiter: char,
    columns: Vec<String>,
    header_line: usize,
    /// The last line if no line break ends it: it may be cut off.
    open_line: Option<usize>,
    text: &'a str,
}

/// A column of a table, found by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Column {
    name: String,
    at: usize,
}

/// A row of a table.
#[derive(Debug)]
pub struct Row<'a> {
    file: &'a Path,
    /// Its line in the file, from 1.
    pub line: usize,
    cells: Cells<'a>,
}

type Cells<'a> = Vec<Cow<'a, str>>;

impl<'a> Ecsv<'a> {
    /// Reads the header of `text`, which came from `file` (named in errors).
    ///
    /// # Errors
    /// [`NightError::Table`] if this is no ECSV of version 0.9 or 1.0, or the line of column names
    /// is missing or differs from the columns that the YAML header describes.
    pub fn parse(text: &'a str, file: &Path) -> Result<Self, NightError> {
        let Header { delimiter, columns: described, lines } = ecsv_header::read(text)
            .map_err(|(line, problem)| table_error(file, line, None, problem))?;
        let mut table = Self {
            file: file.to_owned(),
            delimiter,
            columns: Vec::new(),
            header_line: lines + 1,
            open_line: (!text.ends_with('\n')).then(|| text.matches('\n').count() + 1),
            text,
        };
        let named = content(text).find(|(number, _)| *number > lines);
        let Some((number, line)) = named else {
            let problem = "the file ends before the line of column names; it is cut off";
            return Err(table.error(lines + 1, None, problem));
        };
        let cells = cells(line, delimiter).map_err(|(_, p)| table.error(number, None, p))?;
        table.columns = cells.into_iter().map(Cow::into_owned).collect();
        table.header_line = number;
        if !described.is_empty() && described != table.columns {
            let problem = format!(
                "the column names are {}, but the header describes {}",
                table.columns.join(" "),
                described.join(" ")
            );
            return Err(table.error(number, None, problem));
        }
        Ok(table)
    }

    /// The names of the columns.
    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    /// A column that the table must have.
    ///
    /// # Errors
    /// [`NightError::Table`] if there is none of that name.
    pub fn column(&self, name: &str) -> Result<Column, NightError> {
        self.optional_column(name).ok_or_else(|| {
            let problem = format!("there is no column {name}");
            self.error(self.header_line, None, problem)
        })
    }

    /// A column that the table may have.
    pub fn optional_column(&self, name: &str) -> Option<Column> {
        let at = self.columns.iter().position(|column| column == name)?;
        Some(Column { name: name.to_owned(), at })
    }

    /// The rows in the order of the file.
    ///
    /// # Errors
    /// An item is [`NightError::Table`] if its line has more or fewer cells than there are columns,
    /// an open quote, or looks cut off.
    pub fn rows(&self) -> impl Iterator<Item = Result<Row<'_>, NightError>> {
        self.rows_with_faults().map(|(row, fault)| fault.map_or(Ok(row), Err))
    }

    /// The rows in the order of the file, each with what is wrong with it, if anything is; it then has
    /// the cells that could be read.
    pub fn rows_with_faults(&self) -> impl Iterator<Item = (Row<'_>, Option<NightError>)> {
        Rows { table: self, at: 0, line: 1 }
    }

    /// Whether the file ends within this line: then rows may be missing after it as well.
    pub fn is_cut_off_at(&self, line: usize) -> bool {
        self.open_line == Some(line)
    }

    fn row(&self, number: usize, line: &'a str) -> (Row<'_>, Option<NightError>) {
        let (cells, problem) = match cells(line, self.delimiter) {
            Ok(cells) => (cells, None),
            Err((cells, problem)) => (cells, Some(problem)),
        };
        let (found, expected) = (cells.len(), self.columns.len());
        let incomplete = found < expected || cells.last().is_some_and(|cell| cell.is_empty());
        let problem = problem.or_else(|| match found == expected {
            _ if incomplete && self.is_cut_off_at(number) => {
                Some(format!("the last line is cut off ({found} of {expected} columns)"))
            }
            false => Some(format!("the line has {found} cells for {expected} columns")),
            true => None,
        });
        let fault = problem.map(|problem| self.error(number, None, problem));
        (Row { file: &self.file, line: number, cells }, fault)
    }

    fn error(
        &self,
        line: usize,
        column: Option<&Column>,
        problem: impl Into<String>,
    ) -> NightError {
        table_error(&self.file, line, column, problem.into())
    }
}

impl Row<'_> {
    /// The cell's text; `None` if it is empty, which is how a masked value is written.
    pub fn text(&self, column: &Column) -> Option<&str> {
        self.cells.get(column.at).map(AsRef::as_ref).filter(|cell: &&str| !cell.is_empty())
    }

    /// The cell's text, which must not be empty.
    ///
    /// # Errors
    /// [`NightError::Table`] if it is.
    pub fn needed(&self, column: &Column) -> Result<&str, NightError> {
        self.text(column).ok_or_else(|| self.error(column, "the cell is empty"))
    }

    /// The cell as a value of another type; `expected` says what it should be, in an error.
    ///
    /// # Errors
    /// [`NightError::Table`] if it is empty or something else.
    pub fn parse<T: FromStr>(&self, column: &Column, expected: &str) -> Result<T, NightError> {
        let cell = self.needed(column)?;
        cell.parse().map_err(|_| self.error(column, format!("{cell:?} is not {expected}")))
    }

    /// An error about a cell of this row.
    pub fn error(&self, column: &Column, problem: impl Into<String>) -> NightError {
        table_error(self.file, self.line, Some(column), problem.into())
    }
}

fn table_error(file: &Path, line: usize, column: Option<&Column>, problem: String) -> NightError {
    let column = column.map(|column| column.name.clone());
    NightError::Table { file: file.to_owned(), line, column, problem }
}

/// The lines that are neither blank nor comments, with their numbers from 1.
fn content(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let lines = text.split('\n').enumerate().map(|(at, line)| (at + 1, line.trim()));
    lines.filter(|(_, line)| !line.is_empty() && !line.starts_with('#'))
}

/// The rows of a table, one after another.
struct Rows<'t, 'a> {
    table: &'t Ecsv<'a>,
    /// Where the next line begins, in bytes.
    at: usize,
    /// Its number.
    line: usize,
}

impl<'t> Iterator for Rows<'t, '_> {
    type Item = (Row<'t>, Option<NightError>);

    fn next(&mut self) -> Option<Self::Item> {
        let Self { table, .. } = *self;
        while self.at < table.text.len() {
            let (start, number) = (self.at, self.line);
            let end = table.text[start..].find('\n').map_or(table.text.len(), |at| start + at);
            (self.at, self.line) = (end + 1, number + 1);
            let line = table.text[start..end].trim();
            if number <= table.header_line || line.is_empty() || line.starts_with('#') {
                continue;
            }
            let (row, fault) = table.row(number, line);
            // A quoted cell may hold line breaks. Only a whole row shows that it does: a quote that was
            // forgotten must not take the following rows along.
            if fault.is_some()
                && let Some(end) = quoted_end(&table.text[start..], table.delimiter)
                && let (whole, None) = table.row(number, table.text[start..start + end].trim())
            {
                self.at = start + end + 1;
                self.line = number + 1 + table.text[start..start + end].matches('\n').count();
                return Some((whole, None));
            }
            return Some((row, fault));
        }
        None
    }
}

/// Where the row at the beginning of a text ends, in bytes, if a line break in a quoted cell does not
/// end it; `None` if a quote is not closed.
fn quoted_end(text: &str, delimiter: char) -> Option<usize> {
    let (mut quoted, mut begins) = (false, true);
    let mut bytes = text.bytes().enumerate().peekable();
    while let Some((at, byte)) = bytes.next() {
        match byte {
            b'"' if quoted => {
                // Doubled, it is one quote within the cell.
                quoted = bytes.next_if(|(_, next)| *next == b'"').is_some();
                begins = false;
            }
            _ if quoted => {}
            b'\n' => return Some(at),
            b'"' if begins => quoted = true,
            byte => begins = char::from(byte) == delimiter || (begins && byte == b' '),
        }
    }
    (!quoted).then_some(text.len())
}

/// The cells of a line, which has no blanks at its ends; where one is wrong, those before it and what
/// is wrong.
fn cells(line: &str, delimiter: char) -> Result<Cells<'_>, (Cells<'_>, String)> {
    let mut cells = Vec::new();
    let mut rest = line;
    loop {
        // Blanks after a delimiter do not count, and so several of them delimit like one.
        rest = rest.trim_start_matches(' ');
        let (cell, after) = if let Some(quoted) = rest.strip_prefix('"') {
            match unquote(quoted) {
                Ok(unquoted) => unquoted,
                Err(problem) => return Err((cells, problem)),
            }
        } else {
            let (cell, after) = rest.split_at(rest.find(delimiter).unwrap_or(rest.len()));
            (Cow::Borrowed(cell.trim_end()), after)
        };
        cells.push(cell);
        let after = if delimiter == ' ' { after } else { after.trim_start_matches(' ') };
        if after.is_empty() {
            return Ok(cells);
        }
        let Some(next) = after.strip_prefix(delimiter) else {
            return Err((cells, "there is text after a closing quote".to_owned()));
        };
        rest = next;
    }
}

/// A quoted cell, from behind its first quote, and what follows the last.
fn unquote(text: &str) -> Result<(Cow<'_, str>, &str), String> {
    let mut from = 0;
    while let Some(at) = text[from..].find('"') {
        let (end, after) = (from + at, from + at + 1);
        if !text[after..].starts_with('"') {
            let cell = &text[..end];
            let doubled = cell.contains('"');
            let cell = if doubled { cell.replace("\"\"", "\"").into() } else { cell.into() };
            return Ok((cell, &text[after..]));
        }
        from = after + 1;
    }
    Err("a quote is not closed; the line is cut off".to_owned())
}

#[cfg(test)]
mod tests;
