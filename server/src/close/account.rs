//! What a closing writes down for others: the accounting of the night's jobs, and the table of
//! processed nights.

use std::fmt::Write as _;
use std::path::Path;

use chrono::{DateTime, Utc};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};

use crate::model::{ExitCode, TaskRecord};
use crate::night::NightPaths;

use super::CloseError;

/// The columns, those of the original's question to sacct.
const HEADING: &str = "JobID,JobName,CPUTime,CPUTimeRAW,Elapsed,TotalCPU,MaxRSS,State,ExitCode\n";

/// `job_information.csv`: one line a task. `TotalCPU`, which nobody is asked for, stays empty;
/// `MaxRSS` is in GiB.
pub(super) fn job_information(tasks: &[TaskRecord]) -> String {
    let mut tasks: Vec<&TaskRecord> = tasks.iter().collect();
    tasks.sort_by_key(|task| (task.job, task.task));
    let mut text = String::from(HEADING);
    for task in tasks {
        let memory = task.max_rss_bytes.map(|bytes| {
            let hundredths = bytes.saturating_mul(100) >> 30;
            format!("{}.{:02}", hundredths / 100, hundredths % 100)
        });
        let exit = task.exit.map_or_else(String::new, |exit: ExitCode| exit.to_string());
        let _ = writeln!(
            text,
            "{},{},{},{},{},,{},{},{exit}",
            task.label(),
            quoted(&task.name),
            clock(task.cpu_seconds),
            task.cpu_seconds,
            clock(task.elapsed_seconds),
            memory.unwrap_or_default(),
            quoted(task.state.as_str()),
        );
    }
    text
}

/// A field of a CSV file.
fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

/// Seconds as Slurm writes them, `1-02:03:04` or `02:03:04`.
fn clock(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let time = format!("{:02}:{:02}:{:02}", rest / 3600, rest / 60 % 60, rest % 60);
    if days > 0 { format!("{days}-{time}") } else { time }
}

/// Says in the original's table `processing` that the night is finished; returns what was done.
/// Nothing, where no database is set or its directory is not there.
///
/// # Errors
/// The table cannot be written.
pub(super) async fn finish_processing(
    paths: &NightPaths,
    now: DateTime<Utc>,
) -> Result<String, CloseError> {
    let Some(file) = &paths.config.database else { return Ok("no database is set".into()) };
    let directory = file.parent().unwrap_or(Path::new("."));
    if !directory.is_dir() {
        return Ok(format!("left out: there is no directory {}", directory.display()));
    }
    let wrong = |cause| CloseError::Processing { file: file.clone(), cause };
    let options = SqliteConnectOptions::new()
        .filename(file)
        .create_if_missing(true)
        .busy_timeout(std::time::Duration::from_secs(20));
    let mut connection = options.connect().await.map_err(wrong)?;
    let written =
        crate::store::write(&mut connection, async |db| write_processing(db, paths, now).await);
    let written = written.await;
    connection.close().await.map_err(wrong)?;
    written.map_err(|error| wrong(error.cause()))?;
    Ok(format!("written to {}", file.display()))
}

async fn write_processing(
    db: &mut SqliteConnection,
    paths: &NightPaths,
    now: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    make_table(&mut *db).await?;
    let date = paths.date.to_string();
    let prod_id = paths.prod_id.as_str();
    let end = now.format("%Y-%m-%d %H:%M:%S").to_string();
    let known = sqlx::query!(
        "UPDATE processing SET end = ?, is_finished = 1
         WHERE telescope = 'LST1' AND date = ? AND prod_id = ?",
        end,
        date,
        prod_id,
    );
    if known.execute(&mut *db).await?.rows_affected() == 0 {
        let new = sqlx::query!(
            "INSERT INTO processing VALUES ('LST1', ?, ?, NULL, ?, 1)",
            date,
            prod_id,
            end,
        );
        new.execute(db).await?;
    }
    Ok(())
}

/// Makes the table where there is none.
#[expect(clippy::disallowed_methods, reason = "what the macros check the statements against")]
async fn make_table(db: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql(include_str!("processing.sql")).execute(db).await.map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::fixture::{Golden, now, task};

    #[test]
    fn a_line_a_task() {
        let second = TaskRecord {
            cpu_seconds: 90_061,
            elapsed_seconds: 1855,
            max_rss_bytes: Some(4_402_341_478),
            exit: Some(ExitCode { code: 1, signal: 0 }),
            ..task(34_567_001, 2, "FAILED")
        };
        let text = job_information(&[second, task(34_567_001, 0, "RUNNING")]);
        assert_eq!(
            text,
            format!(
                "{HEADING}34567001_0,LST1_19102,00:00:00,0,00:00:00,,,RUNNING,\n\
                 34567001_2,LST1_19102,1-01:01:01,90061,00:30:55,,4.09,FAILED,1:0\n"
            )
        );
    }

    #[tokio::test]
    async fn the_night_is_finished_in_the_table_once() {
        let mut golden = Golden::new();
        let file = golden.beside().join("osa.db");
        golden.configure(|config| config.database = Some(file.clone()));
        for _ in 0..2 {
            finish_processing(&golden.paths, now()).await.unwrap();
        }
        let options = SqliteConnectOptions::new().filename(&file);
        let mut connection = options.connect().await.unwrap();
        let rows = sqlx::query!("SELECT * FROM processing").fetch_all(&mut connection);
        let [row] = &rows.await.unwrap()[..] else { panic!("one row") };
        let texts = [&row.telescope, &row.date, &row.prod_id, &row.start, &row.end];
        let expected = ["LST1", "2024-11-28", "v0.1.0", "", "2026-11-22 07:43:57"];
        assert_eq!(texts.map(|text| text.as_deref().unwrap_or_default()), expected);
        assert_eq!(row.is_finished, Some(1));
        golden.configure(|config| config.database = Some("/nowhere/at/all/osa.db".into()));
        let said = finish_processing(&golden.paths, now()).await.unwrap();
        assert!(said.contains("no directory"), "{said}");
    }
}
