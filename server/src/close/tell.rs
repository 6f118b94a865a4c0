//! A plan as text.

use std::fmt::Write as _;

use crate::model::{ClosingPlan, Level, Severity};

/// The plan for people: what would be done, what is in the way.
pub fn plan(plan: &ClosingPlan) -> String {
    let mut text = String::new();
    let what = match plan.options.seq {
        Some(run) => format!("Closing run {run} of {} ({})", plan.date, plan.prod_id),
        None => format!("Closing {} ({})", plan.date, plan.prod_id),
    };
    let _ = writeln!(text, "{what}");
    if plan.already_closed {
        let _ = writeln!(text, "  closed already: nothing to do");
        return text;
    }
    if plan.resumes {
        let _ = writeln!(text, "  goes on with a closing that was begun before");
    }
    for block in &plan.blocks {
        let _ = writeln!(text, "  blocked: {}", block.message);
        for line in &block.evidence {
            let _ = writeln!(text, "    {line}");
        }
        if !block.remedy.is_empty() {
            let _ = writeln!(text, "    {}", block.remedy);
        }
    }
    for sequence in plan.unfinished() {
        let _ = writeln!(text, "  not finished: run {} ({})", sequence.run, sequence.why);
    }
    for notice in &plan.notices {
        let word = if notice.severity == Severity::Info { "note" } else { "warning" };
        let _ = writeln!(text, "  {word}: {}", notice.message);
    }
    let _ = writeln!(text, "  move {} files, {} bytes", plan.file_count(), plan.bytes());
    for group in &plan.moves {
        let count = group.moved().count();
        let bytes: u64 = group.moved().map(|file| file.bytes).sum();
        let _ = writeln!(
            text,
            "    run {} {}: {count} files, {bytes} bytes -> {}",
            group.run,
            word(group.level),
            group.to
        );
        let links = group.files.len() - count;
        if links > 0 {
            let _ = writeln!(text, "      and {links} missing links");
        }
    }
    for flag in &plan.sequence_flags {
        let _ = writeln!(text, "  write {flag}");
    }
    for job in &plan.jobs {
        let after = match job.depends_on.as_slice() {
            [] => String::new(),
            names => format!(" after {}", names.join(", ")),
        };
        let _ = writeln!(text, "  submit {}{after}", job.name);
        let _ = writeln!(text, "    {}", job.argv.join(" "));
    }
    if let Some((link, target)) = &plan.longterm_link {
        let _ = writeln!(text, "  link {link} -> {target}");
    }
    for file in plan.manifest.iter().chain(&plan.night_flag) {
        let _ = writeln!(text, "  write {file}");
    }
    text
}

/// What a level is called.
pub fn word(level: Level) -> &'static str {
    match level {
        Level::Dl1 => "DL1a",
        Level::Muons => "muons",
        Level::Interleaved => "interleaved",
        Level::Dl1ab => "DL1b",
        Level::Datacheck => "datacheck",
        Level::Dl2 => "DL2",
    }
}
