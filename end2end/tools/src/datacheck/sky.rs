//! The weather and the camera's troubles: which run has which, always the same.

use server::datacheck::geometry::{Pixel, pixels};

/// A star's light reaches this far [m]: a quarter of a degree.
const STAR_M: f64 = 0.122;

/// A source of numbers that look random and are the same for the same seed (SplitMix64, Steele et
/// al. 2014).
pub struct Chance(u64);

impl Chance {
    /// Numbers of a subrun, or of a run if `subrun` is `u32::MAX`; `part` tells several apart.
    pub fn of(run: u32, subrun: u32, part: u32) -> Self {
        Self((u64::from(run) << 40) ^ (u64::from(subrun) << 8) ^ u64::from(part))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 to 1.
    pub fn share(&mut self) -> f64 {
        f64::from(u32::try_from(self.next() >> 32).unwrap_or(0)) / f64::from(u32::MAX)
    }

    /// Around 1, mostly within `spread`: the sum of twelve uniform numbers is nearly normal.
    pub fn around(&mut self, spread: f64) -> f64 {
        let sum: f64 = (0..12).map(|_| self.share()).sum();
        1.0 + (sum - 6.0) * spread
    }
}

/// What a run was taken under.
pub struct Sky {
    run: u32,
    /// Pixels of a module that gives nothing.
    pub broken: Vec<usize>,
    /// Pixels near a bright star.
    pub starry: Vec<usize>,
    /// Gain of the camera against that of the template.
    pub gain: f64,
}

impl Sky {
    /// The sky of a run: every fifth has a broken module, every second a star, every fifth a cloud.
    pub fn of(run: u32) -> Self {
        let mut chance = Chance::of(run, u32::MAX, 0);
        let gain = chance.around(0.01);
        let camera = pixels();
        let module = &camera[1197].cluster[..2];
        let broken = (run % 5 == 2).then(|| numbers(|pixel| pixel.cluster[..2] == *module));
        let (x, y) = (chance.share() * 1.2 - 0.6, chance.share() * 1.2 - 0.6);
        let near = |pixel: &Pixel| (pixel.x_m - x).hypot(pixel.y_m - y) < STAR_M;
        let starry = run.is_multiple_of(2).then(|| numbers(near));
        Self { run, broken: broken.unwrap_or_default(), starry: starry.unwrap_or_default(), gain }
    }

    /// How much of the light comes through in a subrun. A cloud comes and goes within a run.
    pub fn clear(&self, subrun: u32) -> f64 {
        if self.run % 5 != 4 {
            return 1.0;
        }
        let from_middle = (f64::from(subrun) - 6.0) / 3.0;
        1.0 - 0.6 * (-from_middle * from_middle / 2.0).exp()
    }
}

fn numbers(chosen: impl Fn(&Pixel) -> bool) -> Vec<usize> {
    let camera = pixels().iter().enumerate();
    camera.filter(|(_, pixel)| chosen(pixel)).map(|(number, _)| number).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_differ_and_each_stays_as_it_is() {
        assert_eq!(Sky::of(19_102).broken.len(), 7);
        assert!(Sky::of(19_103).broken.is_empty() && Sky::of(19_103).starry.is_empty());
        assert_eq!(Sky::of(19_104).starry, Sky::of(19_104).starry);
        assert!(!Sky::of(19_104).starry.is_empty());
        assert!(Sky::of(19_104).clear(6) < 0.5 && Sky::of(19_104).clear(60) > 0.99);
        assert!((Sky::of(19_103).clear(6) - 1.0).abs() < f64::EPSILON);
    }

    #[test]
    fn chance_is_fair_enough() {
        let mut chance = Chance::of(1, 2, 3);
        let mean = (0..1000).map(|_| chance.around(0.1)).sum::<f64>() / 1000.0;
        assert!((mean - 1.0).abs() < 0.02, "{mean}");
    }
}
