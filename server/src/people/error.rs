//! What can go wrong with people.

use crate::hint::Hint;
use crate::internal::{Cause, InternalError};
use crate::model::PersonName;
use crate::store::StoreError;

use super::password::LEAST;

/// Why something about people could not be done.
#[derive(Debug, thiserror::Error)]
pub enum PeopleError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// There is no such user.
    #[error("there is no user {0}")]
    NoUser(PersonName),
    /// The name is taken.
    #[error("there is already a user {0}")]
    UserExists(PersonName),
    /// There is no such token in force.
    #[error("there is no token {0} in force")]
    NoToken(PersonName),
    /// The name is taken.
    #[error("there is already a token {0} in force")]
    TokenExists(PersonName),
    /// The password is too short.
    #[error("a password has at least {LEAST} characters")]
    ShortPassword,
    /// The password is longer than anybody types.
    #[error("a password has at most 1024 bytes")]
    LongPassword,
    /// The password is the first that anybody would guess.
    #[error("a password must not be the name")]
    GuessedPassword,
    /// Nobody would be left to manage users.
    #[error("{0} is the only administrator who can sign in")]
    LastAdmin(PersonName),
    /// It would be void at once.
    #[error("a token must expire in the future")]
    Past,
    /// The system gives no random numbers, or a hash in the database is none.
    #[error("cannot compute or read a hash: {0}")]
    Hash(#[source] Cause),
    /// A failure within the program.
    #[error(transparent)]
    Internal(#[from] InternalError),
}

impl Hint for PeopleError {
    fn hint(&self) -> Option<String> {
        match self {
            Self::NoUser(_) => Some("`osa user list` shows all users".into()),
            Self::UserExists(_) => {
                Some("`osa user passwd` gives a new password, `osa user role` another role".into())
            }
            Self::NoToken(_) => Some("`osa token list` shows all tokens".into()),
            Self::TokenExists(_) => Some("revoke that one first, or choose another name".into()),
            Self::ShortPassword => {
                Some("a few words are easy to remember and hard to guess".into())
            }
            Self::LastAdmin(_) => Some("make another user an administrator first".into()),
            Self::LongPassword => Some("choose a shorter one".into()),
            Self::GuessedPassword => Some("choose another, such as a few words".into()),
            Self::Past => Some("give a later day, or none: it then never expires".into()),
            Self::Hash(_) => Some("give the user a new password with `osa user passwd`".into()),
            Self::Store(error) => error.hint(),
            Self::Internal(error) => error.hint(),
        }
    }
}

impl PeopleError {
    /// Whether whoever asked can put it right.
    pub fn is_mistake(&self) -> bool {
        !matches!(self, Self::Store(_) | Self::Hash(_) | Self::Internal(_))
    }
}
