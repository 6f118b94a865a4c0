//! Colours of maps, distinguishable by colour-blind eyes and in print: viridis (CC0, S. van der Walt and
//! N. Smith) from least to greatest, and blue over white to orange around a middle.

const VIRIDIS: [[u8; 3]; 11] = [
    [68, 1, 84],
    [72, 36, 117],
    [65, 68, 135],
    [53, 95, 141],
    [42, 120, 142],
    [33, 145, 140],
    [34, 168, 132],
    [68, 191, 112],
    [122, 209, 81],
    [189, 223, 38],
    [253, 231, 37],
];
const DIVERGING: [[u8; 3]; 7] = [
    [5, 61, 120],
    [67, 133, 190],
    [160, 200, 225],
    [247, 247, 247],
    [250, 190, 130],
    [220, 120, 40],
    [130, 60, 5],
];

/// What has no value.
pub const NO_VALUE: [u8; 3] = [170, 170, 170];

/// Colours of series, distinguishable by colour-blind eyes (Okabe and Ito).
pub const SERIES: [[u8; 3]; 6] =
    [[0, 90, 160], [213, 94, 0], [0, 158, 115], [204, 121, 167], [86, 86, 86], [230, 159, 0]];

use crate::datacheck::figure::Palette;

/// The colour at a place from 0 to 1.
pub fn colour(palette: Palette, place: f64) -> [u8; 3] {
    let stops: &[[u8; 3]] = match palette {
        Palette::Sequential => &VIRIDIS,
        Palette::Diverging => &DIVERGING,
    };
    let last = stops.len() - 1;
    // 64 steps look smooth and make the drawing small.
    let place = (place.clamp(0.0, 1.0) * 63.0).round() / 63.0 * last as f64;
    let index = (place as usize).min(last - 1);
    let part = place - index as f64;
    let mix = |channel: usize| {
        let (from, to) = (f64::from(stops[index][channel]), f64::from(stops[index + 1][channel]));
        // Between two channels, so it is a channel.
        (from + (to - from) * part).round() as u8
    };
    [mix(0), mix(1), mix(2)]
}

/// A colour as `#rrggbb`.
pub fn hex([red, green, blue]: [u8; 3]) -> String {
    format!("#{red:02x}{green:02x}{blue:02x}")
}
