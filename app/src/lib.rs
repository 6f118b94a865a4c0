//! What the browser shows. Compiled twice: natively for the server (feature `ssr`) and to
//! WebAssembly (feature `hydrate`).

#[cfg(feature = "ssr")]
pub mod backend;
pub mod model;
