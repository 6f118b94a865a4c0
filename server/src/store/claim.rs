//! A site whose database is open, and whether it has another one by now.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use super::StoreError;
use super::site::SiteDatabase;

/// The claim of an open database to be its site's.
#[derive(Debug)]
pub(super) struct Claim {
    site: SiteDatabase,
    lost: AtomicBool,
}

impl Claim {
    /// A database that is the site's now.
    pub fn new(site: SiteDatabase) -> Self {
        Self { site, lost: AtomicBool::new(false) }
    }

    /// Whether the last [`check`](Self::check) found that it is not any more.
    pub fn is_lost(&self) -> bool {
        self.lost.load(Ordering::Relaxed)
    }

    /// Looks whether it still is: another host may have taken the site over.
    pub async fn check(&self, file: &Path) -> Result<(), StoreError> {
        let other = self.site.has_another_than(file).await?;
        self.lost.store(other.is_some(), Ordering::Relaxed);
        match other {
            Some(wrong) => Err(StoreError::new(file, wrong)),
            None => Ok(()),
        }
    }
}
