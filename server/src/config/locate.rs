//! Where configuration files are found.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

const NAME: &str = "sequencer.cfg";

/// The `sequencer.cfg` to use, from the command line, the environment, or the usual places.
pub(super) fn sequencer_cfg(option: Option<&Path>) -> PathBuf {
    let executable = std::env::current_exe().ok();
    choose(option, std::env::var_os("OSA_CONFIG"), Path::new(""), executable.as_deref())
}

fn choose(
    option: Option<&Path>,
    variable: Option<OsString>,
    working_directory: &Path,
    executable: Option<&Path>,
) -> PathBuf {
    if let Some(named) = option {
        return named.to_owned();
    }
    if let Some(named) = variable.filter(|value| !value.is_empty()) {
        return named.into();
    }
    let here = working_directory.join(NAME);
    if here.is_file() {
        return here;
    }
    installed(executable, Path::new("configs").join(NAME).as_path())
        .or_else(|| installed(executable, Path::new("share/osa").join(NAME).as_path()))
        .unwrap_or(here)
}

/// A file of the program's installation, or of the source tree in which it was built: looked for
/// from the executable's directory upwards.
fn installed(executable: Option<&Path>, relative: &Path) -> Option<PathBuf> {
    let directory = executable?.parent()?;
    directory.ancestors().map(|above| above.join(relative)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn touch(file: &Path) {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "").unwrap();
    }

    #[test]
    fn the_command_line_wins_then_the_variable_then_the_working_directory() {
        let dir = tempfile::tempdir().unwrap();
        let here = dir.path().join("here");
        touch(&here.join(NAME));
        let exe = dir.path().join("opt/bin/osa");
        let installed = dir.path().join("opt/configs/sequencer.cfg");
        touch(&installed);

        let option = Some(Path::new("/option.cfg"));
        let variable = || Some(OsString::from("/variable.cfg"));
        assert_eq!(choose(option, variable(), &here, Some(&exe)), Path::new("/option.cfg"));
        assert_eq!(choose(None, variable(), &here, Some(&exe)), Path::new("/variable.cfg"));
        assert_eq!(choose(None, Some("".into()), &here, Some(&exe)), here.join(NAME));
        assert_eq!(choose(None, None, dir.path(), Some(&exe)), installed);
        assert_eq!(choose(None, None, dir.path(), None), dir.path().join(NAME));
    }

    #[test]
    fn a_build_finds_the_file_of_its_source_tree_and_a_package_its_share() {
        let dir = tempfile::tempdir().unwrap();
        let tree = dir.path().join("src");
        touch(&tree.join("configs/sequencer.cfg"));
        let built = tree.join("target/debug/deps/it-1234");
        let nowhere = dir.path().join("nowhere");
        assert_eq!(choose(None, None, &nowhere, Some(&built)), tree.join("configs/sequencer.cfg"));

        let packaged = dir.path().join("usr/share/osa/sequencer.cfg");
        touch(&packaged);
        let exe = dir.path().join("usr/bin/osa");
        assert_eq!(choose(None, None, &nowhere, Some(&exe)), packaged);
    }
}
