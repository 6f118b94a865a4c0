//! What the operator sets: `sequencer.cfg` (the original's file) and `osa.toml` (the server's).

mod effective;
mod error;
mod ini;
mod interpolation;
mod load;
mod locate;
mod server;
mod server_file;
mod settings;
mod site;
mod version;

pub use effective::EffectiveKey;
pub use error::ConfigError;
pub use ini::Ini;
pub use server::{Origin, SchedulerKind, ServerConfig};
pub use settings::Settings;
pub use site::{
    Cache, Directories, Flags, Lstchain, Mail, Output, Patterns, SiteConfig, Slurm, Webserver,
};
pub use version::search_path;
