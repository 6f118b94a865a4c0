//! A set of subruns, one bit each.

use crate::model::Subrun;

/// Subruns of one run: 0 to [`SubrunSet::LIMIT`], one bit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SubrunSet {
    bits: Vec<u64>,
    count: u32,
}

impl SubrunSet {
    /// The largest subrun a set can hold: the widest number a file name can have.
    pub const LIMIT: u32 = 999_999;

    /// The empty set.
    pub const fn new() -> Self {
        Self { bits: Vec::new(), count: 0 }
    }

    /// Adds a subrun; says whether it is new. Numbers over [`Self::LIMIT`] are not taken.
    pub fn insert(&mut self, subrun: Subrun) -> bool {
        if subrun.0 > Self::LIMIT {
            return false;
        }
        let (word, bit) = place(subrun);
        if self.bits.len() <= word {
            self.bits.resize(word + 1, 0);
        }
        let Some(bits) = self.bits.get_mut(word) else { return false };
        let new = *bits & bit == 0;
        *bits |= bit;
        self.count += u32::from(new);
        new
    }

    /// Takes a subrun out, if it is in.
    pub fn remove(&mut self, subrun: Subrun) {
        let (word, bit) = place(subrun);
        if let Some(bits) = self.bits.get_mut(word).filter(|bits| **bits & bit != 0) {
            *bits &= !bit;
            self.count -= 1;
        }
    }

    /// Whether the subrun is in it.
    pub fn contains(&self, subrun: Subrun) -> bool {
        let (word, bit) = place(subrun);
        self.bits.get(word).is_some_and(|bits| bits & bit != 0)
    }

    /// How many there are.
    pub fn len(&self) -> u32 {
        self.count
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The subruns, in order.
    pub fn iter(&self) -> impl Iterator<Item = Subrun> + '_ {
        let length = u32::try_from(self.bits.len() * 64).unwrap_or(u32::MAX);
        (0..length).map(Subrun).filter(|subrun| self.contains(*subrun))
    }
}

impl FromIterator<Subrun> for SubrunSet {
    fn from_iter<I: IntoIterator<Item = Subrun>>(subruns: I) -> Self {
        let mut set = Self::default();
        for subrun in subruns {
            set.insert(subrun);
        }
        set
    }
}

fn place(subrun: Subrun) -> (usize, u64) {
    let number = subrun.0 as usize;
    (number / 64, 1 << (number % 64))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn it_is_a_set(numbers in prop::collection::vec(0u32..400, 0..300)) {
            let set: SubrunSet = numbers.iter().copied().map(Subrun).collect();
            let truth: BTreeSet<u32> = numbers.into_iter().collect();
            prop_assert_eq!(set.len() as usize, truth.len());
            prop_assert_eq!(set.is_empty(), truth.is_empty());
            prop_assert_eq!(set.iter().map(|s| s.0).collect::<Vec<_>>(),
                            truth.iter().copied().collect::<Vec<_>>());
            let mut less = set.clone();
            for number in 0..200 {
                less.remove(Subrun(number));
            }
            prop_assert_eq!(less.len() as usize, truth.range(200..).count());
            prop_assert!(!less.contains(Subrun(7)));
        }
    }

    #[test]
    fn an_absurd_number_takes_no_memory() {
        let mut set = SubrunSet::default();
        assert!(!set.insert(Subrun(u32::MAX)));
        assert!(!set.contains(Subrun(u32::MAX)));
        assert!(set.is_empty());
    }
}
