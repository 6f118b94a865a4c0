//! What a job does: stages, retries, history.
