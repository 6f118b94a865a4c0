//! `muons_LST-1.RunR.S.fits`: rings that lstchain found once, fewer of them under a cloud.

use super::Subruns;
use super::sky::{Chance, Sky};

/// Rings of a subrun, as lstchain wrote them.
const TEMPLATE: &[u8] =
    include_bytes!("../../../../server/tests/datacheck/muons_LST-1.Run20601.0000.fits");

/// FITS files are made of blocks of this many bytes, their headers of lines of that many.
const BLOCK: usize = 2880;
const CARD: usize = 80;

/// The rings of one subrun.
pub fn muons(of: &Subruns) -> Vec<u8> {
    let (Some(rows), Some(width)) = (number("NAXIS2"), number("NAXIS1")) else {
        return TEMPLATE.to_vec();
    };
    let subrun = of.numbers.first().copied().unwrap_or(0);
    let mut chance = Chance::of(of.run, subrun, 9);
    let share = Sky::of(of.run).clear(subrun) * (0.6 + 0.4 * chance.share());
    let kept = (1..=rows).rev().find(|kept| as_f64(*kept) <= share * as_f64(rows)).unwrap_or(1);
    let data = header_end();
    let mut file = TEMPLATE[..data].to_vec();
    let card = format!("{:<8}= {kept:>20} / length of dimension 2", "NAXIS2");
    if let Some(at) = place("NAXIS2") {
        file[at..at + CARD].copy_from_slice(format!("{card:<CARD$}").as_bytes());
    }
    file.extend(&TEMPLATE[data..data + kept * width]);
    file.resize(file.len().next_multiple_of(BLOCK), 0);
    file
}

fn as_f64(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

/// Where a keyword's line of the table's header is: its last, since the file's own comes first.
fn place(key: &str) -> Option<usize> {
    let cards = TEMPLATE.chunks_exact(CARD).enumerate();
    let found = cards.filter(|(_, card)| card.starts_with(format!("{key:<8}=").as_bytes()));
    found.map(|(index, _)| index * CARD).next_back()
}

fn number(key: &str) -> Option<usize> {
    let at = place(key)?;
    let value = std::str::from_utf8(&TEMPLATE[at + 10..at + 30]).ok()?;
    value.trim().parse().ok()
}

/// Where the table's rows begin.
fn header_end() -> usize {
    let cards = TEMPLATE.chunks_exact(CARD).enumerate();
    let ends = cards.filter(|(_, card)| card.starts_with(b"END     "));
    let last = ends.map(|(index, _)| index * CARD).next_back().unwrap_or(0);
    (last + CARD).next_multiple_of(BLOCK)
}

#[cfg(test)]
mod tests {
    use server::datacheck::read_muons;

    use super::*;

    #[test]
    fn the_reader_reads_the_rings_and_a_cloud_leaves_fewer() {
        let dir = tempfile::tempdir().unwrap();
        let rings = |subrun| {
            let file = dir.path().join(format!("muons_LST-1.Run19104.{subrun:04}.fits"));
            let of = Subruns { run: 19_104, numbers: vec![subrun], date: 20_241_128 };
            std::fs::write(&file, muons(&of)).unwrap();
            read_muons(&file).unwrap()
        };
        let (clear, cloudy) = (rings(40), rings(6));
        assert!(cloudy.len() < clear.len(), "{} and {}", cloudy.len(), clear.len());
        assert!(clear.iter().any(server::datacheck::MuonRing::is_contained));
    }
}
