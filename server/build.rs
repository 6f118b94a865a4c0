//! Builds the crate again when a migration or a description of a statement is added or changed, and links
//! the unoptimised program at a fixed address.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
    println!("cargo:rerun-if-changed=.sqlx");
    // Tests start the program thousands of times, and a third of such a start went into relocations.
    let is_unoptimised = std::env::var("PROFILE").is_ok_and(|profile| profile == "debug");
    let is_linux = std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system == "linux");
    if is_unoptimised && is_linux {
        println!("cargo:rustc-link-arg-bins=-no-pie");
    }
}
