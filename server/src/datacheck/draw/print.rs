//! Drawings as pictures and for print. Texts are set in DejaVu Sans, of which the letters that
//! figures need are part of the program, so that a drawing looks the same on every machine.

use std::sync::{Arc, LazyLock};

use resvg::tiny_skia::{Pixmap, Transform};
use resvg::usvg::{self, fontdb};
use svg2pdf::{ConversionOptions, PageOptions};

use crate::internal::Cause;

const FAMILY: &str = "DejaVu Sans";
/// Pixels of a picture for each unit of the drawing.
const ZOOM: f32 = 2.0;

static FONTS: LazyLock<Arc<fontdb::Database>> = LazyLock::new(|| {
    let mut fonts = fontdb::Database::new();
    fonts.load_font_data(include_bytes!("DejaVuSans-subset.ttf").to_vec());
    fonts.set_sans_serif_family(FAMILY);
    Arc::new(fonts)
});

fn tree(svg: &str) -> Result<usvg::Tree, Cause> {
    let options = usvg::Options {
        font_family: FAMILY.to_owned(),
        fontdb: Arc::clone(&FONTS),
        ..usvg::Options::default()
    };
    Ok(usvg::Tree::from_str(svg, &options)?)
}

/// A drawing as PNG, twice as large as on a page, for screens of many pixels.
pub fn png(svg: &str) -> Result<Vec<u8>, Cause> {
    let tree = tree(svg)?;
    let size = tree.size().to_int_size().scale_by(ZOOM).ok_or("it is too large for a picture")?;
    let mut picture =
        Pixmap::new(size.width(), size.height()).ok_or("it is too large for a picture")?;
    resvg::render(&tree, Transform::from_scale(ZOOM, ZOOM), &mut picture.as_mut());
    Ok(picture.encode_png()?)
}

/// A drawing as a PDF of one page, in vectors and with text that can be searched.
pub fn pdf(svg: &str) -> Result<Vec<u8>, Cause> {
    let (options, page) = (ConversionOptions::default(), PageOptions::default());
    // Its error is no `std::error::Error`.
    svg2pdf::to_pdf(&tree(svg)?, options, page).map_err(|error| error.to_string().into())
}
