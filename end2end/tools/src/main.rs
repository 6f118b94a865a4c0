//! Stand-ins for the `lstchain_*` executables.
fn main() {}
