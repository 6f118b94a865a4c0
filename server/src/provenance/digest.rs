//! Hashes: of names, as the original makes ids of paths, and of what files hold.

use std::fmt::Write as _;
use std::io::{self, Read};
use std::path::Path;

use md5::{Digest, Md5};
use sha2::Sha256;

/// MD5 of bytes, in hexadecimal: an entity's id is that of its path.
pub fn md5_hex(bytes: &[u8]) -> String {
    hex(&Md5::digest(bytes))
}

/// SHA-256 of bytes, in hexadecimal.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// SHA-256 of a file's content, in hexadecimal; `None` if it is larger than `limit` bytes, which
/// is not worth reading it again, or no regular file. Blocks.
pub fn sha256_of_file(file: &Path, limit: u64) -> io::Result<Option<String>> {
    let file = match crate::input_file::open(file) {
        Err(cause) if cause.kind() == io::ErrorKind::InvalidInput => return Ok(None),
        opened => opened?,
    };
    if file.metadata()?.len() > limit {
        return Ok(None);
    }
    let mut hash = Sha256::new();
    let mut buffer = vec![0; 1 << 16];
    let mut input = file.take(limit.saturating_add(1));
    loop {
        match input.read(&mut buffer) {
            Ok(0) => return Ok(Some(hex(&hash.finalize()))),
            Ok(count) => hash.update(&buffer[..count]),
            Err(cause) if cause.kind() == io::ErrorKind::Interrupted => {}
            Err(cause) => return Err(cause),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_are_the_known_ones() {
        let path = b"/fefs/aswg/data/real/R0/20241128/LST-1.1.Run19100.fits.fz";
        assert_eq!(md5_hex(path), "78e64e3563c94235678cfcf33ef55655");
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("abc");
        std::fs::write(&file, "abc").unwrap();
        let sha256 = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(sha256_of_file(&file, 3).unwrap().as_deref(), Some(sha256));
        assert_eq!(sha256_of_file(&file, 2).unwrap(), None);
        assert_eq!(sha256_of_file(dir.path(), 9).unwrap(), None);
        assert!(sha256_of_file(&dir.path().join("none"), 9).is_err());
    }
}
