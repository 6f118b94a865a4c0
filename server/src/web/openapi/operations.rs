//! What each address of the interface does, in words and types.

use crate::datacheck::figure::Figure;
use crate::model::{
    ActionPlan, Blockers, DatacheckNote, DatacheckRange, DatacheckSheet, LogChunk, NewNote,
    NightList, NightStatus, Products, RunDetail,
};

use super::super::actions::{ActionRequest, ActionResponse};
use super::super::api::{Health, Me};
use super::schemas::{Shape, of};

/// A verb at an address.
pub struct Operation {
    /// `GET` or `POST`.
    pub verb: &'static str,
    /// The address, as the table of rules has it; addresses with a suffix for one form are not named.
    pub path: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Parameters of the query: name, meaning, example.
    pub query: &'static [(&'static str, &'static str, &'static str)],
    /// Media types of good answers.
    pub answers: &'static [&'static str],
    /// What an answer in JSON holds, where it is ours to say.
    pub shape: Option<Shape>,
    /// What is sent.
    pub body: Option<Shape>,
    /// Whether an answer of status 503 has the same shape.
    pub also_failing: bool,
}

const JSON: &[&str] = &["application/json"];
const NEWS: &[&str] = &["text/event-stream"];
const FIGURE: &[&str] =
    &["image/svg+xml", "image/png", "application/pdf", "text/csv", "application/json"];
const PROV: &[&str] = &[
    "application/json",
    "text/provenance-notation",
    "text/turtle",
    "application/ld+json",
    "image/svg+xml",
    "application/pdf",
];
const CHOICE: &[(&str, &str, &str)] = &[
    ("scale", "how values run: linear or log", "log"),
    ("limits", "from where to where: all, percentile or value", "percentile"),
    ("low", "the lower limit", "1"),
    ("high", "the upper limit", "99"),
];
const FILTER: (&str, &str, &str) =
    ("filter", "only this part of the pipeline: calibration, r0_to_dl1 or dl1_to_dl2", "r0_to_dl1");

const fn get(path: &'static str, summary: &'static str) -> Operation {
    let (query, answers): (&[_], _) = (&[], JSON);
    let (shape, body, also_failing) = (None, None, false);
    Operation { verb: "GET", path, summary, query, answers, shape, body, also_failing }
}

const fn post(path: &'static str, summary: &'static str) -> Operation {
    Operation { verb: "POST", ..get(path, summary) }
}

impl Operation {
    const fn asking(self, query: &'static [(&'static str, &'static str, &'static str)]) -> Self {
        Self { query, ..self }
    }

    const fn answering(self, answers: &'static [&'static str]) -> Self {
        Self { answers, ..self }
    }

    const fn giving(self, shape: Shape) -> Self {
        Self { shape: Some(shape), ..self }
    }

    const fn also_failing(self) -> Self {
        Self { also_failing: true, ..self }
    }

    const fn taking(self, body: Shape) -> Self {
        Self { body: Some(body), ..self }
    }
}

/// Every address, but for the one that is none.
pub const OPERATIONS: &[Operation] = &[
    get(
        "/api/v1/health",
        "Whether the database can be written, threads are free, the scheduler answers and disks have \
         space: status 200, or 503 with the reason.",
    )
    .giving(of::<Health>)
    .also_failing(),
    get("/api/v1/me", "Principal asks, as the server sees them.").giving(of::<Me>),
    get("/api/v1/openapi.json", "This interface, described."),
    get("/api/v1/nights", "All nights, newest first, and where they stand.").giving(of::<NightList>),
    get("/api/v1/nights/events", "Tells when the list of nights changes.").answering(NEWS),
    get("/api/v1/nights/{date}", "Where a night stands: its sequences, subruns, jobs, blockers.").giving(of::<NightStatus>),
    get("/api/v1/nights/{date}/events", "Tells when the night changes.").answering(NEWS),
    get("/api/v1/nights/{date}/blockers", "What stands in the way of closing a night, with evidence.").giving(of::<Blockers>),
    get("/api/v1/nights/{date}/plan", "What an action would do.").giving(of::<ActionPlan>).asking(&[
        (
            "what",
            "what is to be done: launch, close, copy-datacheck, resubmit, drop-last-subrun, exclude, \
             veto, unveto, undo or cancel-never",
            "close",
        ),
        ("run", "the run that it is about", "19102"),
        ("subruns", "of a run that is submitted again: only these; all that are not done if missing", "0-3,7"),
        ("memory", "of a run that is submitted again: memory a processor", "12GB"),
        ("walltime", "of a run that is submitted again: its walltime", "2:30:00"),
        ("remove_products", "of a run that is submitted again: whether what it made is removed first", "1"),
        ("no_dl2", "whether the night is closed without DL2", "1"),
        ("jobs", "the jobs to cancel, which can never begin", "1061,1062"),
        ("decision", "the number of the decision to undo", "3"),
    ]),
    post("/api/v1/nights/{date}/actions", "Does what a plan says, if it is still the plan.").taking(of::<ActionRequest>).giving(of::<ActionResponse>),
    get("/api/v1/nights/{date}/runs/{run}", "A run in detail: each subrun's history, jobs and logs.").giving(of::<RunDetail>),
    get("/api/v1/nights/{date}/runs/{run}/events", "Tells when the run changes.").answering(NEWS),
    get("/api/v1/nights/{date}/runs/{run}/logs/{name}", "A piece of a job's log.").giving(of::<LogChunk>)
        .asking(&[("from", "the byte where it begins; its end if this is missing", "0")]),
    get("/api/v1/nights/{date}/runs/{run}/logs/{name}/events", "Tells what is written to a log.")
        .asking(&[("from", "the byte after which to tell", "0")])
        .answering(NEWS),
    get("/api/v1/datacheck", "Data quality of many nights against time: a sheet's figures.").giving(of::<DatacheckRange>).asking(&[
        ("sheet", "the sheet", "pedestal"),
        ("from", "the first night", "2024-11-01"),
        ("to", "the last night", "2024-11-30"),
        ("source", "only this source", "Crab"),
        ("run", "only these runs", "19102-19110"),
    ]),
    get("/api/v1/datacheck/{sheet}/{figure}", "A figure of many nights.").giving(of::<Figure>)
        .asking(&[
            ("from", "the first night", "2024-11-01"),
            ("to", "the last night", "2024-11-30"),
            ("source", "only this source", "Crab"),
            ("run", "only these runs", "19102-19110"),
        ])
        .answering(FIGURE),
    get("/api/v1/nights/{date}/datacheck", "Data quality of a night: a sheet's figures.").giving(of::<DatacheckSheet>)
        .asking(&[("sheet", "the sheet; the first if it is missing", "pedestal")]),
    get("/api/v1/nights/{date}/datacheck/{sheet}/{figure}", "A figure of a night.").giving(of::<Figure>)
        .asking(CHOICE)
        .answering(FIGURE),
    get("/api/v1/nights/{date}/products", "The datacheck files that lstchain made, and those that are missing.").giving(of::<Products>),
    get("/api/v1/nights/{date}/products/{group}/{product}", "A datacheck file as lstchain made it.")
        .answering(&["application/pdf", "text/html", "text/plain", "application/x-hdf5"]),
    get("/api/v1/nights/{date}/notes", "Principal has looked at the data quality, and what they noted.").giving(of::<Vec<DatacheckNote>>),
    post("/api/v1/nights/{date}/notes", "Notes that one has looked: a run (or none, for the night), a sheet, a text; each may be left out.").taking(of::<NewNote>).giving(of::<DatacheckNote>),
    post("/api/v1/nights/{date}/notes/{note}/withdraw", "Withdraws a note, which is kept with who did.").giving(of::<DatacheckNote>),
    get("/api/v1/nights/{date}/runs/{run}/datacheck", "Data quality of a run: a sheet's figures.").giving(of::<DatacheckSheet>)
        .asking(&[("sheet", "the sheet; the first if it is missing", "rates")]),
    get("/api/v1/nights/{date}/runs/{run}/datacheck/{sheet}/{figure}", "A figure of a run.").giving(of::<Figure>)
        .asking(CHOICE)
        .answering(FIGURE),
    get("/api/v1/nights/{date}/runs/{run}/provenance", "What a run's products were made of, and how.")
        .asking(&[FILTER])
        .answering(PROV),
    get("/api/v1/runs/{run}/provenance", "The same, without naming the night.")
        .asking(&[FILTER])
        .answering(PROV),
    get(
        "/api/v1/provenance",
        "Where anything came from, or what was made of it, in all nights. The names of IVOA's ProvSAP are \
         understood too.",
    )
    .asking(&[
        ("path", "a file, by its whole path", "/fefs/aswg/data/real/DL2/20241128/v0.1.0/model2/dl2_LST-1.Run19102.0000.h5"),
        ("name", "files of that name, wherever they are", "dl2_LST-1.Run19102.0000.h5"),
        ("hash", "files that held this: SHA-256 of the content, or MD5 of the path", "78e64e3563c94235678cfcf33ef55655"),
        ("run", "everything that was done to a run", "19102"),
        ("activity", "an activity, by its id", "2bc83c"),
        ("direction", "back (the default) or forward", "forward"),
        ("depth", "how many relations to follow, or ALL (the default)", "2"),
        ("ID", "ProvSAP: the id or path of an entity or activity; may come several times", "78e64e3563c94235678cfcf33ef55655"),
        ("RESPONSEFORMAT", "ProvSAP: PROV-JSON, PROV-N, PROV-TURTLE, PROV-JSONLD, PROV-SVG or PROV-PDF", "PROV-N"),
        ("MODEL", "ProvSAP: W3C", "W3C"),
        ("AGENTS", "ProvSAP: 1, or 0 to leave out who did it", "1"),
    ])
    .answering(PROV),
];

/// What a parameter of a path means, and an example.
pub fn path_parameter(name: &str) -> (&'static str, &'static str) {
    match name {
        "date" => ("the date of the evening", "2024-11-28"),
        "run" => ("the run", "19102"),
        "name" => ("the name of a log", "Run19102.0000_jobid_7.out"),
        "group" => ("what it is about: calibration, runs or longterm", "longterm"),
        "product" => ("the name of a file", "DL1_datacheck_20241128.html"),
        "note" => ("the number of a note", "1"),
        "sheet" => ("the sheet of figures", "rates"),
        "figure" => ("the figure, and in which form", "ucts.svg"),
        _ => ("", ""),
    }
}
