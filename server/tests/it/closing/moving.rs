//! Files across file systems, full disks, and directories that cannot be made.

use std::fs;
use std::os::unix::fs::MetadataExt;

use server::model::{Level, RunId, Subrun};

use super::{LEVELS, on_slurm};
use crate::support::TestSite;

/// Final directories in a temporary directory of the machine's memory, if it has one, which is
/// another file system than the disk; the fault is injected where it has none.
fn on_another_file_system(site: TestSite) -> (TestSite, Option<tempfile::TempDir>) {
    let here = site.dir().metadata().unwrap().dev();
    let memory = tempfile::tempdir_in("/dev/shm").ok();
    let other = memory.filter(|dir| dir.path().metadata().unwrap().dev() != here);
    let Some(dir) = other else { return (site.with_env("OSA_FAULT_EXDEV", "1"), None) };
    for key in ["DL1_DIR: %(BASE)s", "DL2_DIR: %(BASE)s"] {
        let name = key.split(':').next().unwrap();
        site.configure(key, &format!("{name}: {}", dir.path().display()));
    }
    (site, Some(dir))
}

#[test]
fn files_are_copied_to_another_file_system_and_none_is_left_behind() {
    let (site, _memory) = on_another_file_system(on_slurm());
    site.closer(&["-t"]).succeeds().says("is closed.");
    for level in LEVELS {
        let paths = site.paths();
        let names: Vec<_> = fs::read_dir(site.final_dir(level)).unwrap().flatten().collect();
        let files = names.iter().filter(|entry| entry.file_type().unwrap().is_file()).count();
        assert_eq!(files, 2, "{level:?}: {names:?}");
        for subrun in 0..2 {
            let name = paths.product_name(level, RunId(19102), Some(Subrun(subrun)));
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
    let site = on_slurm();
    let name = "dl2_LST-1.Run19102.0000.h5";
    let file = site.analysis().join("model2").join(name);
    fs::write(&file, vec![b'x'; 8 << 20]).unwrap();
    // Blocks of 512 bytes: four megabytes.
    site.night_command("closer", &["-t"])
        .env("OSA_FAULT_EXDEV", "1")
        .in_shell_after("trap '' XFSZ; ulimit -f 8192")
        .run()
        .fails()
        .says("cannot write")
        .says(name)
        .says("close again");
    assert_eq!(file.metadata().unwrap().len(), 8 << 20);
    let there: Vec<_> = fs::read_dir(site.final_dir(Level::Dl2)).unwrap().flatten().collect();
    assert!(
        there.iter().all(|entry| !entry.file_name().to_str().unwrap().contains("osa-")),
        "{there:?}"
    );
    assert!(!site.flag().exists());
    site.closer(&["-t"]).succeeds().says("is closed.");
    assert_eq!(site.final_dir(Level::Dl2).join(name).metadata().unwrap().len(), 8 << 20);
}

#[test]
fn a_directory_that_cannot_be_made_is_named_and_the_rest_goes_on_once_it_can() {
    let site = on_slurm();
    site.write("DL2", "a file where the directory should be");
    site.closer(&["-t"]).fails().says("cannot").says("/DL2");
    assert!(site.analysis().join("model2/dl2_LST-1.Run19102.0001.h5").is_file());
    assert!(!site.flag().exists());
    fs::remove_file(site.path("DL2")).unwrap();
    site.closer(&["-t"]).succeeds().says("is closed.");
    assert!(site.final_dir(Level::Dl2).join("dl2_LST-1.Run19102.0001.h5").is_file());
}
