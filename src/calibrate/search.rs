//! Finding where a function is largest or zero, without derivatives.

/// What remains of an interval at each step of a golden-section search.
const GOLDEN: f64 = 0.618_033_988_749_894_9;

/// Where `f`, with one peak between `low` and `high`, is largest; to about 1e-9 of the width.
pub fn peak(mut low: f64, mut high: f64, f: &dyn Fn(f64) -> f64) -> f64 {
    let within = |low: f64, high: f64, share: f64| low + (high - low) * share;
    let (mut left, mut right) = (within(low, high, 1.0 - GOLDEN), within(low, high, GOLDEN));
    let (mut at_left, mut at_right) = (f(left), f(right));
    for _ in 0..44 {
        if at_left < at_right {
            (low, left, at_left) = (left, right, at_right);
            right = within(low, high, GOLDEN);
            at_right = f(right);
        } else {
            (high, right, at_right) = (right, left, at_left);
            left = within(low, high, 1.0 - GOLDEN);
            at_left = f(left);
        }
    }
    f64::midpoint(low, high)
}

/// As [`peak`], for a function that may have several: the highest of `steps` points first, then its neighbourhood.
pub fn highest(low: f64, high: f64, steps: u32, f: &dyn Fn(f64) -> f64) -> f64 {
    let width = (high - low) / f64::from(steps);
    let point = |step: u32| low + width * f64::from(step);
    let best = (0..=steps).max_by(|one, other| f(point(*one)).total_cmp(&f(point(*other)))).unwrap_or(0);
    let near = peak(point(best.saturating_sub(1)), point((best + 1).min(steps)), f);
    if f(near) >= f(point(best)) { near } else { point(best) }
}

/// The place where the rising function `f` crosses zero between `low` and `high`, or the nearer end.
pub fn root(mut low: f64, mut high: f64, f: &dyn Fn(f64) -> f64) -> f64 {
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if f(middle) < 0.0 { low = middle } else { high = middle }
    }
    f64::midpoint(low, high)
}

/// Where `f` is largest in a rectangle: for each first coordinate the best second one.
pub fn peak2(first: (f64, f64), second: (f64, f64), f: &dyn Fn(f64, f64) -> f64) -> (f64, f64) {
    let best_second = |x: f64| peak(second.0, second.1, &|y| f(x, y));
    let x = peak(first.0, first.1, &|x| f(x, best_second(x)));
    (x, best_second(x))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn peaks_and_roots_are_found() {
        assert!((peak(0.0, 10.0, &|x| -(x - 3.0).powi(2)) - 3.0).abs() < 1e-6);
        assert!((root(0.0, 10.0, &|x| x * x - 2.0) - 2f64.sqrt()).abs() < 1e-12);
        let (x, y) = peak2((0.0, 4.0), (0.0, 4.0), &|x, y| -(x - 1.0).powi(2) - (y - x).powi(2));
        assert!((x - 1.0).abs() < 1e-6 && (y - 1.0).abs() < 1e-6);
    }

    #[test]
    fn the_higher_of_two_peaks_is_found() {
        let two = |x: f64| (1.0 - (x - 1.0).abs()).max(2.0 - 4.0 * (x - 7.3).abs());
        assert!((highest(0.0, 10.0, 32, &two) - 7.3).abs() < 1e-6);
    }
}
