//! The YAML header of an ECSV table: as much of it as matters here, the delimiter and the names of
//! the columns. Data types, units, meta data and whatever else is there may be as it likes.

/// What the header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// Between two cells: `,` or a blank.
    pub delimiter: char,
    /// Names of the columns; empty if the header describes none.
    pub columns: Vec<String>,
    /// How many lines the header has.
    pub lines: usize,
}

/// Reads the comment lines at the top of `text`; an error is a line number and what is wrong.
pub(super) fn read(text: &str) -> Result<Header, (usize, String)> {
    if text.trim().is_empty() {
        return Err((1, "the file is empty".into()));
    }
    let comments = text.split('\n').map_while(|line| line.trim_end().strip_prefix('#'));
    let mut lines = comments.zip(1..);
    let version = lines.next().map_or("", |(line, _)| line.trim());
    match version.strip_prefix("%ECSV").map(str::trim) {
        Some("0.9" | "1.0") => {}
        Some(other) => return Err((1, format!("ECSV of version {other}, not 0.9 or 1.0"))),
        None => return Err((1, "this is no ECSV table: it begins without '# %ECSV 1.0'".into())),
    }
    let mut header = Header { delimiter: ' ', columns: Vec::new(), lines: 1 };
    let mut top = "";
    let mut items: Vec<(usize, String)> = Vec::new();
    for (comment, number) in lines {
        header.lines = number;
        let line = comment.strip_prefix(' ').unwrap_or(comment);
        match top_level(line) {
            Some(("delimiter", value)) => {
                top = "delimiter";
                header.delimiter = delimiter(value).ok_or_else(|| {
                    (number, format!("the delimiter {value} is neither ',' nor ' '"))
                })?;
            }
            Some((key, _)) => top = key,
            None if top == "datatype" => match (line.trim().strip_prefix('-'), items.last_mut()) {
                (Some(item), _) => items.push((number, item.trim().to_owned())),
                (None, Some((_, item))) => {
                    item.push('\n');
                    item.push_str(line.trim());
                }
                (None, None) => {}
            },
            None => {}
        }
    }
    for (number, item) in items {
        let name = column_name(&item);
        header.columns.push(name.ok_or_else(|| (number, format!("no column name in {item}")))?);
    }
    Ok(header)
}

/// Key and value of a line such as `delimiter: ','` that begins at the margin.
fn top_level(line: &str) -> Option<(&str, &str)> {
    let begins_word = line.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    let (key, value) = line.split_once(':').filter(|_| begins_word)?;
    Some((key.trim(), value.trim()))
}

fn delimiter(value: &str) -> Option<char> {
    match value {
        "','" | "\",\"" | "," => Some(','),
        "' '" | "\" \"" => Some(' '),
        _ => None,
    }
}

/// The `name` of a column's description, in YAML's flow (`{name: a, datatype: b}`) or block style
/// (a line each).
fn column_name(item: &str) -> Option<String> {
    let flow = item.strip_prefix('{');
    let mut rest = flow.unwrap_or(item);
    let separator: &[char] = if flow.is_some() { &[',', '\n', '}'] } else { &['\n'] };
    while !rest.trim().is_empty() {
        let (key, after) = rest.split_once(':')?;
        let (value, after) = scalar(after.trim_start_matches([' ', '\t']), separator)?;
        if key.trim() == "name" {
            return Some(value).filter(|name| !name.is_empty());
        }
        rest = after.trim_start_matches(|c: char| c.is_whitespace() || separator.contains(&c));
    }
    None
}

/// A value and what follows it: quoted, a nested list or mapping (passed over), or plain.
fn scalar<'a>(text: &'a str, separator: &[char]) -> Option<(String, &'a str)> {
    if let Some(quoted) = text.strip_prefix('\'') {
        let mut from = 0;
        loop {
            let end = from + quoted[from..].find('\'')?;
            if !quoted[end + 1..].starts_with('\'') {
                return Some((quoted[..end].replace("''", "'"), &quoted[end + 1..]));
            }
            from = end + 2;
        }
    }
    if let Some(quoted) = text.strip_prefix('"') {
        let (value, after) = quoted.split_once('"')?;
        return Some((value.to_owned(), after));
    }
    if text.starts_with(['{', '[']) {
        let mut depth = 0usize;
        for (at, c) in text.char_indices() {
            match c {
                '{' | '[' => depth += 1,
                '}' | ']' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return Some((String::new(), &text[at + 1..]));
            }
        }
        return None;
    }
    let end = text.find(separator).unwrap_or(text.len());
    Some((text[..end].trim().to_owned(), &text[end..]))
}
