//! Changes to real input, at random.

use proptest::collection::vec;
use proptest::prelude::{any, prop_oneof};
use proptest::sample::select;
use proptest::strategy::{BoxedStrategy, Strategy};

/// The longest input; more would only be slower.
const LONGEST: usize = 64 << 10;

/// What means something to one parser or another.
const TOKENS: [&str; 42] = [
    "\n",
    "\r\n",
    "\"",
    "'",
    "\"\"\"",
    "|",
    "\x1f",
    ",",
    "[",
    "]",
    "{",
    "}",
    "(",
    ")",
    "%",
    "%(BASE)s",
    "#",
    ":",
    "=",
    "\\",
    "\0",
    "\u{feff}",
    "é",
    "…",
    "0",
    "-1",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "99999999999999999999",
    "1e309",
    "NaN",
    "inf",
    "UNLIMITED",
    "INVALID",
    "---",
    "None",
    "true",
    "2024-02-30",
    "24:00:00",
    "../",
    "# %ECSV 1.0",
];

/// One change. Places are shares of the input's length, in 65536ths.
#[derive(Clone, Debug)]
enum Edit {
    Insert(u16, Vec<u8>),
    Token(u16, &'static str),
    Delete(u16, u16),
    Copy(u16, u16, u8),
    Repeat(u16, u8, u8),
    Flip(u16, u8),
    Cut(u16),
}

fn edit() -> impl Strategy<Value = Edit> {
    let at = any::<u16>;
    prop_oneof![
        (at(), vec(any::<u8>(), 1..6)).prop_map(|(at, bytes)| Edit::Insert(at, bytes)),
        (at(), select(&TOKENS)).prop_map(|(at, token)| Edit::Token(at, token)),
        (at(), 1..64_u16).prop_map(|(at, length)| Edit::Delete(at, length)),
        (at(), at(), any::<u8>()).prop_map(|(from, to, length)| Edit::Copy(from, to, length)),
        (at(), any::<u8>(), any::<u8>()).prop_map(|(at, length, n)| Edit::Repeat(at, length, n)),
        (at(), 1..=u8::MAX).prop_map(|(at, bits)| Edit::Flip(at, bits)),
        at().prop_map(Edit::Cut),
    ]
}

/// A seed with some changes, or nothing but random bytes.
pub fn of(seeds: Vec<Vec<u8>>) -> BoxedStrategy<Vec<u8>> {
    let changed = (select(seeds), vec(edit(), 0..8)).prop_map(|(mut input, edits)| {
        for edit in edits {
            apply(&mut input, edit);
            input.truncate(LONGEST);
        }
        input
    });
    prop_oneof![19 => changed, 1 => vec(any::<u8>(), 0..64)].boxed()
}

fn apply(input: &mut Vec<u8>, edit: Edit) {
    let place = |at: u16| input.len() * usize::from(at) / 65_536;
    let piece = |at: u16, length: u8| {
        let from = place(at);
        input[from..(from + usize::from(length)).min(input.len())].to_vec()
    };
    match edit {
        Edit::Insert(at, bytes) => insert(input, at, &bytes),
        Edit::Token(at, token) => insert(input, at, token.as_bytes()),
        Edit::Delete(at, length) => {
            let from = place(at);
            let to = (from + usize::from(length)).min(input.len());
            input.drain(from..to);
        }
        Edit::Copy(from, to, length) => {
            let piece = piece(from, length);
            insert(input, to, &piece);
        }
        Edit::Repeat(at, length, times) => {
            let piece = piece(at, length).repeat(usize::from(times));
            insert(input, at, &piece);
        }
        Edit::Flip(at, bits) => {
            let at = place(at);
            if let Some(byte) = input.get_mut(at) {
                *byte ^= bits;
            }
        }
        Edit::Cut(at) => {
            let at = place(at);
            input.truncate(at);
        }
    }
}

fn insert(input: &mut Vec<u8>, at: u16, piece: &[u8]) {
    let at = input.len() * usize::from(at) / 65_536;
    input.splice(at..at, piece.iter().copied());
}
