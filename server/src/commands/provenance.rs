//! `osa provenance`: where a file came from, and what was made of it.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::path::PathBuf;
use std::process::ExitCode;

use chrono::Utc;
use clap::{Args, ValueEnum};

use crate::config::Settings;
use crate::internal::blocking;
use crate::model::{NightDate, RunId};
use crate::night::NightPaths;
use crate::provenance::document::{Document, ElementKind};
use crate::provenance::graph::{Direction, Graph, layout, pdf, svg};
use crate::provenance::index::{Lineage, Question, Start, indexed, lineage, logs, update};
use crate::provenance::{json, jsonld, provn, turtle};
use crate::store::{SiteDatabase, Store};

use super::{Failure, Outcome, stages, warn};

/// In which form the answer is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    /// Activities and files in lines
    Text,
    /// PROV-JSON
    Json,
    /// PROV-N
    Provn,
    /// Turtle
    Ttl,
    /// JSON-LD
    Jsonld,
    /// The graph as SVG
    Svg,
    /// The graph as PDF
    Pdf,
}

/// Where to begin: one of these.
#[derive(Clone, Debug, Args)]
#[group(required = true, multiple = false)]
struct From {
    /// A file, by its whole path
    #[arg(long)]
    path: Option<String>,
    /// Files of that name, wherever they are
    #[arg(long)]
    name: Option<String>,
    /// Files that held this: SHA-256, or the MD5 that prov.log calls the hash
    #[arg(long)]
    hash: Option<String>,
    /// Everything that was done to a run
    #[arg(long)]
    run: Option<RunId>,
    /// An activity, by its id
    #[arg(long)]
    activity: Option<String>,
}

/// Tell where a file came from, or what was made of it, in any night.
///
/// The prov.log files of the newest sixty nights are indexed first, as far as they have grown since; of
/// an older night, name it with --date.
#[derive(Clone, Debug, Args)]
pub struct ProvenanceArgs {
    /// Use this configuration file [default: $OSA_CONFIG, ./sequencer.cfg, or the installed one]
    #[arg(short, long, value_name = "CONFIG")]
    config: Option<PathBuf>,
    #[command(flatten)]
    from: From,
    /// What was made of it, instead of what it was made of
    #[arg(long)]
    forward: bool,
    /// Follow this many relations only: from a file to an activity is one, and on to a file another
    #[arg(long)]
    depth: Option<usize>,
    /// Date (YYYY-MM-DD) of a night whose prov.log is indexed alone
    #[arg(short, long)]
    date: Option<NightDate>,
    /// In which form
    #[arg(long, value_enum, default_value = "text")]
    format: Format,
    /// The same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
}

/// Brings the index up to date, and prints the answer.
pub async fn run(args: ProvenanceArgs) -> Outcome {
    let (config, date) = (args.config.clone(), args.date);
    let (site, logs) = blocking(move || {
        let settings = Settings::load(config.as_deref())?;
        let prod_id = stages::production(None, &settings)?;
        let site = SiteDatabase::of(&settings);
        let today = NightDate::new(Utc::now().date_naive());
        let any_night = NightPaths::new(settings.site, today, prod_id);
        let logs = match date {
            Some(date) => vec![any_night.of_night(date).provenance_log()],
            None => logs(&any_night)?,
        };
        Ok::<_, Failure>((site, logs))
    })
    .await??;
    let store = index(&site).await?;
    for log in &logs {
        update(&store, log).await.map_err(Failure::new)?;
        if let Some(known) = indexed(&store, log).await?.filter(|known| known.bad > 0) {
            eprintln!("{}: {} lines are torn or no records:", log.display(), known.bad);
            for bad in known.bad_lines.iter().take(5) {
                eprintln!("  {bad}");
            }
        }
    }
    let question = question(&args);
    let found = lineage(&store, &question).await.map_err(|error| {
        Failure::new(error).hint("a night that is not among the newest is indexed with --date")
    })?;
    let format = if args.json { Format::Json } else { args.format };
    let title = args.from.title();
    let mut out = std::io::stdout();
    if format == Format::Pdf && out.is_terminal() {
        return Err(
            Failure::new("a PDF is nothing for a terminal").hint("send it to a file: > graph.pdf")
        );
    }
    out.write_all(&written(&found, &title, format))?;
    Ok(ExitCode::SUCCESS)
}

/// The site's index or, for somebody who may not write to it, a copy that is gone afterwards.
async fn index(site: &SiteDatabase) -> Result<Store, Failure> {
    match site.open_surely().await {
        Ok(store) => Ok(store),
        Err(error) if error.is_out_of_reach() => {
            let access = site.open_to_read().await?;
            warn(access.notice.as_ref());
            Ok(Store::open_copy(access.store.as_ref().map(|store| store.file.as_path())).await?)
        }
        Err(error) => Err(error.into()),
    }
}

fn question(args: &ProvenanceArgs) -> Question {
    let from = args.from.clone();
    let start = from.path.map(Start::Path);
    let start = start.or(from.name.map(Start::Name)).or(from.hash.map(Start::Hash));
    let start = start.or(from.run.map(Start::Run)).or(from.activity.map(Start::Activity));
    let direction = if args.forward { Direction::Forward } else { Direction::Back };
    Question { starts: start.into_iter().collect(), direction, depth: args.depth, agents: true }
}

impl From {
    fn title(&self) -> String {
        let run = self.run.map(|run| format!("run {run}"));
        let texts = [&self.path, &self.name, &self.hash, &self.activity];
        let text = texts.into_iter().find_map(Clone::clone);
        format!("Provenance of {}", run.or(text).unwrap_or_default())
    }
}

fn written(found: &Lineage, title: &str, format: Format) -> Vec<u8> {
    let document = &found.document;
    let drawing = || layout(&Graph::of(document, title));
    match format {
        Format::Text => lines(document).into_bytes(),
        Format::Json => json::write(document).into_bytes(),
        Format::Provn => provn::write(document).into_bytes(),
        Format::Ttl => turtle::write(document).into_bytes(),
        Format::Jsonld => jsonld::write(document).into_bytes(),
        Format::Svg => svg::write(&drawing()).into_bytes(),
        Format::Pdf => pdf::write(&drawing()),
    }
}

/// One activity a line, with what it used and made below.
fn lines(document: &Document) -> String {
    let mut text = String::new();
    for activity in document.of_kind(ElementKind::Activity) {
        let run = activity.attributes.text("run").unwrap_or_default();
        let time = activity.end.as_ref().or(activity.start.as_ref());
        let time = time.map(String::as_str).unwrap_or_default();
        let _ = writeln!(text, "{} {run}  {time}  {}", activity.label(), activity.id);
        for relation in &document.relations {
            let to = relation.to.as_ref();
            let (word, entity) = if relation.from == activity.id {
                ("used", to)
            } else if to == Some(&activity.id) {
                ("made", Some(&relation.from))
            } else {
                continue;
            };
            let entity = entity.and_then(|name| document.find(ElementKind::Entity, name));
            let Some(entity) = entity else { continue };
            let path = entity.attributes.text("filepath").unwrap_or_default();
            let _ = writeln!(text, "  {word} {} {path}", entity.label());
        }
    }
    text
}
