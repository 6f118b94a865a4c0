//! Launching a night: plan, then do.
