//! Passwords: which are good, their hashes, and comparing.

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::PasswordVerifier;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};
use std::sync::OnceLock;

use crate::internal::Cause;
use crate::model::PersonName;

use super::{PeopleError, Secret};

/// Characters that a password has at least.
pub const LEAST: usize = 10;
const MOST_BYTES: usize = 1024;

/// argon2id with the parameters that OWASP recommends: 19 MiB, two passes, one lane.
fn argon() -> Result<Argon2<'static>, PeopleError> {
    let params = Params::new(19 * 1024, 2, 1, None).map_err(wrap)?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn wrap(cause: impl Into<Cause>) -> PeopleError {
    PeopleError::Hash(cause.into())
}

/// Hashing takes some 20 ms and 19 MiB; every function here blocks for that long.
#[derive(Debug)]
pub struct Passwords;

impl Passwords {
    /// Whether a password is good for somebody of this name.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn check(name: &PersonName, password: &str) -> Result<(), PeopleError> {
        if password.chars().count() < LEAST {
            Err(PeopleError::ShortPassword)
        } else if password.len() > MOST_BYTES {
            Err(PeopleError::LongPassword)
        } else if password.trim().eq_ignore_ascii_case(name.as_str()) {
            Err(PeopleError::GuessedPassword)
        } else {
            Ok(())
        }
    }

    /// Hash of a password, as a PHC string.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn hash(password: &str) -> Result<String, PeopleError> {
        let hash: PasswordHash = argon()?.hash_password(password.as_bytes()).map_err(wrap)?;
        Ok(hash.to_string())
    }

    /// Whether `password` is the one of the hash. If there is none, it takes as long to say no: who
    /// tries names learns nothing from the time.
    ///
    /// # Errors
    /// The hash is none.
    pub fn verify(hash: Option<&str>, password: &str) -> Result<bool, PeopleError> {
        // Nobody has that long a password, so nothing has to be hidden about it.
        if password.len() > MOST_BYTES {
            return Ok(false);
        }
        let hash = match hash {
            Some(hash) => hash,
            None => nobody()?,
        };
        let hash = PasswordHash::new(hash).map_err(wrap)?;
        Ok(argon()?.verify_password(password.as_bytes(), &hash).is_ok())
    }
}

/// Hash of a password that nobody knows.
fn nobody() -> Result<&'static str, PeopleError> {
    static HASH: OnceLock<String> = OnceLock::new();
    if let Some(hash) = HASH.get() {
        return Ok(hash);
    }
    let hash = Passwords::hash(Secret::new()?.reveal())?;
    Ok(HASH.get_or_init(|| hash))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_known_again_and_no_other_is() {
        let hash = Passwords::hash("correct horse").unwrap();
        assert!(Passwords::verify(Some(&hash), "correct horse").unwrap());
        assert!(!Passwords::verify(Some(&hash), "correct horse ").unwrap());
        assert!(!Passwords::verify(Some(&hash), "").unwrap());
        assert_ne!(hash, Passwords::hash("correct horse").unwrap(), "each has its own salt");
        assert!(Passwords::verify(Some("no hash"), "correct horse").is_err());
    }

    #[test]
    fn an_unknown_user_costs_as_much_as_a_known_one() {
        let cost = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        let hash = Passwords::hash("correct horse").unwrap();
        assert_eq!(cost(&hash), cost(nobody().unwrap()));
        assert_eq!(cost(&hash)[1..], ["argon2id", "v=19", "m=19456,t=2,p=1"]);
        assert!(!Passwords::verify(None, "correct horse").unwrap());
    }

    #[test]
    fn short_long_and_guessed_passwords_are_refused() {
        let name: PersonName = "jane.doe.la-palma".parse().unwrap();
        let check = |password: &str| Passwords::check(&name, password);
        assert!(matches!(check("ninechars"), Err(PeopleError::ShortPassword)));
        assert!(check("ten  chars").is_ok() && check("zehn Äpfel").is_ok());
        assert!(matches!(check(&"x".repeat(1025)), Err(PeopleError::LongPassword)));
        assert!(matches!(check("Jane.Doe.La-Palma"), Err(PeopleError::GuessedPassword)));
    }
}
