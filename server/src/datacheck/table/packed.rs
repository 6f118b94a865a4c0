//! Rows packed as lstchain's tables have them: each a chunk of its own, compressed by Blosc with
//! Zstandard, followed by a Fletcher-32 sum. The library would unpack one at a time, under its lock
//! and to its end. Here as many are unpacked at once as there are processors, and no further than
//! somebody wants to read: the facts about a subrun are in the first three thousandths of its row.
//!
//! Sources: c-blosc's `README_CHUNK_FORMAT.rst` (version 2 of the format), and the sum of the HDF5
//! specification (filter 3). What is packed in another way, or damaged, is the library's to read and
//! to complain about.

use zstd_safe::{DCtx, InBuffer, OutBuffer};

const HEAD: usize = 16;
const FORMAT: u8 = 2;
const BIT_SHUFFLED: u8 = 0b100;
const STORED: u8 = 0b10;
const ZSTD: u8 = 4;

/// Unpacks the first `start.len()` bytes of a chunk of `width` bytes; `None` if it is not packed so,
/// or not intact.
pub fn unpack(chunk: &[u8], width: usize, start: &mut [u8]) -> Option<()> {
    let (packed, sum) = chunk.split_last_chunk::<4>()?;
    if u32::from_le_bytes(*sum) != fletcher32(packed) || start.len() > width {
        return None;
    }
    let [format, _, flags, element, ..] = *packed.first_chunk::<HEAD>()?;
    let (all, block) = (number(packed, 4)?, number(packed, 8)?);
    // Bytes of elements of one byte stay where they are when they are shuffled; bits do not.
    let plain = element == 1 && flags & (BIT_SHUFFLED | STORED) == 0;
    if format != FORMAT || flags >> 5 != ZSTD || !plain || all != width || block == 0 {
        return None;
    }
    let mut context = DCtx::create();
    for (index, part) in start.chunks_mut(block).enumerate() {
        let at = number(packed, HEAD + 4 * index)?;
        let size = number(packed, at)?;
        let from = at.checked_add(4)?;
        let body = packed.get(from..from.checked_add(size)?)?;
        let whole = block.min(width - index * block);
        if size == whole {
            part.copy_from_slice(body.get(..part.len())?);
        } else {
            inflate(&mut context, body, part, whole)?;
        }
    }
    Some(())
}

/// Unpacks the beginning of a frame that holds `whole` bytes.
fn inflate(context: &mut DCtx<'_>, frame: &[u8], start: &mut [u8], whole: usize) -> Option<()> {
    if start.len() == whole {
        let size = context.decompress(start, frame).ok()?;
        return (size == whole).then_some(());
    }
    context.reset(zstd_safe::ResetDirective::SessionOnly).ok()?;
    let wanted = start.len();
    let mut input = InBuffer::around(frame);
    let mut output = OutBuffer::around(start);
    while output.pos() < wanted {
        let before = (input.pos, output.pos());
        context.decompress_stream(&mut output, &mut input).ok()?;
        if before == (input.pos, output.pos()) {
            return None; // it ends too early
        }
    }
    Some(())
}

/// A little-endian number of four bytes.
fn number(bytes: &[u8], at: usize) -> Option<usize> {
    let four = bytes.get(at..at.checked_add(4)?)?;
    usize::try_from(u32::from_le_bytes(four.try_into().ok()?)).ok()
}

/// The library's Fletcher sum: words of two bytes, the greater first; a last single byte is the
/// greater one of its word. The library lets it overflow where all bits are set, and so do we.
fn fletcher32(bytes: &[u8]) -> u32 {
    /// So many words can be summed before the sums overflow.
    const WORDS: usize = 360;
    let fold = |sum: u32| (sum & 0xffff) + (sum >> 16);
    let (mut sum, mut sums) = (0, 0);
    for part in bytes.chunks(2 * WORDS) {
        for word in part.chunks(2) {
            let value = u32::from(word[0]) << 8 | word.get(1).copied().map_or(0, u32::from);
            sum = value.wrapping_add(sum);
            sums = sum.wrapping_add(sums);
        }
        (sum, sums) = (fold(sum), fold(sums));
    }
    fold(sums) << 16 | fold(sum)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_sum_is_the_librarys() {
        // By hand: 0x0102, then 0x0102 + 0x0304; and the sum of these two sums.
        assert_eq!(fletcher32(&[]), 0);
        assert_eq!(fletcher32(&[1]), 0x0100_0100);
        assert_eq!(fletcher32(&[1, 2, 3, 4]), 0x0508_0406);
    }

    #[test]
    fn what_is_no_such_chunk_is_refused() {
        let mut row = [0; 8];
        for chunk in [&[][..], &[0; 4], &[2; 64], &[0xff; 40]] {
            assert_eq!(unpack(chunk, 8, &mut row), None);
        }
    }

    proptest::proptest! {
        #[test]
        fn nothing_makes_it_panic(
            mut chunk: Vec<u8>, width in 0..100_000_usize, wanted in 0..2000_usize, block: u16,
        ) {
            // Past the head and the sum, which hardly anything random would pass.
            let mut head = vec![FORMAT, 1, ZSTD << 5, 1];
            head.extend(u32::try_from(width).unwrap().to_le_bytes());
            head.extend(u32::from(block).to_le_bytes());
            head.extend([0; 4]);
            head.append(&mut chunk);
            let sum = fletcher32(&head);
            head.extend(sum.to_le_bytes());
            let _ = unpack(&head, width, &mut vec![0; wanted]);
        }
    }
}
