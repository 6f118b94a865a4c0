//! Random secrets, and how they are kept: as SHA-256, which is enough for what nobody can guess.

use std::fmt;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::PeopleError;

/// What the secrets for programs begin with, so that scanners for leaked secrets know them.
const PREFIX: &str = "osa_";
const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/// 256 random bits as text. It does not appear in messages by accident.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// A new one: 43 letters, digits, `-` and `_`.
    ///
    /// # Errors
    /// The system gives no random numbers.
    pub fn new() -> Result<Self, PeopleError> {
        let mut bytes = [0; 32];
        getrandom::fill(&mut bytes).map_err(|cause| PeopleError::Hash(cause.into()))?;
        Ok(Self(text_of(&bytes)))
    }

    /// A new one for a program, `osa_…`.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn for_program() -> Result<Self, PeopleError> {
        Self::new().map(|secret| Self(format!("{PREFIX}{}", secret.0)))
    }

    /// The secret itself.
    pub fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// Six bits a character.
fn text_of(bytes: &[u8; 32]) -> String {
    let mut text = String::with_capacity(43);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = held << 8 | u32::from(*byte);
        bits += 8;
        while bits >= 6 {
            bits -= 6;
            text.push(digit(held >> bits));
        }
    }
    text.push(digit(held << (6 - bits)));
    text
}

fn digit(value: u32) -> char {
    char::from(DIGITS[(value & 63) as usize])
}

/// SHA-256 of a text, in hexadecimal digits.
pub fn hash_of(text: &str) -> String {
    Sha256::digest(text.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_long_plain_and_never_the_same() {
        let (a, b) = (Secret::new().unwrap(), Secret::new().unwrap());
        assert_ne!(a, b);
        assert_eq!(a.reveal().len(), 43);
        assert!(a.reveal().bytes().all(|byte| DIGITS.contains(&byte)));
        assert!(Secret::for_program().unwrap().reveal().starts_with("osa_"));
        assert!(!format!("{a:?}").contains(a.reveal()));
    }

    #[test]
    fn every_bit_is_in_the_text() {
        assert_eq!(text_of(&[0; 32]), "A".repeat(43));
        assert_eq!(text_of(&[255; 32]), format!("{}8", "_".repeat(42)));
        let mut last = [0; 32];
        last[31] = 1;
        assert_eq!(text_of(&last), format!("{}E", "A".repeat(42)));
    }

    #[test]
    fn the_hash_is_sha256() {
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(hash_of("abc"), known);
    }
}
