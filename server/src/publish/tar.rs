//! As much of the tar format (POSIX ustar) as is needed to send files: short names, plain files.

use std::io::{self, Read, Write};

const BLOCK: usize = 512;
/// Largest size that the header's eleven octal digits hold: 8 GiB - 1.
pub(super) const LARGEST: u64 = (1 << 33) - 1;

/// Writes one file: exactly `bytes` of `content`.
pub(super) fn write_file(
    out: &mut impl Write,
    name: &str,
    (bytes, modified): (u64, i64),
    content: &mut impl Read,
) -> io::Result<()> {
    out.write_all(&header(name, bytes, modified)?)?;
    let copied = io::copy(&mut content.take(bytes), out)?;
    if copied != bytes {
        // The header has been sent: what follows must not be taken for the file's end.
        return Err(io::Error::other(format!("a file became shorter while it was sent: {name}")));
    }
    let rest = usize::try_from(bytes % BLOCK as u64).unwrap_or(0);
    if rest > 0 {
        out.write_all(&[0; BLOCK][rest..])?;
    }
    Ok(())
}

/// Ends the archive.
pub(super) fn end(out: &mut impl Write) -> io::Result<()> {
    out.write_all(&[0; 2 * BLOCK])
}

fn header(name: &str, bytes: u64, modified: i64) -> io::Result<[u8; BLOCK]> {
    let mut header = [0; BLOCK];
    let mut put = |at: usize, text: &str| -> io::Result<()> {
        let place = header.get_mut(at..at + text.len());
        let place = place.ok_or_else(|| io::Error::other("a header field is too long"))?;
        place.copy_from_slice(text.as_bytes());
        Ok(())
    };
    if name.len() > 99 || bytes > LARGEST {
        return Err(io::Error::other(format!("{name} cannot be sent: it is larger than 8 GiB")));
    }
    put(0, name)?;
    put(100, "0000644")?;
    put(108, "0000000")?;
    put(116, "0000000")?;
    put(124, &format!("{bytes:011o}"))?;
    put(136, &format!("{:011o}", modified.clamp(0, LARGEST.cast_signed())))?;
    put(148, "        ")?;
    put(156, "0")?;
    put(257, "ustar")?;
    put(263, "00")?;
    let sum: u32 = header.iter().map(|byte| u32::from(*byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
    Ok(header)
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn the_system_s_tar_reads_what_is_written() {
        let dir = tempfile::tempdir().unwrap();
        let archive = dir.path().join("a.tar");
        let mut out = std::fs::File::create(&archive).unwrap();
        for (name, size) in [("1", 0_usize), ("2", 5), ("3", 512), ("4", 70_000)] {
            let content = vec![name.as_bytes()[0]; size];
            let seconds = 1_700_000_000;
            write_file(&mut out, name, (size as u64, seconds), &mut content.as_slice()).unwrap();
        }
        end(&mut out).unwrap();
        let mut tar = Command::new("tar");
        tar.arg("xf").arg(&archive).arg("-C").arg(dir.path());
        assert!(tar.status().unwrap().success());
        for (name, size) in [("1", 0), ("2", 5), ("3", 512), ("4", 70_000)] {
            let found = std::fs::read(dir.path().join(name)).unwrap();
            assert_eq!(found, vec![name.as_bytes()[0]; size], "{name}");
        }
        let modified = dir.path().join("4").metadata().unwrap().modified().unwrap();
        let since = modified.duration_since(std::time::UNIX_EPOCH).unwrap();
        assert_eq!(since.as_secs(), 1_700_000_000);
    }

    #[test]
    fn a_file_that_shrinks_is_an_error() {
        let mut out = Vec::new();
        assert!(write_file(&mut out, "1", (5, 0), &mut &b"four"[..]).is_err());
    }
}
