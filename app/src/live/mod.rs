//! Islands: what the browser does by itself. Everything a page shows is in it when it arrives;
//! without WebAssembly it just stays as it is.
//!
//! A page is rendered in one place, on the server. When the server says that something has changed,
//! the browser takes the page again (it is kept ready, compressed, for all viewers) and changes only
//! what is different. So a page needs no second description in the browser, and what the browser has
//! to load does not grow with the pages.

mod connection;
mod graph;
mod log;
#[cfg(feature = "hydrate")]
mod morph;
mod page;
mod readout;
mod theme;

pub use graph::GraphView;
pub use log::{LogTail, pieces};
pub use page::Live;
pub use readout::Readout;
pub use theme::ThemeSwitch;
