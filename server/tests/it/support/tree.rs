//! A site's directory tree, to see whether and how it has changed.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::TestSite;

/// Every file below a directory with its content, and every directory.
pub fn contents(directory: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    let mut left = vec![directory.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path.clone());
                found.insert(path, Vec::new());
            } else {
                found.insert(path.clone(), fs::read(&path).unwrap());
            }
        }
    }
    found
}

impl TestSite {
    /// Every file of the site with its content, and every directory.
    pub fn everything(&self) -> BTreeMap<PathBuf, Vec<u8>> {
        contents(self.dir())
    }

    /// Every file, link and directory of the tree below BASE, named relative to it: links with where
    /// they lead, files with their content. What tells of the machine, the time or the process is
    /// left out: logs, our database, the table of nights, the content of the night's flag.
    pub fn tree(&self) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let mut left = vec![self.base().to_owned()];
        while let Some(directory) = left.pop() {
            for entry in fs::read_dir(&directory).unwrap() {
                let path = entry.unwrap().path();
                let name = path.strip_prefix(self.base()).unwrap().to_str().unwrap().to_owned();
                let log = name.contains("/log/") && name.contains("running_analysis");
                if log || name.starts_with("OSA/osa.") || name == "OSA/osa-ledger" {
                    continue;
                }
                let content = if let Ok(target) = fs::read_link(&path) {
                    format!("-> {}", target.display())
                } else if path.is_dir() {
                    left.push(path.clone());
                    "directory".to_owned()
                } else if name.ends_with("NightFinished.txt") {
                    "host:pid".to_owned()
                } else {
                    String::from_utf8_lossy(&fs::read(&path).unwrap()).into_owned()
                };
                found.insert(name, content.replace(self.dir().to_str().unwrap(), "/site"));
            }
        }
        found
    }

    /// The names of the tree's files and links in these places, for a snapshot.
    pub fn names(&self, places: &[&str]) -> String {
        let wanted = |name: &str| places.iter().any(|place| name.starts_with(place));
        let line = |(name, content): (String, String)| {
            let link = content.starts_with("-> ");
            (wanted(&name) && content != "directory")
                .then(|| if link { format!("{name} {content}") } else { name })
        };
        let lines: Vec<String> = self.tree().into_iter().filter_map(line).collect();
        lines.join("\n")
    }
}
