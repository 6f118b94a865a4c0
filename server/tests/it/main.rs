//! Integration tests through the real binary.

mod night;
mod scheduler;
mod support;
