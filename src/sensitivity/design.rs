//! Where a function is evaluated: the matrices of Saltelli et al. (2010) for Sobol indices, and the trajectories of Morris
//! (1991). Points are rows of numbers between 0 and 1, one for each input.

use crate::engine::{Stream, StreamKey};

/// The points for Sobol indices: matrices A and B of independent uniform rows, and for each input i the matrix `A_B^i`, A with
/// the column i of B. Row j of all of them stands together: A, B, `A_B^1`, …, `A_B^k`.
#[derive(Debug, Clone, PartialEq)]
pub struct SobolDesign {
    /// Inputs.
    pub inputs: usize,
    /// Rows of a matrix.
    pub rows: usize,
    /// `rows` · (`inputs` + 2) points.
    pub points: Vec<Vec<f64>>,
}

/// The design with this many rows; the same seed gives the same points.
pub fn sobol(inputs: usize, rows: usize, seed: u64) -> SobolDesign {
    let mut stream = stream(seed, "sobol");
    let mut points = Vec::with_capacity(rows * (inputs + 2));
    for _ in 0..rows {
        let (a, b) = (uniforms(inputs, &mut stream), uniforms(inputs, &mut stream));
        let mixed: Vec<Vec<f64>> = (0..inputs).map(|input| exchanged(&a, &b, input)).collect();
        points.extend([a, b]);
        points.extend(mixed);
    }
    SobolDesign { inputs, rows, points }
}

fn stream(seed: u64, purpose: &str) -> Stream {
    StreamKey { seed, replication: 0 }.stream("sensitivity", purpose, 0)
}

fn uniforms(n: usize, stream: &mut Stream) -> Vec<f64> {
    (0..n).map(|_| stream.uniform()).collect()
}

fn exchanged(a: &[f64], b: &[f64], input: usize) -> Vec<f64> {
    let mut row = a.to_vec();
    row[input] = b[input];
    row
}

/// The levels of a Morris design.
pub const LEVELS: usize = 4;
/// The step, which with 4 levels visits all levels equally often: p / (2 (p − 1)).
pub const STEP: f64 = 2.0 / 3.0;

/// Trajectories of Morris: each begins at a random point of a grid of 4 levels and changes one input after the other by 2/3,
/// in random order.
#[derive(Debug, Clone, PartialEq)]
pub struct MorrisDesign {
    /// Inputs.
    pub inputs: usize,
    /// For each trajectory, which input each step changes and in which direction (+1 or −1).
    pub steps: Vec<Vec<(usize, f64)>>,
    /// `inputs` + 1 points a trajectory, trajectory by trajectory.
    pub points: Vec<Vec<f64>>,
}

/// The design with this many trajectories; the same seed gives the same points.
pub fn morris(inputs: usize, trajectories: usize, seed: u64) -> MorrisDesign {
    let mut stream = stream(seed, "morris");
    let (mut steps, mut points) = (Vec::new(), Vec::new());
    for _ in 0..trajectories {
        let mut point: Vec<f64> = (0..inputs).map(|_| stream.below(LEVELS) as f64 / (LEVELS - 1) as f64).collect();
        let order = shuffled(inputs, &mut stream);
        points.push(point.clone());
        let mut taken = Vec::with_capacity(inputs);
        for input in order {
            // From the lower two levels only up, from the upper two only down.
            let direction = if point[input] < 0.5 { 1.0 } else { -1.0 };
            point[input] += direction * STEP;
            taken.push((input, direction));
            points.push(point.clone());
        }
        steps.push(taken);
    }
    MorrisDesign { inputs, steps, points }
}

/// Fisher and Yates.
fn shuffled(n: usize, stream: &mut Stream) -> Vec<usize> {
    let mut order: Vec<usize> = (0..n).collect();
    for last in (1..n).rev() {
        order.swap(last, stream.below(last + 1));
    }
    order
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_of_the_mixed_matrices_differ_from_a_in_one_column() {
        let design = sobol(3, 2, 1);
        assert_eq!(design.points.len(), 10);
        let (a, b) = (&design.points[5], &design.points[6]);
        for input in 0..3 {
            let mixed = &design.points[7 + input];
            let expected: Vec<f64> = (0..3).map(|column| (if column == input { b } else { a })[column]).collect();
            assert!(mixed.iter().zip(&expected).all(|(one, other)| one.total_cmp(other).is_eq()), "{input}");
        }
    }

    #[test]
    fn a_trajectory_changes_each_input_once_and_stays_inside() {
        let design = morris(5, 20, 1);
        assert_eq!(design.points.len(), 120);
        for (steps, points) in design.steps.iter().zip(design.points.chunks(6)) {
            let mut inputs: Vec<usize> = steps.iter().map(|(input, _)| *input).collect();
            inputs.sort_unstable();
            assert_eq!(inputs, [0, 1, 2, 3, 4]);
            assert!(points.iter().flatten().all(|x| (-1e-9..=1.0 + 1e-9).contains(x)));
        }
    }
}
