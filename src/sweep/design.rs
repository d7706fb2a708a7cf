//! Where the points of a sweep stand: on a grid, in a Latin hypercube, or on a Sobol sequence.

use crate::engine::StreamKey;
use crate::scenario::{Axis, Coordinate, Design, Sweep};

/// The coordinates of every point.
#[derive(Debug)]
pub(super) enum Layout {
    /// The number of levels of each axis.
    Grid(Vec<usize>),
    /// For each axis the share at which each point stands.
    Shares { points: u64, axes: Vec<Vec<f64>> },
}

impl Layout {
    /// Lays the points of a sweep; random designs depend on the seed alone.
    pub(super) fn new(sweep: &Sweep, seed: u64) -> Layout {
        let (axes, points) = (sweep.axes.len(), sweep.points.unwrap_or(1));
        match sweep.design {
            Design::Grid => Layout::Grid(sweep.axes.iter().map(|axis: &Axis| axis.levels().unwrap_or(1)).collect()),
            Design::LatinHypercube => Layout::Shares { points, axes: latin_hypercube(points as usize, axes, seed) },
            Design::Sobol => Layout::Shares { points, axes: sobol(points as usize, axes, seed) },
        }
    }

    /// How many points there are; without axes one, the base.
    pub(super) fn points(&self) -> u64 {
        match self {
            Layout::Grid(levels) => levels.iter().map(|&levels| levels as u64).product(),
            Layout::Shares { points, .. } => *points,
        }
    }

    /// The coordinates of a point, one for each axis; of a grid the last axis changes fastest.
    pub(super) fn at(&self, point: u64) -> Vec<Coordinate> {
        match self {
            Layout::Grid(levels) => on_grid(levels, point as usize),
            Layout::Shares { axes, .. } => axes.iter().map(|axis| Coordinate::Share(axis[point as usize])).collect(),
        }
    }
}

fn on_grid(levels: &[usize], mut rest: usize) -> Vec<Coordinate> {
    let mut coordinates: Vec<Coordinate> = Vec::with_capacity(levels.len());
    for &levels in levels.iter().rev() {
        coordinates.push(Coordinate::Level(rest % levels));
        rest /= levels;
    }
    coordinates.reverse();
    coordinates
}

/// McKay, Beckman and Conover 1979: each axis is cut into as many equal slices as there are points, each slice holds one
/// point at a uniform place, and each axis has its slices in an order of its own.
fn latin_hypercube(points: usize, axes: usize, seed: u64) -> Vec<Vec<f64>> {
    let key = StreamKey { seed, replication: 0 };
    let axis = |axis: usize| {
        let mut stream = key.stream("sweep", "latin_hypercube", axis as u64);
        let mut slices: Vec<usize> = (0..points).collect();
        for last in (1..points).rev() {
            slices.swap(last, stream.below(last + 1));
        }
        slices.into_iter().map(|slice| (slice as f64 + stream.uniform()) / points as f64).collect()
    };
    (0..axes).map(axis).collect()
}

/// Sobol points with Owen scrambling (Burley 2020), each axis scrambled by itself.
fn sobol(points: usize, axes: usize, seed: u64) -> Vec<Vec<f64>> {
    let seed = StreamKey { seed, replication: 0 }.stream("sweep", "sobol", 0).bits() as u32;
    let share = |axis: usize, point: usize| f64::from(sobol_burley::sample(point as u32, axis as u32, seed));
    (0..axes).map(|axis| (0..points).map(|point| share(axis, point)).collect()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_axis_of_a_grid_changes_fastest() {
        let layout = Layout::Grid(vec![2, 3]);
        let all: Vec<_> = (0..layout.points()).map(|point| layout.at(point)).collect();
        let expected = [(0, 0), (0, 1), (0, 2), (1, 0), (1, 1), (1, 2)];
        assert_eq!(all, expected.map(|(one, other)| vec![Coordinate::Level(one), Coordinate::Level(other)]));
        assert_eq!(Layout::Grid(Vec::new()).points(), 1);
    }

    /// How many points stand in each of `count` equal slices of an axis.
    fn slices(axis: &[f64], count: usize) -> Vec<usize> {
        let mut slices = vec![0; count];
        axis.iter().for_each(|share| slices[(share * count as f64) as usize] += 1);
        slices
    }

    #[test]
    fn every_slice_of_every_axis_holds_one_point() {
        for (name, axes) in [("latin", latin_hypercube(64, 5, 7)), ("sobol", sobol(64, 5, 7))] {
            assert!(axes.iter().all(|axis| slices(axis, 64) == [1; 64]), "{name}");
            assert_ne!(axes[0], axes[1], "{name}");
        }
    }

    /// What sets a Sobol sequence apart from a Latin hypercube: two axes together are filled evenly, too. 256 points leave
    /// no cell of 16 × 16 empty in the first two dimensions.
    #[test]
    fn sobol_points_fill_the_plane() {
        let axes = sobol(256, 2, 3);
        let cells: std::collections::BTreeSet<_> =
            axes[0].iter().zip(&axes[1]).map(|(x, y)| ((x * 16.0) as usize, (y * 16.0) as usize)).collect();
        assert_eq!(cells.len(), 256);
    }

    #[test]
    fn the_seed_decides() {
        assert_eq!(latin_hypercube(9, 2, 1), latin_hypercube(9, 2, 1));
        assert_ne!(latin_hypercube(9, 2, 1), latin_hypercube(9, 2, 2));
        assert_ne!(sobol(9, 2, 1), sobol(9, 2, 2));
    }
}
