//! How wide texts are in Helvetica, which every PDF reader has: the public metrics of its printable
//! ASCII characters, in thousandths of the size.

/// A font's widths.
pub(super) type Font = &'static [u16; 95];

/// Helvetica, from the blank to the tilde.
pub(super) const REGULAR: Font = &[
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667,
    611, 778, 722, 278, 500, 667, 556, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556, 556, 278, 556, 556, 222, 222, 500,
    222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334, 260, 334, 584,
];

/// Helvetica Bold.
pub(super) const BOLD: Font = &[
    278, 333, 474, 556, 556, 889, 722, 238, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556,
    556, 556, 556, 556, 556, 556, 556, 333, 333, 584, 584, 584, 611, 975, 722, 722, 722, 722, 667,
    611, 778, 722, 278, 556, 722, 611, 833, 722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667,
    667, 611, 333, 278, 333, 584, 556, 333, 556, 611, 556, 611, 556, 333, 611, 611, 278, 278, 556,
    278, 889, 611, 611, 611, 611, 389, 556, 333, 611, 556, 778, 556, 556, 500, 389, 280, 389, 584,
];

/// Width of other characters: as wide as most letters, an ellipsis wider.
fn char_width(font: Font, c: char) -> f64 {
    let index = (c as usize).checked_sub(32);
    let known = index.and_then(|index| font.get(index)).copied();
    f64::from(known.unwrap_or(if c == '…' { 1000 } else { 600 }))
}

/// Width of a text, in the unit of `size`.
pub(super) fn width(font: Font, size: f64, text: &str) -> f64 {
    text.chars().map(|c| char_width(font, c)).sum::<f64>() * size / 1000.0
}

/// The text, with its middle left out if it is wider than `room`: file names differ at their ends.
pub(super) fn fit(font: Font, size: f64, text: &str, room: f64) -> String {
    // Widths are sums of rounded numbers: a hair more is no reason to shorten.
    let room = room + 0.01;
    if width(font, size, text) <= room {
        return text.to_owned();
    }
    let chars: Vec<_> = text.chars().collect();
    for kept in (0..chars.len()).rev() {
        let head = kept.div_ceil(2);
        let start = chars[..head].iter();
        let end = chars[chars.len() - (kept - head)..].iter();
        let short: String = start.chain(&['…']).chain(end).collect();
        if width(font, size, &short) <= room {
            return short;
        }
    }
    String::new()
}
