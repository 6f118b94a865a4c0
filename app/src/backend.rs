//! The verbs that pages need. The server implements them; tests can give a fake.

use std::sync::Arc;

use async_trait::async_trait;

pub use crate::backend_error::{BackendError, ErrorKind};
use crate::model::{
    ApiOperation, DatacheckRange, DatacheckSheet, FigureQuery, LogChunk, NightDate, NightList,
    NightStatus, Products, ProvenanceAsked, ProvenanceView, RunDetail, RunId,
};

/// Largest piece of a log that [`Backend::log`] gives at once, in bytes.
pub const LOG_PIECE: u64 = 256_000;

/// Something as it was seen.
#[derive(Debug)]
pub struct Seen<T> {
    /// Differs whenever there is something new to see.
    pub version: u64,
    /// What was seen.
    pub value: Arc<T>,
}

/// What the program can tell a page. Every call answers from a snapshot and never blocks on disks
/// or schedulers.
#[async_trait]
pub trait Backend: Send + Sync + 'static {
    /// All nights there are, newest first.
    async fn nights(&self) -> Result<Seen<NightList>, BackendError>;

    /// Where a night stands.
    async fn night(&self, date: NightDate) -> Result<Seen<NightStatus>, BackendError>;

    /// One run of a night in detail.
    async fn run(&self, date: NightDate, run: RunId) -> Result<Seen<RunDetail>, BackendError>;

    /// A piece of a log file of a run, at most [`LOG_PIECE`] long: from byte `from`, or its tail if
    /// that is `None`. It begins and ends between lines where it can.
    async fn log(
        &self,
        date: NightDate,
        run: RunId,
        name: &str,
        from: Option<u64>,
    ) -> Result<LogChunk, BackendError>;

    /// A sheet of a run's datacheck figures, alone or compared with another run's; the first if none
    /// is named.
    async fn run_datacheck(
        &self,
        date: NightDate,
        run: RunId,
        query: FigureQuery,
    ) -> Result<DatacheckSheet, BackendError>;

    /// A sheet of a night's datacheck figures; the first if none is named.
    async fn night_datacheck(
        &self,
        date: NightDate,
        query: FigureQuery,
    ) -> Result<DatacheckSheet, BackendError>;

    /// A sheet of datacheck figures of many nights: those of the last months if none are named.
    async fn range_datacheck(&self, query: FigureQuery) -> Result<DatacheckRange, BackendError>;

    /// The files of a night's data quality that lstchain made, and those that are missing.
    async fn products(&self, date: NightDate) -> Result<Products, BackendError>;

    /// What the interface for programs offers.
    fn api(&self) -> Vec<ApiOperation>;

    /// What a run's products were made of, and how.
    async fn run_provenance(
        &self,
        date: NightDate,
        run: RunId,
        asked: ProvenanceAsked,
    ) -> Result<ProvenanceView, BackendError>;
}
