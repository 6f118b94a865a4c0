//! Builds the crate again when a migration or a description of a statement is added or changed.

fn main() {
    println!("cargo:rerun-if-changed=../migrations");
    println!("cargo:rerun-if-changed=.sqlx");
}
