//! Somebody who has shown who they are.

use std::fmt;

use crate::model::{ApiToken, PersonName, Role, User};

/// Who does something through the browser or the JSON interface, and what they may do now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Author {
    /// How they have shown who they are.
    pub means: Means,
    /// What they may do.
    pub role: Role,
}

/// How somebody has shown who they are.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Means {
    /// Signed in, in the browser.
    Session(User),
    /// With a token.
    Token {
        /// The token.
        token: ApiToken,
        /// Whose it is; `None`: it was made on the command line.
        owner: Option<User>,
    },
}

impl Author {
    /// A user who is signed in.
    pub fn of_session(user: User) -> Self {
        Self { role: user.role, means: Means::Session(user) }
    }

    /// Whoever has a token, which may do no more than its owner.
    pub fn of_token(token: ApiToken, owner: Option<User>) -> Self {
        let role = owner.as_ref().map_or(token.role, |owner| owner.role.min(token.role));
        Self { role, means: Means::Token { token, owner } }
    }

    /// Whether they may do what `role` may.
    pub fn may(&self, role: Role) -> bool {
        self.role >= role
    }

    /// The user, if it is one who is signed in.
    pub fn user(&self) -> Option<&User> {
        match &self.means {
            Means::Session(user) => Some(user),
            Means::Token { .. } => None,
        }
    }

    /// Name of the user or of the token.
    pub fn name(&self) -> &PersonName {
        match &self.means {
            Means::Session(user) => &user.name,
            Means::Token { token, .. } => &token.name,
        }
    }
}

/// As actions are signed: `web:jane`, `web:jane/export` with a token of hers, `token:export` with one
/// of nobody's.
impl fmt::Display for Author {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.means {
            Means::Session(user) => write!(f, "web:{}", user.name),
            Means::Token { token, owner: Some(owner) } => {
                write!(f, "web:{}/{}", owner.name, token.name)
            }
            Means::Token { token, owner: None } => write!(f, "token:{}", token.name),
        }
    }
}
