//! Answers of sacct and squeue from any text, as records separated by `|`.
#![no_main]

use libfuzzer_sys::fuzz_target;
use server::schedule::slurm::reading;
use server::schedule::token;

fuzz_target!(|text: &str| {
    let text = text.replace('|', "\x1f");
    for (tasks, _) in [reading::sacct(&text), reading::squeue(&text)] {
        for task in tasks {
            if let Some(found) = token(&task.comment) {
                assert_eq!(token(found), Some(found), "a token is read as it is written");
            }
        }
    }
});
