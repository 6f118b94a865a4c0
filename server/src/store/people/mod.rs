//! Rows of users, their sessions, tokens and failed sign-ins. What they mean is decided in
//! [`crate::people`].

mod attempts;
mod browsers;
mod sessions;
mod tokens;
mod users;

pub use attempts::{Attempt, Attempts};
pub use browsers::BROWSER_LIFETIME;
pub use sessions::SessionRow;
pub use tokens::NewToken;
pub use users::StoredUser;
