//! `osa config`: the values in effect.

use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;
use serde_json::{Map, Value, json};

use crate::config::{Origin, Settings};
use crate::internal::blocking;

use super::Outcome;

/// Print the configuration as it takes effect.
///
/// Values of sequencer.cfg are shown after interpolation, settings of osa.toml with where each
/// comes from: the file, a variable of the environment, or the default.
#[derive(Debug, Args)]
pub struct ConfigArgs {
    /// Use this configuration file [default: $OSA_CONFIG, ./sequencer.cfg, or the installed one]
    #[arg(short, long, value_name = "CONFIG")]
    config: Option<PathBuf>,
    /// Print JSON
    #[arg(long)]
    json: bool,
}

/// Prints both configurations.
pub async fn run(args: ConfigArgs) -> Outcome {
    let option = args.config.clone();
    let mut settings = blocking(move || Settings::load(option.as_deref())).await??;
    if args.config.is_some() {
        settings.server.origins.insert("analysis_config", Origin::Option);
    }
    let text = if args.json { format!("{:#}\n", as_json(&settings)) } else { as_text(&settings) };
    std::io::stdout().write_all(text.as_bytes())?;
    Ok(ExitCode::SUCCESS)
}

fn as_text(settings: &Settings) -> String {
    let mut lines = vec![format!("# {}", settings.site.file.display())];
    let mut section = String::new();
    let mut in_defaults = false;
    for key in settings.site.effective() {
        if key.section != section {
            section.clone_from(&key.section);
            in_defaults = false;
            lines.push(format!("\n[{section}]"));
        }
        if key.line.is_none() != in_defaults {
            in_defaults = !in_defaults;
            lines.push(if in_defaults { "# defaults:" } else { "# from the file:" }.to_owned());
        }
        match key.value.map(|value| value.replace('\n', "\n    ")) {
            Some(value) => lines.push(format!("{}: {value}", key.key).replace(": \n", ":\n")),
            None => lines.push(key.key),
        }
    }
    let file = settings.server.file.as_ref().map(|file| file.display().to_string());
    lines.push(format!("\n# {}", file.as_deref().unwrap_or("no osa.toml")));
    for (key, value, origin) in server_settings(settings) {
        match value {
            Value::Null => lines.push(format!("# {key} is not set")),
            value => lines.push(format!("{key} = {value}  # {origin}")),
        }
    }
    lines.join("\n") + "\n"
}

fn as_json(settings: &Settings) -> Value {
    let mut sections = Map::new();
    for key in settings.site.effective() {
        let section = sections.entry(key.section).or_insert_with(|| json!({}));
        section[key.key] = key.value.into();
    }
    let server = server_settings(settings)
        .into_iter()
        .map(|(key, value, origin)| (key.to_owned(), json!({ "value": value, "from": origin })));
    json!({
        "analysis": { "file": settings.site.file, "sections": sections },
        "server": { "file": settings.server.file, "settings": server.collect::<Map<_, _>>() },
    })
}

/// The settings of `osa.toml` in effect: key, value, and where it comes from.
fn server_settings(settings: &Settings) -> Vec<(&'static str, Value, String)> {
    let server = &settings.server;
    let (access, connections) = (&server.access, &server.connections);
    let proxies: Vec<String> = access.trusted_proxies.iter().map(ToString::to_string).collect();
    let values = [
        ("listen", json!(server.listen.to_string())),
        ("prefix", json!(server.prefix)),
        ("database", json!(server.database_file(&settings.site))),
        ("scheduler", json!(server.scheduler.as_str())),
        ("slurm_cluster", json!(server.slurm_cluster)),
        ("squeue_seconds", json!(server.squeue.as_secs_f64())),
        ("sacct_seconds", json!(server.sacct.as_secs_f64())),
        ("poll_seconds", json!(server.poll.as_secs_f64())),
        ("lost_after_seconds", json!(server.lost_after.as_secs_f64())),
        ("known_errors", json!(server.known_errors)),
        ("datacheck_thresholds", json!(server.datacheck_thresholds)),
        ("analysis_config", json!(settings.site.file)),
        ("job_path", json!(server.job_path)),
        ("local_cpus", json!(server.local_cpus)),
        ("site", json!(server.site)),
        ("log_format", json!(server.log_format.as_str())),
        ("mail_host", json!(server.mail_host.as_ref().map(|(h, p)| format!("{h}:{p}")))),
        ("mail_from", json!(server.mail_from)),
        ("mail_to", json!(server.mail_to)),
        ("autoclose", json!(server.autoclose)),
        ("reading", json!(access.reading.as_str())),
        ("origin", json!(access.origin)),
        ("trusted_proxies", json!(proxies)),
        ("session_idle_hours", json!(access.session_idle.as_secs_f64() / 3600.0)),
        ("session_days", json!(access.session_longest.as_secs_f64() / 86_400.0)),
        ("demo", json!(access.demo)),
        ("demo_public", json!(access.demo_public)),
        ("hosts", json!(access.hosts)),
        ("cors_origins", json!(access.cors_origins)),
        ("hsts_days", json!(access.hsts.map(|time| time.as_secs_f64() / 86_400.0))),
        ("least_free_mb", json!(server.least_free_mb)),
        ("request_head_seconds", json!(connections.head.as_secs_f64())),
        ("request_body_seconds", json!(connections.body.as_secs_f64())),
        ("idle_connection_seconds", json!(connections.idle.as_secs_f64())),
        ("pending_connections", json!(connections.pending)),
        ("pending_connections_per_client", json!(connections.pending_per_client)),
    ];
    let origin = |key| server.origins.get(key).map(ToString::to_string).unwrap_or_default();
    values.map(|(key, value)| (key, value, origin(key))).into()
}
