//! `sequencer`: the night's jobs are written and submitted, and its table printed.

use std::io::Write;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use clap::{Args, ValueEnum};
use serde::Serialize;

use crate::config::Settings;
use crate::internal::{blocking, executable};
use crate::launch::{
    self, Answer, Engine, Gate, LaunchOptions, LaunchPlan, LaunchRequest, Launched, Prepared,
    ScriptOptions,
};
use crate::model::NightStatus;
use crate::night::{MissingSummary, NightPaths, Observation};
use crate::status::{Depth, NightInput, StatusCache, banner, night_status, table};

use super::{Common, Failure, Outcome, stages};

mod tell;
mod trial;

/// Write the jobs of a night, submit them, and print where its sequences stand.
///
/// Prints the table of the night's sequences. What keeps the night from being launched, and the
/// outcome of every job, are reported on standard error.
#[derive(Clone, Debug, Args)]
pub struct Sequencer {
    #[command(flatten)]
    common: Common,
    /// Write the job scripts, submit nothing
    #[arg(long)]
    no_submit: bool,
    /// Leave the calibration out: its files are taken to be there
    #[arg(long)]
    no_calib: bool,
    /// Stop before DL2
    #[arg(long)]
    no_dl2: bool,
    /// Launch although the gain selection has left no flag
    #[arg(long)]
    no_gainsel: bool,
    /// Submit even if all sequences are finished or some ran out of time
    #[arg(short, long)]
    force_submit: bool,
    /// Print the night's status as JSON, with -s or --no-submit also the plan
    #[arg(long)]
    json: bool,
    /// Telescope
    #[arg(value_enum)]
    tel_id: Telescope,
}

/// The telescopes that the original's command line knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Telescope {
    #[value(name = "ST")]
    St,
    #[value(name = "LST1")]
    Lst1,
    #[value(name = "LST2")]
    Lst2,
    #[value(name = "all")]
    All,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Report<'a> {
    #[serde(flatten)]
    status: &'a NightStatus,
    #[serde(skip_serializing_if = "Option::is_none")]
    plan: Option<&'a LaunchPlan>,
}

/// Launches the night, or shows what launching would do.
pub async fn run(args: Sequencer) -> Outcome {
    if args.tel_id != Telescope::Lst1 {
        let named = args.tel_id.to_possible_value().map(|v| v.get_name().to_owned());
        let named = named.unwrap_or_default();
        return Err(
            Failure::new(format!("only LST1 is processed here, not {named}")).hint("write LST1")
        );
    }
    let now = Utc::now();
    let night = {
        let args = args.clone();
        blocking(move || Night::find(&args, now)).await??
    };
    let night = night.decided().await?;
    if args.common.simulate { night.simulate().await } else { night.work().await }
}

/// A night on the command line.
struct Night {
    args: Sequencer,
    settings: Settings,
    paths: NightPaths,
    observation: Arc<Observation>,
    now: DateTime<Utc>,
}

impl Night {
    /// Reads the configuration, prints the opening line and reads what was observed.
    fn find(args: &Sequencer, now: DateTime<Utc>) -> Result<Self, Failure> {
        let settings = args.common.settings()?;
        let date = args.common.night(now);
        if !args.json {
            say(&(banner(date, now, settings.site.output.report_width) + "\n"))?;
        }
        let prod_id = stages::production(None, &settings)?;
        let paths = NightPaths::new(settings.site.clone(), date, prod_id);
        let job_path = &settings.server.job_path;
        let missing = match args.common.simulate {
            true => MissingSummary::Fail,
            false => MissingSummary::Make(job_path),
        };
        let observation = Observation::read(&paths, missing)?;
        Ok(Self { args: args.clone(), settings, paths, observation: Arc::new(observation), now })
    }

    /// As people have decided about its runs.
    async fn decided(mut self) -> Result<Self, Failure> {
        let observation = Observation::clone(&self.observation);
        let decided = launch::decided(&self.settings, &self.paths, observation).await?;
        self.observation = Arc::new(decided);
        Ok(self)
    }

    fn options(&self, submit: bool) -> LaunchOptions {
        LaunchOptions {
            no_calib: self.args.no_calib,
            no_dl2: self.args.no_dl2,
            no_gainsel: self.args.no_gainsel,
            force: self.args.force_submit,
            submit,
        }
    }

    fn request(&self, submit: bool) -> Result<LaunchRequest, Failure> {
        let program = executable()?;
        Ok(LaunchRequest {
            paths: self.paths.clone(),
            observation: Arc::clone(&self.observation),
            options: self.options(submit),
            script: ScriptOptions {
                program,
                job_path: self.settings.server.job_path.clone(),
                no_dl2: self.args.no_dl2,
                verbose: self.args.common.verbose,
            },
            by: launch::user(),
            author: launch::author(),
            now: self.now,
        })
    }

    /// `-s`: looks, and changes nothing anywhere.
    async fn simulate(self) -> Outcome {
        let jobs = match self.args.common.test {
            true => Answer::unknown(),
            false => {
                launch::ask_read_only(&self.settings, &self.paths, &self.observation, self.now)
                    .await?
            }
        };
        let health = jobs.health.clone();
        // A plan needs the histories; the table does not.
        if self.args.json || self.args.common.verbose {
            let submit = !self.args.no_submit && !self.args.common.test;
            let request = self.request(submit)?;
            let prepared = request.prepare(jobs).await?;
            self.report(&prepared.status, Some(&prepared.plan))?;
        } else {
            let night = Arc::new(self);
            let table = Arc::clone(&night);
            let (status, gate) = blocking(move || table.table_only(&jobs)).await?;
            night.report(&status, None)?;
            tell::gate(gate.as_ref());
        }
        match &health.error {
            None => Ok(ExitCode::SUCCESS),
            Some(error) => Err(unanswered(error, health.hint.as_deref())),
        }
    }

    fn table_only(&self, jobs: &Answer) -> (NightStatus, Option<Gate>) {
        let options = self.options(false);
        let gate = launch::gate_without_jobs(&self.paths, &self.observation, options);
        let input = NightInput {
            paths: &self.paths,
            observation: &self.observation,
            jobs: &jobs.jobs(),
            depth: Depth::Table,
            dl2: Some(!options.no_dl2),
            now: self.now,
        };
        (night_status(&input, &StatusCache::default()), gate)
    }

    /// Without `-s`: writes scripts, and submits or tries them, as far as the gates are open.
    async fn work(self) -> Outcome {
        let test = self.args.common.test;
        let request = self.request(!self.args.no_submit && !test)?;
        if test {
            let prepared = request.prepare(Answer::unknown()).await?;
            return self.without_scheduler(request, prepared).await;
        }
        let engine = Engine::open(&self.settings).await?;
        let outcome = self.with_scheduler(request, &engine).await;
        engine.close().await;
        outcome
    }

    async fn with_scheduler(&self, request: LaunchRequest, engine: &Engine) -> Outcome {
        if self.args.no_submit {
            let jobs = launch::ask(engine, &self.paths, &self.observation, self.now).await?;
            let health = jobs.health.clone();
            let prepared = request.prepare(jobs).await?;
            let outcome = self.without_scheduler(request, prepared).await?;
            return match &health.error {
                None => Ok(outcome),
                Some(error) => Err(unanswered(error, health.hint.as_deref())),
            };
        }
        let launched = request.launch(engine).await?;
        self.conclude(&launched)
    }

    /// Writes the scripts and, with `-t` alone, tries them.
    async fn without_scheduler(&self, request: LaunchRequest, prepared: Prepared) -> Outcome {
        let Prepared { status, plan } = prepared;
        if plan.gate.is_some() {
            self.stop_at_gate(&status, &plan)?;
            return Ok(ExitCode::SUCCESS);
        }
        request.write_scripts(&plan).await?;
        self.say_scripts()?;
        let trial = self.args.common.test && !self.args.no_submit;
        let failed = if trial { trial::run(&self.paths, &status, &plan).await? } else { 0 };
        self.report(&status, Some(&plan))?;
        let blocked = tell::left_out(&plan, self.args.common.verbose);
        Ok(exit(failed == 0 && !blocked && self.observation.faulty.is_empty()))
    }

    fn conclude(&self, launched: &Launched) -> Outcome {
        let Launched { prepared: Prepared { status, plan }, outcomes } = launched;
        if plan.gate.is_some() {
            self.stop_at_gate(status, plan)?;
            return Ok(ExitCode::SUCCESS);
        }
        self.say_scripts()?;
        self.report(status, None)?;
        let blocked = tell::left_out(plan, self.args.common.verbose);
        let failed = tell::outcomes(outcomes);
        if outcomes.is_empty() {
            eprintln!("Nothing is left to be submitted.");
        }
        Ok(exit(!failed && !blocked && self.observation.faulty.is_empty()))
    }

    /// A line of the original's, told when scripts have been written.
    fn say_scripts(&self) -> Result<(), Failure> {
        if self.args.json { Ok(()) } else { say("Building job scripts for each sequence.\n") }
    }

    fn stop_at_gate(&self, status: &NightStatus, plan: &LaunchPlan) -> Result<(), Failure> {
        if self.args.json {
            self.print_json(status, Some(plan))?;
        }
        tell::decisions(status);
        tell::notices(status, self.args.common.verbose);
        tell::gate(plan.gate.as_ref());
        Ok(())
    }

    /// The table, or JSON, and what a shifter should know.
    fn report(&self, status: &NightStatus, plan: Option<&LaunchPlan>) -> Result<(), Failure> {
        if self.args.json {
            self.print_json(status, plan)?;
        } else {
            say(&table(&status.sequences, self.settings.site.output.padding))?;
        }
        tell::decisions(status);
        tell::notices(status, self.args.common.verbose);
        if self.args.common.simulate
            && let Some(plan) = plan
        {
            if self.args.common.verbose {
                tell::plan(plan);
            }
            tell::gate(plan.gate.as_ref());
        }
        Ok(())
    }

    fn print_json(&self, status: &NightStatus, plan: Option<&LaunchPlan>) -> Result<(), Failure> {
        let plan = plan.filter(|_| self.args.common.simulate || self.args.no_submit);
        let text = serde_json::to_string_pretty(&Report { status, plan })?;
        say(&(text + "\n"))
    }
}

fn unanswered(error: &str, hint: Option<&str>) -> Failure {
    let hint = hint.unwrap_or("see whether the scheduler is up");
    Failure::new(format!("the scheduler does not answer, so that job states are unknown: {error}"))
        .hint(format!("{hint}; -t does without it"))
}

fn exit(well: bool) -> ExitCode {
    if well { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

/// Writes to standard output; a reader that has gone away is an error, not a crash.
fn say(text: &str) -> Result<(), Failure> {
    Ok(std::io::stdout().write_all(text.as_bytes())?)
}
