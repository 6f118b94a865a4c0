//! Pieces of log files, of any size.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use app::backend::LOG_PIECE;

/// Where to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Start {
    /// So that the piece ends with the file.
    Tail,
    /// At the first line that begins at this byte or after it.
    Line(u64),
    /// At this byte exactly, which is where an earlier piece ended; at the file's beginning if the
    /// file has become shorter than that, having been begun again.
    Exactly(u64),
}

/// A piece of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Piece {
    /// Where it begins, in bytes.
    pub from: u64,
    /// Where it ends.
    pub to: u64,
    /// Size of the file.
    pub size: u64,
    /// The text; bytes that are not UTF-8 are shown as `�`.
    pub text: String,
}

/// Reads a piece of at most [`LOG_PIECE`] bytes, which ends with a line if it does not end with the
/// file.
pub fn read(file: &mut File, start: Start) -> io::Result<Piece> {
    let size = file.metadata()?.len();
    let (begin, whole_lines) = match start {
        Start::Tail => (size.saturating_sub(LOG_PIECE), true),
        Start::Line(from) => (from.min(size), true),
        Start::Exactly(from) if from > size => (0, false),
        Start::Exactly(from) => (from, false),
    };
    // The byte before tells whether the piece begins with a line.
    let before = u64::from(begin > 0 && whole_lines);
    file.seek(SeekFrom::Start(begin - before))?;
    let mut bytes = Vec::new();
    file.take(LOG_PIECE + before).read_to_end(&mut bytes)?;
    let end = begin - before + bytes.len() as u64;
    let skip = if before == 0 { 0 } else { after_line(&bytes).unwrap_or(1) };
    let mut piece = bytes.get(skip..).unwrap_or(&[]);
    if end < size
        && let Some(last) = piece.iter().rposition(|byte| *byte == b'\n')
    {
        piece = &piece[..=last];
    }
    let piece = without_half_a_letter(piece);
    let from = begin - before + skip as u64;
    Ok(Piece {
        from,
        to: from + piece.len() as u64,
        size: size.max(end),
        text: String::from_utf8_lossy(piece).into_owned(),
    })
}

/// Where the first line begins, if one does and something is left of it.
fn after_line(bytes: &[u8]) -> Option<usize> {
    let end = bytes.iter().position(|byte| *byte == b'\n')? + 1;
    (end < bytes.len() || bytes.len() == 1).then_some(end)
}

/// Leaves a letter that was written by half to the next piece.
fn without_half_a_letter(bytes: &[u8]) -> &[u8] {
    match std::str::from_utf8(bytes) {
        Err(error) if error.error_len().is_none() && error.valid_up_to() > 0 => {
            &bytes[..error.valid_up_to()]
        }
        _ => bytes,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use proptest::prelude::*;

    use super::*;

    fn file(bytes: &[u8]) -> File {
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(bytes).unwrap();
        file
    }

    /// Lines of 10 bytes, numbered.
    fn lines(number: usize) -> Vec<u8> {
        (0..number).flat_map(|n| format!("{n:09}\n").into_bytes()).collect()
    }

    #[test]
    fn a_small_file_comes_whole() {
        let piece = read(&mut file(b"one\ntwo"), Start::Tail).unwrap();
        assert_eq!(piece, Piece { from: 0, to: 7, size: 7, text: "one\ntwo".into() });
    }

    #[test]
    fn the_tail_of_a_large_file_begins_with_a_line() {
        let bytes = lines(100_001);
        let piece = read(&mut file(&bytes), Start::Tail).unwrap();
        assert_eq!((piece.from % 10, piece.to), (0, 1_000_010));
        assert!(piece.text.len() as u64 > LOG_PIECE - 20);
    }

    #[test]
    fn pieces_follow_one_another_without_gap_or_overlap() {
        let bytes = lines(60_000);
        let mut log = file(&bytes);
        let mut text = String::new();
        let mut at = 0;
        while at < bytes.len() as u64 {
            let piece = read(&mut log, Start::Line(at)).unwrap();
            assert_eq!(piece.from, at);
            assert!(piece.to > at);
            at = piece.to;
            text.push_str(&piece.text);
        }
        assert_eq!(text.as_bytes(), bytes);
    }

    #[test]
    fn a_file_begun_again_is_read_from_its_beginning() {
        let piece = read(&mut file(b"new\n"), Start::Exactly(500)).unwrap();
        assert_eq!((piece.from, piece.text.as_str()), (0, "new\n"));
    }

    #[test]
    fn what_is_written_in_the_middle_of_a_letter_waits_for_the_rest() {
        let mut log = file("at 3 µ".as_bytes().split_last().unwrap().1);
        let first = read(&mut log, Start::Exactly(0)).unwrap();
        assert_eq!((first.text.as_str(), first.to), ("at 3 ", 5));
        log.seek(SeekFrom::End(0)).unwrap();
        log.write_all(&"µm\n".as_bytes()[1..]).unwrap();
        assert_eq!(read(&mut log, Start::Exactly(5)).unwrap().text, "µm\n");
    }

    proptest! {
        #[test]
        fn any_bytes_and_any_beginning_give_a_piece_of_the_file(
            bytes in proptest::collection::vec(any::<u8>(), 0..300),
            at in 0_u64..400,
        ) {
            let size = bytes.len() as u64;
            let mut log = file(&bytes);
            for start in [Start::Tail, Start::Line(at), Start::Exactly(at)] {
                let piece = read(&mut log, start).unwrap();
                prop_assert!(piece.from <= piece.to && piece.to <= size);
                prop_assert_eq!(piece.size, size);
                let range = usize::try_from(piece.from).unwrap()..usize::try_from(piece.to).unwrap();
                prop_assert_eq!(piece.text, String::from_utf8_lossy(&bytes[range]));
            }
        }
    }
}
