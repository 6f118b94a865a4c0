//! The jobs of the golden night: those that we know of, and those that the scheduler has had.

use std::collections::BTreeMap;
use std::fs;

use server::store::Store;

use super::{DATE, PROD_ID, TestSite, block_on};

impl TestSite {
    /// How often each job was submitted, by its purpose, as our database says.
    pub fn submitted(&self) -> BTreeMap<String, usize> {
        block_on(async {
            let store = Store::open(&self.database()).await.unwrap();
            let (date, prod_id) = (DATE.parse().unwrap(), PROD_ID.parse().unwrap());
            let mut found = BTreeMap::new();
            for submission in store.submissions_of(date, &prod_id).await.unwrap() {
                let purpose = submission.purpose;
                let purpose = purpose.strip_prefix("close 20241128 ").unwrap_or(&purpose);
                *found.entry(purpose.to_owned()).or_insert(0) += 1;
            }
            store.close().await;
            found
        })
    }

    /// How many jobs the scheduler itself has had, by name.
    pub fn jobs(&self) -> BTreeMap<String, usize> {
        if let Some(slurm) = self.slurm_if_any() {
            return slurm.jobs();
        }
        // Each job of the local scheduler has written a log of its own.
        let mut count = BTreeMap::new();
        for entry in fs::read_dir(self.analysis().join("log")).unwrap() {
            let name = entry.unwrap().file_name().into_string().unwrap();
            let job = name.strip_suffix(".out").and_then(|name| name.split_once("_jobid_"));
            if let Some((job, _)) = job {
                *count.entry(job.to_owned()).or_insert(0) += 1;
            }
        }
        count
    }
}
