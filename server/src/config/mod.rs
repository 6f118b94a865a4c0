//! What the operator sets: `sequencer.cfg` (the original's file) and `osa.toml` (the server's).

mod access;
mod connections;
mod effective;
mod error;
mod ini;
mod interpolation;
mod load;
mod locate;
mod log_format;
mod network;
mod server;
mod server_file;
mod settings;
mod site;
mod version;

pub use access::{AccessConfig, Reading};
pub use connections::ConnectionConfig;
pub use effective::EffectiveKey;
pub use error::ConfigError;
pub use ini::Ini;
pub use log_format::LogFormat;
pub use network::Network;
pub use server::{Origin, SchedulerKind, ServerConfig};
pub use settings::Settings;
pub use site::{
    Cache, Directories, Flags, Lstchain, Mail, Output, Patterns, SiteConfig, Slurm, Webserver,
};
pub use version::search_path;
