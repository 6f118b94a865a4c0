//! `cargo xtask build [--release]`.
fn main() {}
