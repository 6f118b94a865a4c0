//! `osa serve`: the web server.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use chrono::{Days, Utc};
use clap::Args;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

use crate::actions;
use crate::config::{ServerConfig, Settings, SiteConfig};
use crate::datacheck::Criteria;
use crate::internal::{blocking, executable};
use crate::launch::Engine;
use crate::model::NightDate;
use crate::night::NightPaths;
use crate::people::end_sessions_known_to_all;
use crate::provenance::index::Keeper;
use crate::schedule;
use crate::status::Diagnosis;
use crate::store::{Grace, SiteDatabase, Store};
use crate::web::{
    self, AskPace, BlockingStore, HealthConfig, People, SiteReader, Watcher, WebConfig,
};

use super::{Failure, Outcome, logging};

mod closing;
mod launching;

/// Days of jobs that are asked for where `STARTTIME_DAYS_SACCT` does not say.
const DAYS: u32 = 7;

/// Show the nights in the browser: where they stand, live, and why something failed.
///
/// The address is printed on standard error. It ends on Ctrl-C or SIGTERM. What it has to say goes
/// to standard error too, a line for each request among it: RUST_LOG says how much, `log_format` in
/// osa.toml (OSA_LOG_FORMAT) in which form.
#[derive(Debug, Args)]
pub struct Serve {
    /// Use this configuration file [default: $OSA_CONFIG, ./sequencer.cfg, or the installed one]
    #[arg(short, long, value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// Address to listen on [default: `listen` in osa.toml, or 127.0.0.1:8750]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<SocketAddr>,
}

/// Serves until it is asked to end.
pub async fn run(args: Serve) -> Outcome {
    let option = args.config;
    let (settings, prod_id, diagnosis, criteria) = blocking(move || {
        let settings = Settings::load(option.as_deref())?;
        let prod_id = settings.site.prod_id_or_version(&settings.server.job_path)?;
        let diagnosis = Diagnosis::new(settings.server.known_errors.clone())?;
        let criteria = Criteria::new(settings.server.datacheck_thresholds.clone())?;
        Ok::<_, Failure>((settings, prod_id, diagnosis, criteria))
    })
    .await??;
    logging::start(settings.server.log_format);
    let Settings { site, server } = settings.clone();
    let store = SiteDatabase::of(&settings).open().await?;
    let store = store.with_grace(Grace::new(server.lost_after));
    let address = args.listen.unwrap_or(server.listen);
    keep_demo_here(&server, address)?;
    let config = WebConfig {
        prefix: server.prefix.clone(),
        listen: address.ip(),
        site: site_directory(&server)?,
        connections: server.connections,
        health: HealthConfig {
            directories: disks(&store, &site),
            least_free_mb: server.least_free_mb,
        },
    };
    let people = People::new(store.clone(), server.access.clone());
    shut_demo_out(&people).await?;
    let scheduler = schedule::open(&server, store.clone())?;
    let pace = AskPace::of(&server);
    let days = Days::new(site.slurm.starttime_days_sacct.unwrap_or(DAYS).into());
    let today = NightDate::new(Utc::now().date_naive());
    let engine = Engine { store: store.clone(), scheduler: Arc::clone(&scheduler) };
    let actions = actions::Site {
        engine: engine.clone(),
        settings: settings.clone(),
        prod_id: prod_id.clone(),
    };
    let launching = launching::resume(engine.clone(), settings.clone());
    let closing = closing::keep(engine, settings, prod_id.clone());
    let any_night = NightPaths::new(Arc::clone(&site), today, prod_id.clone());
    let keeper = Keeper::new(store.clone(), any_night);
    let reader = SiteReader::new(site, prod_id, today, BlockingStore::new(store.clone()));
    let reader = reader.with_diagnosis(diagnosis);
    let watcher =
        Watcher::new(Arc::new(reader), scheduler.engine(), server.poll, criteria, store.clone());
    let listener = TcpListener::bind(address).await.map_err(|cause| {
        Failure::new(format!("cannot listen on {address}: {cause}"))
            .hint("another server may run there; --listen takes another address")
    })?;
    let url = format!("http://{}{}/\n", listener.local_addr()?, server.prefix);
    eprint!("{url}");
    tracing::info!(
        poll_seconds = server.poll.as_secs_f32(),
        scheduler = scheduler.engine(),
        "serving"
    );
    let end = end()?;
    let launching = tokio::spawn(launching);
    let closing = tokio::spawn(closing);
    let indexing = tokio::spawn(keeper.run());
    let watching = tokio::spawn(Arc::clone(&watcher).run(scheduler, Some(store), days, pace));
    web::serve(listener, &config, watcher, people, Arc::new(actions), end).await;
    watching.abort();
    launching.abort();
    closing.abort();
    indexing.abort();
    Ok(ExitCode::SUCCESS)
}

/// Directories that are written to, each of which may be on a disk of its own.
fn disks(store: &Store, site: &SiteConfig) -> Vec<PathBuf> {
    let mut disks = vec![site.directories.analysis_dir.clone(), site.directories.osa_dir.clone()];
    disks.extend(store.file.parent().map(Path::to_owned));
    disks.dedup();
    disks
}

/// Refuses to show a demo to others: its passwords are on its sign-in page.
fn keep_demo_here(server: &ServerConfig, address: SocketAddr) -> Result<(), Failure> {
    let access = &server.access;
    if !access.demo || access.demo_public || address.ip().to_canonical().is_loopback() {
        return Ok(());
    }
    let hint = "listen on 127.0.0.1, or set `demo_public = true` in osa.toml (OSA_DEMO_PUBLIC) if \
                everybody who reaches this address may do everything in the demo";
    let text = format!("{address} can be reached from other machines, and this is a demo");
    Err(Failure::new(text).hint(hint))
}

/// Ends the sessions of users who still have the password of a demo, on a site that is no demo.
async fn shut_demo_out(people: &People) -> Result<(), Failure> {
    for name in end_sessions_known_to_all(&people.store, people.rules).await? {
        tracing::warn!(
            user = %name,
            "this user has the password of the demo and cannot sign in: `osa user passwd` gives \
             another, `osa user remove` removes the user"
        );
    }
    Ok(())
}

fn site_directory(server: &ServerConfig) -> Result<PathBuf, Failure> {
    let program = executable()?;
    web::find_site(server.site.as_deref(), &program).ok_or_else(|| {
        Failure::new("the directory with the site's style and scripts is not there").hint(
            "build it with `cargo xtask build`, or set `site` in osa.toml (OSA_SITE) to where it is",
        )
    })
}

/// Comes to its end on Ctrl-C or SIGTERM.
fn end() -> std::io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        tracing::info!("ending");
    })
}
