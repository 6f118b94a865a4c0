//! What a remedy would do: nothing here changes anything.

use std::path::{Path, PathBuf};

use crate::launch::{Resubmission, ScriptOptions, resubmission};
use crate::model::{
    Choice, Condition, Decision, JobId, Kind, Level, Remedy, RemedyPlan, RemedyStep, RunId,
    SequenceAction, SequenceStatus, Subrun, TaskRecord, hostlist,
};
use crate::night::{Resources, drs4_file, night_of};
use crate::process::is_automatic_veto;
use crate::schedule::beyond;
use crate::schedule::script::{memory_bytes, time_limit};
use crate::status::jobs::{NEVER, by_run};
use crate::status::{Depth, NightInput, Sight, StatusCache, assess, scripted_without_dl2};

use super::{Ground, Request};

/// A plan, and what is needed to carry it out.
pub(super) struct Planned {
    /// The plan.
    pub plan: RemedyPlan,
    /// The job that is submitted, if one is.
    pub resubmission: Option<Resubmission>,
}

/// Plans. Blocks on the disk.
pub(super) fn plan(request: &Request, ground: &Ground) -> Planned {
    let jobs = ground.jobs.jobs();
    let input = NightInput {
        paths: &request.paths,
        observation: &ground.observation,
        jobs: &jobs,
        depth: Depth::Full,
        dl2: None,
        now: request.now,
    };
    let sight = assess(&input, &StatusCache::default());
    let mut planner = Planner {
        request,
        ground,
        sight: &sight,
        obstacles: Vec::new(),
        steps: Vec::new(),
        resubmission: None,
    };
    planner.work_out();
    let Planner { obstacles, steps, resubmission, .. } = planner;
    let plan = RemedyPlan {
        date: request.paths.date,
        prod_id: request.paths.prod_id.clone(),
        request: request.remedy.clone(),
        reason: request.reason.clone(),
        obstacles,
        steps,
    };
    Planned { plan, resubmission }
}

struct Planner<'a> {
    request: &'a Request,
    ground: &'a Ground,
    sight: &'a Sight,
    obstacles: Vec<String>,
    steps: Vec<RemedyStep>,
    resubmission: Option<Resubmission>,
}

impl Planner<'_> {
    fn work_out(&mut self) {
        if self.sight.scan.night_closed {
            self.hinder(format!("The night {} is closed.", self.request.paths.date));
        }
        match &self.request.remedy {
            Remedy::Launch {} => self.hinder("A launch is planned by sequencer.".into()),
            Remedy::Resubmit { run, subruns, memory, walltime, remove_products, .. } => {
                let asked = Resources { memory: memory.clone(), walltime: walltime.clone() };
                self.resubmit(*run, subruns, &asked, *remove_products);
            }
            Remedy::DropLastSubrun { run } => self.drop_last_subrun(*run),
            Remedy::ExcludeRun { run } => self.exclude(*run),
            Remedy::Veto { run } => self.veto(*run),
            Remedy::Unveto { run } => self.unveto(*run),
            Remedy::CancelNever { jobs } => self.cancel(jobs),
            Remedy::Undo { decision } => self.undo(*decision),
        }
    }

    fn hinder(&mut self, why: String) {
        self.obstacles.push(why);
    }

    /// The run's sequence; a night without one is an obstacle, and so is one that is closed.
    fn sequence(&mut self, run: RunId) -> Option<SequenceStatus> {
        let known = self.sight.status.sequences.iter().find(|status| status.sequence.run == run);
        let Some(status) = known.cloned() else {
            let date = self.request.paths.date;
            self.hinder(format!("The night {date} has no run {run} to process."));
            return None;
        };
        if status.action == SequenceAction::Closed {
            self.hinder(format!("Run {run} is closed."));
        }
        Some(status)
    }

    /// As [`Self::sequence`], which must be a reduction.
    fn data(&mut self, run: RunId) -> Option<SequenceStatus> {
        let status = self.sequence(run)?;
        if status.sequence.kind == Kind::Data {
            return Some(status);
        }
        self.hinder(format!("Run {run} is the night's calibration, not data."));
        None
    }

    /// Nobody may be at work on the run.
    fn idle(&mut self, run: RunId) {
        let tasks = by_run(&self.ground.jobs.tasks);
        let tasks = tasks.get(&run).map_or(&[][..], Vec::as_slice);
        if let Some(task) = tasks.iter().find(|task| task.is_active()) {
            let (job, state) = (task.job, &task.state);
            self.hinder(format!(
                "Job {job} of run {run} is {state}: wait for its end, or cancel it first (osa \
                 cancel {job})."
            ));
        }
        if let Some(error) = &self.ground.jobs.health.error {
            let why = format!("The scheduler does not tell which jobs there are: {error}.");
            self.hinder(why);
        }
        if let Some(why) = &self.ground.jobs.health.elsewhere {
            self.hinder(why.clone());
        }
    }

    fn decide(&mut self, run: RunId, choice: Choice) {
        self.steps.push(RemedyStep::Decide { run, choice });
    }

    fn drop_last_subrun(&mut self, run: RunId) {
        let Some(status) = self.data(run) else { return };
        self.idle(run);
        match status.sequence.subruns.checked_sub(1) {
            None | Some(0) => {
                self.hinder(format!("Run {run} has a single subrun: exclude it instead."));
            }
            Some(last) => self.decide(run, Choice::DropLastSubrun { subrun: Subrun(last) }),
        }
    }

    fn exclude(&mut self, run: RunId) {
        if self.data(run).is_some() {
            self.idle(run);
            self.decide(run, Choice::Exclude);
        }
    }

    fn veto(&mut self, run: RunId) {
        if self.sequence(run).is_none() {
            return;
        }
        let flag = self.request.paths.sequence_file(run, None, "veto");
        if self.sight.scan.run(run).vetoed {
            self.hinder(format!("Run {run} is vetoed already: {} is there.", flag.display()));
        }
        self.decide(run, Choice::Veto);
        self.steps.push(RemedyStep::SetFlag { path: text(&flag) });
    }

    fn unveto(&mut self, run: RunId) {
        if self.sequence(run).is_none() {
            return;
        }
        let files = self.sight.scan.run(run);
        let subruns: Vec<Subrun> = files.vetoed_subruns.iter().collect();
        if !files.vetoed && subruns.is_empty() {
            self.hinder(format!("Run {run} is not vetoed."));
        }
        let whole = files.vetoed.then_some(None);
        let flags: Vec<_> =
            whole.into_iter().chain(subruns.iter().map(|subrun| Some(*subrun))).collect();
        let vetoed = |decision: &&Decision| decision.choice == Choice::Veto;
        for decision in self.ground.observation.decisions_on(run).filter(vetoed) {
            let sentence = decision.sentence();
            self.steps.push(RemedyStep::Undo { decision: decision.id, sentence });
        }
        for subrun in flags {
            let flag = self.request.paths.sequence_file(run, subrun, "veto");
            self.steps.push(RemedyStep::RemoveFlag { path: text(&flag) });
        }
    }

    fn cancel(&mut self, jobs: &[JobId]) {
        for job in jobs {
            let never = |task: &&TaskRecord| task.job == *job && task.state.is_waiting();
            let stuck = self.ground.jobs.tasks.iter().find(never).filter(|t| t.reason == NEVER);
            match stuck {
                Some(task) => {
                    let name = task.name.clone();
                    self.steps.push(RemedyStep::Cancel { job: *job, name });
                }
                None => self.hinder(format!("Job {job} is no job of the night that never starts.")),
            }
        }
    }

    fn undo(&mut self, id: i64) {
        let known = self.ground.decisions.iter().find(|decision| decision.id == id).cloned();
        let Some(decision) = known.filter(|decision| decision.undone.is_none()) else {
            let date = self.request.paths.date;
            return self.hinder(format!("There is no decision {id} that acts on {date}."));
        };
        let sentence = decision.sentence();
        self.steps.push(RemedyStep::Undo { decision: id, sentence });
        let flag = self.request.paths.sequence_file(decision.run, None, "veto");
        if decision.choice == Choice::Veto && flag.exists() {
            self.steps.push(RemedyStep::RemoveFlag { path: text(&flag) });
        }
    }

    fn resubmit(&mut self, run: RunId, named: &[Subrun], asked: &Resources, remove: bool) {
        let Some(status) = self.sequence(run) else { return };
        self.idle(run);
        let flag = self.request.paths.sequence_file(run, None, "veto");
        let vetoed = self.sight.scan.run(run).vetoed;
        // The flag of a calibration that failed twice is lifted like those of subruns.
        if vetoed && status.sequence.kind == Kind::Calibration && is_automatic_veto(&flag) {
            self.steps.push(RemedyStep::RemoveFlag { path: text(&flag) });
        } else if vetoed {
            let date = self.request.paths.date;
            self.hinder(format!(
                "Run {run} is vetoed: lift the veto first (osa decide {date} unveto {run})."
            ));
        }
        let subruns = self.subruns(&status, named, remove);
        self.wrong_resources(asked, status.sequence.kind);
        self.wrong_nodes();
        let removed = match status.sequence.kind {
            Kind::Data if remove => self.products(run, &subruns),
            Kind::Calibration if remove => self.calibration_products(),
            _ => Vec::new(),
        };
        let now = self.ground.observation.resources(run);
        let memory = asked.memory.clone().filter(|_| asked.memory != now.memory);
        let walltime = asked.walltime.clone().filter(|_| asked.walltime != now.walltime);
        if memory.is_some() || walltime.is_some() {
            self.decide(run, Choice::Resources { memory, walltime });
        }
        for file in removed {
            let bytes = file.symlink_metadata().map_or(0, |metadata| metadata.len());
            self.steps.push(RemedyStep::RemoveFile { path: text(&file), bytes });
        }
        let vetoed = &self.sight.scan.run(run).vetoed_subruns;
        for subrun in subruns.iter().filter(|subrun| vetoed.contains(**subrun)) {
            let flag = self.request.paths.sequence_file(run, Some(*subrun), "veto");
            self.steps.push(RemedyStep::RemoveFlag { path: text(&flag) });
        }
        let resources = Resources {
            memory: asked.memory.clone().or(now.memory),
            walltime: asked.walltime.clone().or(now.walltime),
        };
        self.submit(&status, subruns, resources);
    }

    fn submit(&mut self, status: &SequenceStatus, subruns: Vec<Subrun>, resources: Resources) {
        let Request { paths, script, .. } = self.request;
        let no_dl2 = scripted_without_dl2(paths, &status.sequence);
        let options = ScriptOptions { no_dl2, ..script.clone() };
        let place = (paths, &self.ground.observation, self.sight);
        let slurm = &paths.config.slurm;
        let kind = status.sequence.kind;
        match resubmission(place, &status.sequence, &subruns, &options, &resources) {
            Err(why) => self.hinder(why),
            Ok(mut again) => {
                let excluded = self.excluded().cloned();
                again.job.exclude_nodes.clone_from(&excluded);
                self.steps.push(RemedyStep::WriteScript { path: text(&again.script.file) });
                self.steps.push(RemedyStep::Submit {
                    name: again.job.name.clone(),
                    purpose: again.job.purpose.clone(),
                    subruns,
                    memory: resources.memory.unwrap_or_else(|| slurm.memory(kind).to_owned()),
                    walltime: resources.walltime.unwrap_or_else(|| slurm.walltime.clone()),
                    exclude_nodes: excluded,
                });
                self.resubmission = Some(again);
            }
        }
    }

    /// The subruns that were named, or all that are not done.
    fn subruns(&mut self, status: &SequenceStatus, named: &[Subrun], remove: bool) -> Vec<Subrun> {
        let run = status.sequence.run;
        let done = |subrun: &Subrun| {
            let segment = status.segments.iter().find(|s| (s.first..=s.last).contains(&subrun.0));
            segment.is_some_and(|segment| segment.condition == Condition::Done)
        };
        if status.sequence.kind == Kind::Calibration {
            if !named.is_empty() {
                self.hinder(format!("Run {run} is the night's calibration: it has no subruns."));
            }
            if done(&Subrun(0)) && !remove {
                self.hinder("The calibration is done.".into());
            }
            return Vec::new();
        }
        let mut subruns = named.to_vec();
        if subruns.is_empty() {
            subruns = status.sequence.subrun_ids().filter(|subrun| !done(subrun)).collect();
        }
        subruns.sort_unstable();
        subruns.dedup();
        if subruns.is_empty() {
            self.hinder(format!("Every subrun of run {run} is done."));
        }
        for subrun in &subruns {
            if subrun.0 >= status.sequence.subruns {
                let number = status.sequence.subruns;
                self.hinder(format!("Run {run} has {number} subruns, and no subrun {subrun}."));
            } else if done(subrun) && !remove {
                self.hinder(format!(
                    "Subrun {subrun} of run {run} is done; to make it again, have its products \
                     removed (--remove-products)."
                ));
            }
        }
        subruns
    }

    /// The nodes that the job must not run on.
    fn excluded(&self) -> Option<&String> {
        match &self.request.remedy {
            Remedy::Resubmit { exclude_nodes, .. } => exclude_nodes.as_ref(),
            _ => None,
        }
    }

    fn wrong_nodes(&mut self) {
        if let Some(error) = self.excluded().and_then(|nodes| hostlist(nodes).err()) {
            self.hinder(format!("The nodes to exclude are wrong: {error}."));
        }
    }

    fn wrong_resources(&mut self, asked: &Resources, kind: Kind) {
        let wanted = self.request.paths.config.slurm.partition(kind);
        let (memory, walltime) = (asked.memory.as_deref(), asked.walltime.as_deref());
        self.obstacles.extend(beyond(&self.ground.limits, &wanted, memory, walltime));
        if let Some(memory) = &asked.memory
            && let Err(why) = memory_bytes(memory)
        {
            self.hinder(format!("The memory {memory:?} is {why}."));
        }
        if let Some(walltime) = &asked.walltime
            && let Err(why) = time_limit(walltime)
        {
            self.hinder(format!("The walltime {walltime:?} is {why}."));
        }
    }

    /// The subruns' products, where they are while the night is processed.
    fn products(&self, run: RunId, subruns: &[Subrun]) -> Vec<PathBuf> {
        let paths = &self.request.paths;
        let files = subruns.iter().flat_map(|subrun| {
            Level::ALL.map(|level| {
                paths.running_dir(level).join(paths.product_name(level, run, Some(*subrun)))
            })
        });
        files.filter(|file| file.symlink_metadata().is_ok_and(|m| m.is_file())).collect()
    }

    /// The DRS4 baseline of the night's own production, from which the calibration begins.
    fn calibration_products(&mut self) -> Vec<PathBuf> {
        let paths = &self.request.paths;
        let Some(runs) = self.ground.observation.calibration else { return Vec::new() };
        let found = night_of(runs.drs4, paths)
            .and_then(|night| Ok((night, drs4_file(paths, runs.drs4, night)?)));
        match found {
            Err(error) => {
                self.hinder(format!("The DRS4 baseline cannot be found: {error}."));
                Vec::new()
            }
            Ok((night, _)) if night != paths.date => {
                self.hinder(format!(
                    "The calibration is that of {night}, which other nights may use: submit it \
                     again there."
                ));
                Vec::new()
            }
            Ok((_, file)) => Some(file).filter(|file| file.exists()).into_iter().collect(),
        }
    }
}

fn text(path: &Path) -> String {
    path.display().to_string()
}
