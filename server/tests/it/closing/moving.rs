//! Files across file systems, full disks, and directories that cannot be made.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::process::Command;

use server::model::Level;

use super::{LEVELS, Said, Site};

/// Final directories in a temporary directory of the machine's memory, if it has one, which is
/// another file system than the disk; the fault is injected where it has none.
fn on_another_file_system(
    site: &Site,
) -> (Option<tempfile::TempDir>, Vec<(&'static str, &'static str)>) {
    let here = site.night.dir.path().metadata().unwrap().dev();
    let memory = tempfile::tempdir_in("/dev/shm").ok();
    let other = memory.filter(|dir| dir.path().metadata().unwrap().dev() != here);
    match other {
        Some(dir) => {
            for key in ["DL1_DIR: %(BASE)s", "DL2_DIR: %(BASE)s"] {
                let name = key.split(':').next().unwrap();
                site.night.configure(key, &format!("{name}: {}", dir.path().display()));
            }
            (Some(dir), Vec::new())
        }
        None => (None, vec![("OSA_FAULT_EXDEV", "1")]),
    }
}

#[test]
fn files_are_copied_to_another_file_system_and_none_is_left_behind() {
    let site = Site::on_slurm();
    let (_memory, faults) = on_another_file_system(&site);
    let mut command = site.command("closer", &["-t"]);
    Said::of(command.envs(faults).output().unwrap()).well().says("is closed.");
    for level in LEVELS {
        let paths = site.night.paths(super::DATE);
        let names: Vec<_> = fs::read_dir(site.final_dir(level)).unwrap().flatten().collect();
        let files = names.iter().filter(|entry| entry.file_type().unwrap().is_file()).count();
        assert_eq!(files, 2, "{level:?}: {names:?}");
        for subrun in 0..2 {
            let name = paths.product_name(
                level,
                server::model::RunId(19102),
                Some(server::model::Subrun(subrun)),
            );
            let text = fs::read_to_string(site.final_dir(level).join(&name)).unwrap();
            assert_eq!(text, format!("{level:?} of 19102.000{subrun}\n"));
            let old = paths.running_dir(level).join(&name);
            assert!(
                !old.symlink_metadata().is_ok_and(|found| found.is_file()),
                "{}",
                old.display()
            );
        }
    }
}

/// A disk that takes no byte more is played by a limit on the size of files, which only a large
/// file meets.
#[test]
fn a_disk_that_is_full_leaves_the_file_where_it_was() {
    let site = Site::on_slurm();
    let name = "dl2_LST-1.Run19102.0000.h5";
    let file = site.analysis().join("model2").join(name);
    fs::write(&file, vec![b'x'; 8 << 20]).unwrap();
    let command = site.command("closer", &["-t"]);
    let mut limited = Command::new("/bin/bash");
    limited.args(["-c", "trap '' XFSZ; ulimit -f 4096; exec \"$@\"", "bash"]);
    limited.arg(command.get_program()).args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited.env("OSA_FAULT_EXDEV", "1").current_dir(command.get_current_dir().unwrap());
    let said = Said::of(limited.output().unwrap()).badly();
    assert!(said.err.contains("cannot write"), "{}", said.err);
    assert!(said.err.contains(name), "{}", said.err);
    assert!(said.err.contains("close again"), "{}", said.err);
    assert_eq!(file.metadata().unwrap().len(), 8 << 20);
    let there: Vec<_> = fs::read_dir(site.final_dir(Level::Dl2)).unwrap().flatten().collect();
    assert!(
        there.iter().all(|entry| !entry.file_name().to_str().unwrap().contains("osa-")),
        "{there:?}"
    );
    assert!(!site.flag().exists());
    site.closer(&["-t"]).well().says("is closed.");
    assert_eq!(site.final_dir(Level::Dl2).join(name).metadata().unwrap().len(), 8 << 20);
}

#[test]
fn a_directory_that_cannot_be_made_is_named_and_the_rest_goes_on_once_it_can() {
    let site = Site::on_slurm();
    site.night.write("DL2", "a file where the directory should be");
    let said = site.closer(&["-t"]).badly();
    let named = said.err.contains("cannot") && said.err.contains("/DL2");
    assert!(named, "{}", said.err);
    assert!(site.analysis().join("model2/dl2_LST-1.Run19102.0001.h5").is_file());
    assert!(!site.flag().exists());
    fs::remove_file(site.night.path("DL2")).unwrap();
    site.closer(&["-t"]).well().says("is closed.");
    assert!(site.final_dir(Level::Dl2).join("dl2_LST-1.Run19102.0001.h5").is_file());
}
