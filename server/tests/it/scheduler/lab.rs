//! What a scenario needs of the engine that it runs on.

use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use chrono::{TimeDelta, Utc};
use server::model::{JobId, TaskRecord};
use server::schedule::{JobRequest, Scheduler, SubmitError};

/// An engine set up for one test.
#[async_trait]
pub trait Lab: Sync {
    /// The engine.
    fn scheduler(&self) -> &dyn Scheduler;

    /// A directory of the test's own that jobs can read and write.
    fn dir(&self) -> &Path;

    /// Lines that this site's scripts need, such as `#SBATCH --account=dpps`.
    fn directives(&self) -> &'static str {
        ""
    }

    /// How long a condition may take before the test fails: long, since machines can be slow.
    fn patience(&self) -> Duration {
        Duration::from_secs(240)
    }

    /// How often the engine is asked while waiting.
    fn pause(&self) -> Duration {
        Duration::from_millis(50)
    }

    /// Does what a site's operator does while others wait for their jobs; called about once a second.
    async fn operate(&self) {}

    /// Lets the walltime of a running job be over now, where the engine itself is slow to notice.
    async fn let_time_run_out(&self, _job: JobId) {}
}

/// A job of a scenario: a bash script in a directory of its own, `DIR/NAME/`, which is also its
/// working directory. Standard output and error go to `NAME.out` there, those of array tasks to
/// `NAME.%4a.out`.
pub struct Job {
    name: String,
    comment: String,
    directives: Vec<String>,
    body: String,
    after_ok: Vec<JobId>,
    environment: Vec<(String, String)>,
}

impl Job {
    /// A job that runs the lines of `body`.
    pub fn new(name: &str, body: &str) -> Self {
        Self {
            name: name.to_owned(),
            comment: format!("osa:{name}"),
            directives: Vec::new(),
            body: body.to_owned(),
            after_ok: Vec::new(),
            environment: Vec::new(),
        }
    }

    /// Adds a directive such as `--array=0-3`.
    pub fn directive(mut self, directive: &str) -> Self {
        self.directives.push(directive.to_owned());
        self
    }

    /// Lets it begin only after `parent` has ended well.
    pub fn after(mut self, parent: JobId) -> Self {
        self.after_ok.push(parent);
        self
    }

    /// Sets a variable of its environment.
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Sets its comment.
    pub fn comment(mut self, comment: &str) -> Self {
        comment.clone_into(&mut self.comment);
        self
    }

    /// Writes the script.
    pub fn request(&self, lab: &dyn Lab) -> JobRequest {
        let dir = lab.dir().join(&self.name);
        std::fs::create_dir_all(&dir).unwrap();
        let is_array = self.directives.iter().any(|text| text.starts_with("--array"));
        let output = if is_array { "%x.%4a.out" } else { "%x.out" };
        let head = [
            "#!/bin/bash".to_owned(),
            format!("#SBATCH --job-name={}", self.name),
            format!("#SBATCH --chdir={}", dir.display()),
            format!("#SBATCH --output={output}"),
        ];
        let own = self.directives.iter().map(|directive| format!("#SBATCH {directive}"));
        let site = [lab.directives().to_owned(), self.body.clone()];
        let lines: Vec<_> = head.into_iter().chain(own).chain(site).collect();
        let text = lines.join("\n") + "\n";
        let script = dir.join(format!("{}.sh", self.name));
        std::fs::write(&script, text).unwrap();
        JobRequest {
            name: self.name.clone(),
            comment: self.comment.clone(),
            script,
            after_ok: self.after_ok.clone(),
            environment: self.environment.clone(),
            exclude_nodes: None,
        }
    }

    /// Writes the script and submits it, whatever comes of it.
    pub async fn try_submit(&self, lab: &dyn Lab) -> Result<JobId, SubmitError> {
        lab.scheduler().submit(&self.request(lab)).await
    }

    /// Writes the script and submits it.
    pub async fn submit(&self, lab: &dyn Lab) -> JobId {
        self.try_submit(lab).await.expect("the job is submitted")
    }

    /// A file in the job's directory.
    pub fn file(&self, lab: &dyn Lab, name: &str) -> PathBuf {
        lab.dir().join(&self.name).join(name)
    }

    /// Text of a file in the job's directory.
    pub fn read(&self, lab: &dyn Lab, name: &str) -> String {
        let file = self.file(lab, name);
        std::fs::read_to_string(&file).unwrap_or_else(|e| panic!("{}: {e}", file.display()))
    }
}

/// What the engine says of a job's tasks now, in the order of their indices.
pub async fn tasks(lab: &dyn Lab, job: JobId) -> Vec<TaskRecord> {
    try_tasks(lab, job).await.expect("the scheduler answers")
}

/// The same, of an engine that may be too busy to answer.
pub async fn try_tasks(lab: &dyn Lab, job: JobId) -> Result<Vec<TaskRecord>, String> {
    let since = Utc::now() - TimeDelta::hours(12);
    let snapshot = lab.scheduler().jobs(since).await.map_err(|error| error.to_string())?;
    assert_eq!(snapshot.doubts, []);
    let mut tasks: Vec<_> = snapshot.tasks.into_iter().filter(|task| task.job == job).collect();
    tasks.sort_by_key(|task| task.task);
    Ok(tasks)
}

/// Waits until `look` gives an answer.
pub async fn until<T, F>(lab: &dyn Lab, what: &str, mut look: impl FnMut() -> F) -> T
where
    F: Future<Output = Result<T, String>>,
{
    let deadline = Instant::now() + lab.patience();
    let mut operated = Instant::now();
    loop {
        match look().await {
            Ok(found) => return found,
            Err(seen) if Instant::now() > deadline => panic!("waited for {what}; saw {seen}"),
            Err(_) => tokio::time::sleep(lab.pause()).await,
        }
        if operated.elapsed() > Duration::from_secs(1) {
            lab.operate().await;
            operated = Instant::now();
        }
    }
}

/// Waits until a job's tasks are as `condition` says.
pub async fn until_tasks(
    lab: &dyn Lab,
    job: JobId,
    what: &str,
    condition: impl Fn(&[TaskRecord]) -> bool,
) -> Vec<TaskRecord> {
    until(lab, what, || async {
        let tasks = try_tasks(lab, job).await?;
        if condition(&tasks) { Ok(tasks) } else { Err(format!("{tasks:#?}")) }
    })
    .await
}

/// Waits until `count` tasks of a job have ended and accounting says how.
pub async fn until_ended(lab: &dyn Lab, job: JobId, count: usize) -> Vec<TaskRecord> {
    until_tasks(lab, job, "the job to end", |tasks| {
        tasks.len() == count
            && tasks.iter().all(|task| !task.state.is_active() && task.exit.is_some())
    })
    .await
}

/// Waits until a job that is no array has ended.
pub async fn until_end(lab: &dyn Lab, job: JobId) -> TaskRecord {
    until_ended(lab, job, 1).await.remove(0)
}

/// Waits until a file exists.
pub async fn until_file(lab: &dyn Lab, file: &Path) {
    until(lab, "a file", || async {
        if file.exists() { Ok(()) } else { Err(format!("no {}", file.display())) }
    })
    .await;
}
