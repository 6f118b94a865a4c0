//! People and what they may do.

use std::fmt;
use std::str::FromStr;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::IdError;

/// What somebody may do; each may do what those before it may.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Reads.
    Viewer,
    /// Launches, closes, resubmits and publishes.
    Shifter,
    /// Manages users.
    Admin,
}

impl Role {
    /// All roles, the least first.
    pub const ALL: [Self; 3] = [Self::Viewer, Self::Shifter, Self::Admin];

    /// The role's word.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Viewer => "viewer",
            Self::Shifter => "shifter",
            Self::Admin => "admin",
        }
    }
}

impl fmt::Display for Role {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl FromStr for Role {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let found = Self::ALL.into_iter().find(|role| role.as_str() == text);
        found.ok_or_else(|| IdError {
            text: text.to_owned(),
            expected: "a role: viewer, shifter or admin",
        })
    }
}

/// Name of a user or of a token: 1 to 32 small letters, digits, and `.`, `_` or `-` between them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
#[serde(try_from = "String", into = "String")]
pub struct PersonName(String);

impl PersonName {
    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PersonName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl FromStr for PersonName {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        let plain = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
        let bytes = text.as_bytes();
        let good = (1..=32).contains(&bytes.len())
            && bytes.iter().all(|byte| plain(*byte) || b"._-".contains(byte))
            && bytes.first().is_some_and(|byte| plain(*byte))
            && bytes.last().is_some_and(|byte| plain(*byte));
        good.then(|| Self(text.to_owned())).ok_or_else(|| IdError {
            text: text.to_owned(),
            expected: "a name such as jane: up to 32 small letters and digits, with . _ - between",
        })
    }
}

impl TryFrom<String> for PersonName {
    type Error = IdError;

    fn try_from(text: String) -> Result<Self, IdError> {
        text.parse()
    }
}

impl From<PersonName> for String {
    fn from(name: PersonName) -> Self {
        name.0
    }
}

/// A user.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct User {
    /// Number, never given twice.
    pub id: i64,
    /// Name, which signs what is done.
    pub name: PersonName,
    /// What they may do.
    pub role: Role,
    /// When they were added.
    pub created: DateTime<Utc>,
    /// Since when they may not sign in, if so.
    pub disabled: Option<DateTime<Utc>>,
}

/// A token of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct ApiToken {
    /// Number, never given twice.
    pub id: i64,
    /// Name, which no other token in force has.
    pub name: PersonName,
    /// What it may do, as far as its owner may.
    pub role: Role,
    /// Who made it in the browser; `None`: it was made on the command line.
    pub owner: Option<PersonName>,
    /// When it was made.
    pub created: DateTime<Utc>,
    /// From when on it is void, if ever.
    pub expires: Option<DateTime<Utc>>,
    /// When it was last used, to the minute.
    pub used: Option<DateTime<Utc>>,
    /// When it was revoked, if so.
    pub revoked: Option<DateTime<Utc>>,
}

impl ApiToken {
    /// Whether it may be used.
    pub fn in_force(&self, now: DateTime<Utc>) -> bool {
        self.revoked.is_none() && self.expires.is_none_or(|expires| now < expires)
    }
}

/// A browser in which somebody is signed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "ssr", derive(schemars::JsonSchema))]
pub struct SessionInfo {
    /// When they signed in.
    pub since: DateTime<Utc>,
    /// When it was last used, to the minute.
    pub seen: DateTime<Utc>,
    /// From where.
    pub address: String,
    /// What the browser calls itself.
    pub agent: String,
    /// Whether it is the one that asks.
    pub this: bool,
}

/// What somebody's own page shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// Whose it is.
    pub user: User,
    /// Where they are signed in: this session first, then the latest use.
    pub sessions: Vec<SessionInfo>,
    /// Their tokens that are not revoked.
    pub tokens: Vec<ApiToken>,
    /// When it was read.
    pub now: DateTime<Utc>,
}

/// What the sign-in page shows beside its form.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SignInForm {
    /// Users of a demo with their passwords; none on a real site.
    pub demo: Vec<(String, String)>,
    /// Whether there is no user at all yet.
    pub no_users: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_more_than_the_one_before() {
        assert!(Role::Viewer < Role::Shifter && Role::Shifter < Role::Admin);
        for role in Role::ALL {
            assert_eq!(role.as_str().parse(), Ok(role));
        }
        assert!("Admin".parse::<Role>().is_err());
    }

    #[test]
    fn names_are_plain_and_short() {
        let longest = "a".repeat(32);
        for name in ["jane", "j", "jane.doe", "a-b_c.1", "7", longest.as_str()] {
            assert_eq!(name.parse::<PersonName>().unwrap().as_str(), name);
        }
        let too_long = "a".repeat(33);
        for name in ["", "Jane", "jane doe", "-x", "x.", "../x", "a/b", "é", "a\n", &too_long] {
            assert!(name.parse::<PersonName>().is_err(), "{name:?}");
        }
    }
}
