//! What the operator sets: `sequencer.cfg` (the original's file) and `osa.toml` (the server's).

mod error;
mod ini;
mod server;
mod site;

pub use error::ConfigError;
pub use ini::Ini;
pub use server::{SchedulerKind, ServerConfig};
pub use site::{
    Cache, Directories, Flags, Lstchain, Mail, Output, Patterns, SiteConfig, Slurm, Webserver,
};
