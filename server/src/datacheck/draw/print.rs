//! Drawings as pictures and for print. Texts are set in DejaVu Sans, of which the letters that
//! figures need are part of the program, so that a drawing looks the same on every machine.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, fontdb};
use svg2pdf::{ConversionOptions, PageOptions};

const FAMILY: &str = "DejaVu Sans";
/// Pixels of a picture for each unit of the drawing.
const ZOOM: f32 = 2.0;

static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(include_bytes!("DejaVuSans-subset.ttf").to_vec());
    fonts.set_sans_serif_family(FAMILY);
    Arc::new(fonts)
});

fn tree(svg: &str) -> Result<usvg::Tree, String> {
    let options = usvg::Options {
        font_family: FAMILY.to_owned(),
        fontdb: Arc::clone(&FONTS),
        ..usvg::Options::default()
    };
    usvg::Tree::from_str(svg, &options).map_err(|error| error.to_string())
}

/// A drawing as PNG, twice as large as on a page, for screens of many pixels.
pub fn png(svg: &str) -> Result<Vec<u8>, String> {
    let tree = tree(svg)?;
    let size = tree.size().to_int_size().scale_by(ZOOM).ok_or("it is too large for a picture")?;
    let mut picture =
        Pixmap::new(size.width(), size.height()).ok_or("it is too large for a picture")?;
    resvg::render(&tree, Transform::from_scale(ZOOM, ZOOM), &mut picture.as_mut());
    picture.encode_png().map_err(|error| error.to_string())
}

/// A drawing as a PDF of one page, in vectors and with text that can be searched.
pub fn pdf(svg: &str) -> Result<Vec<u8>, String> {
    let (options, page) = (ConversionOptions::default(), PageOptions::default());
    svg2pdf::to_pdf(&tree(svg)?, options, page).map_err(|error| error.to_string())
}
