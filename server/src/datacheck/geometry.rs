//! The camera's pixels: 1855 regular hexagons in modules of seven. Datacheck files do not hold
//! this; `pixels.csv` is the geometry of LST-1's camera in the engineering frame.

use std::sync::LazyLock;

/// Number of pixels.
pub const PIXELS: usize = 1855;

/// From flat to flat [m].
pub const FLAT_TO_FLAT_M: f64 = 0.05;

/// Angle of the direction to a neighbour, that is the normal of a flat, in the engineering
/// frame [deg]. Others follow every 60 degrees.
const ROTATION_DEG: f64 = -10.89;

/// A pixel; its number is its place in [`pixels`].
#[derive(Clone, Debug, PartialEq)]
pub struct Pixel {
    /// Centre in the engineering frame, x [m].
    pub x_m: f64,
    /// Centre in the engineering frame, y [m].
    pub y_m: f64,
    /// Module, and place in it: `[i, j, pixel]`.
    pub cluster: [i8; 3],
    /// Pixels that touch it.
    pub neighbours: Vec<u16>,
}

impl Pixel {
    /// Whether it lies at the camera's edge.
    pub fn is_edge(&self) -> bool {
        self.neighbours.len() < 6
    }
}

/// All pixels, by number.
pub fn pixels() -> &'static [Pixel] {
    &CAMERA
}

/// Corners of a pixel relative to its centre [m], counterclockwise.
pub fn corners() -> [(f64, f64); 6] {
    let radius = FLAT_TO_FLAT_M / 3f64.sqrt();
    [0.0, 60.0, 120.0, 180.0, 240.0, 300.0].map(|turn: f64| {
        let angle = (ROTATION_DEG + 30.0 + turn).to_radians();
        (radius * angle.cos(), radius * angle.sin())
    })
}

static CAMERA: LazyLock<Vec<Pixel>> = LazyLock::new(|| {
    // A line that does not parse would be left out, and the test of this module would fail.
    let mut camera: Vec<Pixel> = include_str!("pixels.csv").lines().filter_map(pixel).collect();
    let neighbours = neighbours(&camera);
    for (pixel, neighbours) in camera.iter_mut().zip(neighbours) {
        pixel.neighbours = neighbours;
    }
    camera
});

/// For each pixel the numbers of those that touch it. Of pixels in the order of x, only those within
/// reach are compared: every short-lived program that knows the camera does this.
fn neighbours(camera: &[Pixel]) -> Vec<Vec<u16>> {
    const REACH_M: f64 = 1.2 * FLAT_TO_FLAT_M;
    let mut by_x: Vec<(u16, &Pixel)> = (0..).zip(camera).collect();
    by_x.sort_by(|(_, a), (_, b)| a.x_m.total_cmp(&b.x_m));
    let mut found = vec![Vec::new(); camera.len()];
    for (place, (a, here)) in by_x.iter().enumerate() {
        for (b, there) in &by_x[place + 1..] {
            if there.x_m - here.x_m >= REACH_M {
                break;
            }
            if (there.x_m - here.x_m).hypot(there.y_m - here.y_m) < REACH_M {
                found[usize::from(*a)].push(*b);
                found[usize::from(*b)].push(*a);
            }
        }
    }
    for numbers in &mut found {
        numbers.sort_unstable();
    }
    found
}

fn pixel(line: &str) -> Option<Pixel> {
    let mut fields = line.split(',');
    let mut next = || fields.next();
    Some(Pixel {
        x_m: next()?.parse().ok()?,
        y_m: next()?.parse().ok()?,
        cluster: [next()?.parse().ok()?, next()?.parse().ok()?, next()?.parse().ok()?],
        neighbours: Vec::new(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_camera_has_its_pixels_and_edge() {
        assert_eq!(pixels().len(), PIXELS);
        assert!(pixels().iter().all(|pixel| (1..=6).contains(&pixel.neighbours.len())));
        assert_eq!(pixels()[250].cluster, [0, -6, 4]); // as the original's report says
    }

    #[test]
    fn neighbours_are_all_that_are_near() {
        for (index, here) in (0u16..).zip(pixels()) {
            let distance = |there: &Pixel| (here.x_m - there.x_m).hypot(here.y_m - there.y_m);
            let others = (0u16..).zip(pixels()).filter(|(other, _)| *other != index);
            let near = others.filter(|(_, there)| distance(there) < 1.2 * FLAT_TO_FLAT_M);
            assert!(near.map(|(other, _)| other).eq(here.neighbours.iter().copied()), "{index}");
        }
    }

    #[test]
    fn corners_lie_between_neighbours_so_that_hexagons_tile() {
        let centre = &pixels()[0];
        for &other in &centre.neighbours {
            let other = &pixels()[usize::from(other)];
            let (x, y) = ((other.x_m - centre.x_m) / 2.0, (other.y_m - centre.y_m) / 2.0);
            let distances = corners().map(|(cx, cy)| (cx - x).hypot(cy - y));
            let side = FLAT_TO_FLAT_M / 3f64.sqrt();
            let on_flat = distances.iter().filter(|d| (*d - side / 2.0).abs() < 1e-4).count();
            assert_eq!(on_flat, 2, "the middle between two pixels is the middle of a side");
        }
    }
}
