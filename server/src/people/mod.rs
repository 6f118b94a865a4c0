//! Who may do what: users and their passwords, tokens of programs, and how often a sign-in may be
//! tried. It knows nothing of HTTP; `web` and the commands ask it.

mod author;
mod error;
mod limit;
mod password;
mod secret;
mod sign_in;
mod verbs;

pub use author::{Author, Means};
pub use error::PeopleError;
pub use limit::{Limit, WINDOW};
pub use password::{LEAST, Passwords};
pub use secret::{Secret, hash_of};
pub use sign_in::{Credentials, Refusal, Rules, end_sessions_known_to_all, is_password, sign_in};
pub use verbs::{
    add_token, add_user, change_password, remove_user, revoke_token, set_disabled, set_role,
    token_author,
};
