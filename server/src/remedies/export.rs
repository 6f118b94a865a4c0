//! `decisions_D.json`: a copy of a night's decisions beside its other files, for whoever looks at
//! the night without our database.

use std::io::Write;

use serde_json::json;

use crate::model::Decision;
use crate::night::NightPaths;

use super::RemedyError;

/// Writes the file again, whole or not at all. Blocks.
pub(super) fn write(paths: &NightPaths, decisions: &[Decision]) -> Result<(), RemedyError> {
    let file = paths.decisions();
    let document = json!({ "night": paths.date, "prod_id": paths.prod_id, "decisions": decisions });
    let text = format!("{document:#}\n");
    write_beside(&file, &text).map_err(|cause| RemedyError::File {
        what: "write",
        file: file.clone(),
        cause,
    })
}

fn write_beside(file: &std::path::Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    let directory = file.parent().unwrap_or(std::path::Path::new("."));
    let mut beside = tempfile::Builder::new().prefix(".decisions").tempfile_in(directory)?;
    beside.write_all(text.as_bytes())?;
    beside.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
    beside.as_file().sync_all()?;
    beside.persist(file)?;
    std::fs::File::open(directory)?.sync_all()
}
