//! `docs/guarantees.md` names a test for each guarantee: those tests exist.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// What tests are called, and the files and directories that hold them.
#[derive(Default)]
struct Names {
    functions: BTreeSet<String>,
    modules: BTreeSet<String>,
}

impl Names {
    fn collect(&mut self, directory: &Path) {
        for entry in fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            self.modules.insert(path.file_stem().unwrap().to_str().unwrap().to_owned());
            if path.is_dir() {
                self.collect(&path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = fs::read_to_string(&path).unwrap();
                self.functions.extend(names_after("fn ", &text));
                self.modules.extend(names_after("mod ", &text));
            }
        }
    }

    fn hold(&self, reference: &str) -> bool {
        let (path, name) = reference.rsplit_once("::").unwrap_or(("", reference));
        let mut modules = path.split("::").filter(|module| !module.is_empty() && *module != "…");
        let name = name.trim_start_matches('…');
        modules.all(|module| self.modules.contains(module))
            && (name.is_empty() || self.functions.contains(name) || self.modules.contains(name))
    }
}

/// The names that follow a keyword.
fn names_after(keyword: &str, text: &str) -> Vec<String> {
    let is_part = |letter: &char| letter.is_alphanumeric() || *letter == '_';
    text.split(keyword).skip(1).map(|rest| rest.chars().take_while(is_part).collect()).collect()
}

#[test]
fn every_test_that_a_guarantee_names_exists() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut names = Names::default();
    names.collect(&root.join("server/src"));
    names.collect(&root.join("server/tests"));
    let text = fs::read_to_string(root.join("docs/guarantees.md")).unwrap();
    let rows: Vec<_> = text.lines().filter(|line| line.starts_with("| ")).skip(1).collect();
    assert!(rows.len() > 40, "{}", rows.len());
    for row in rows {
        let proof = row.trim_end_matches('|').rsplit('|').next().unwrap();
        let references: Vec<_> = proof.split('`').skip(1).step_by(2).collect();
        assert!(!references.is_empty(), "no test: {row}");
        for reference in references {
            let exists = if reference.ends_with(".test.mjs") {
                root.join("end2end/browser/tests").join(reference).exists()
            } else if reference.contains('/') {
                root.join(reference).exists()
            } else {
                names.hold(reference)
            };
            assert!(exists, "{reference} is not there: {row}");
        }
    }
}
