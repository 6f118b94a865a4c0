//! What crosses the wire: plain types that make nonsense unrepresentable, each parsing from and
//! printing to its text form in one place. The server's domain uses these same types.

mod action;
mod api;
mod audit;
mod blocker;
mod closing;
mod decision;
mod evidence;
mod figure_query;
mod form;
mod hostlist;
mod ids;
mod job;
mod note;
mod observation;
mod people;
mod products;
mod publish;
mod quality;
mod remedy;
mod run;
mod status;

pub use action::{Action, ActionPlan, AuditLine, Fields, NightActivity, PlannedStep, read_spans};
pub use api::{ApiOperation, ApiParameter};
pub use audit::{ActionOutcome, AuditEntry, Author};
pub use blocker::{Blocker, BlockerKind, Blockers, Evidence, Remedy, spans};
pub use closing::{
    Block, BlockKind, CloseOptions, ClosingJob, ClosingJobState, ClosingPlan, ClosingProgress,
    ClosingSequence, ClosingStep, FileStep, MoveGroup, PlannedFile, StepState,
};
pub use decision::{Choice, Decision, Undone};
pub use evidence::{
    DatacheckRange, DatacheckSheet, FigureInfo, ProvenanceAsked, ProvenanceMembers, ProvenanceNode,
    ProvenanceView, RangeRun,
};
pub use figure_query::{FigureChoice, FigureQuery, OtherRun, ValueLimits, ValueScale};
pub use form::{ActionFields, Confirmation, NewToken, RESULT};
pub use hostlist::hostlist;
pub use ids::{IdError, NightDate, ProdId, RunId, Subrun, SubrunId};
pub use job::{ExitCode, JobId, JobState, TaskRecord};
pub use note::{DatacheckNote, NewNote};
pub use observation::{CalibrationRuns, Kind, Level, RunType, Sequence, Stage};
pub use people::{Account, ApiToken, PersonName, Role, SessionInfo, SignInForm, User};
pub use products::{Missing, Product, ProductGroup, Products};
pub use publish::{CopyState, MissingProduct, PublishFile, PublishPlan};
pub use quality::{NightQuality, QualityFinding, RunQuality, Verdict};
pub use remedy::{RemedyPlan, RemedyStep};
pub use run::{HistoryLine, LogChunk, LogFile, RunDetail, SubrunDetail};
pub use status::{
    Condition, NightList, NightState, NightStatus, NightSummary, Notice, Percentages,
    SchedulerHealth, Segment, SequenceAction, SequenceStatus, Severity,
};
