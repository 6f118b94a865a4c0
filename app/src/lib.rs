//! What the browser shows. Compiled twice: natively for the server (feature `ssr`), which renders
//! every page complete, and to WebAssembly (feature `hydrate`), which wakes the few islands of a
//! page: its news, its log that grows, the pixels of its maps, its choice of colours.
#![recursion_limit = "256"]

pub mod api;
#[cfg(feature = "ssr")]
pub mod backend;
pub mod backend_error;
#[cfg(feature = "ssr")]
pub mod form;
pub mod live;
pub mod model;
#[cfg(feature = "ssr")]
mod pages;
#[cfg(feature = "ssr")]
mod parts;
#[cfg(feature = "ssr")]
pub mod people;
#[cfg(feature = "ssr")]
mod shell;

#[cfg(feature = "ssr")]
pub use parts::format::sentence;
#[cfg(feature = "ssr")]
pub use parts::links;
#[cfg(feature = "ssr")]
pub use shell::{App, Site, shell};

/// Entry point in the browser: wakes the islands of the page.
#[cfg(feature = "hydrate")]
#[wasm_bindgen::prelude::wasm_bindgen]
pub fn hydrate() {
    console_error_panic_hook::set_once();
    leptos::mount::hydrate_islands();
}
