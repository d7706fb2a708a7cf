//! Points at which the metric did not happen, such as the duration of a rollout that did not end: a value that is not there is
//! not 0, and leaving its point out would compare other inputs than were asked for. So it is refused, with the points and the input
//! they have in common.

use super::inputs::Input;

/// The metric at one point of a design.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Value {
    /// Its mean over the replications in which it happened; none if it happened in none.
    pub mean: Option<f64>,
    /// In how many that was.
    pub happened: usize,
}

/// So many points are named.
const NAMED: usize = 3;

/// Why the values of `metric` at `points`, each of `replications`, are no function of the inputs; nothing if they are.
pub fn refusal(
    metric: &str,
    replications: u32,
    inputs: &[Input],
    points: &[Vec<f64>],
    values: &[Value],
) -> Option<String> {
    let is_missing: Vec<bool> = values.iter().map(|value| value.mean.is_none()).collect();
    let missing: Vec<&Vec<f64>> =
        points.iter().zip(&is_missing).filter(|(_, missing)| **missing).map(|(point, _)| point).collect();
    if missing.is_empty() {
        return None;
    }
    let place = |point: &&Vec<f64>| inputs.iter().zip(*point).map(|(input, u)| input.set(*u)).collect::<Vec<_>>();
    let mut named: Vec<String> = missing.iter().map(|point| place(point).join(" ")).collect();
    named.dedup();
    named.truncate(NAMED);
    Some(format!(
        "{metric} did not happen in any of {replications} replications at {} of {} points{}; give ranges in which it happens, a longer \
         run (run.duration), or another --metric. Such points are\n       {}",
        missing.len(),
        points.len(),
        common(inputs, points, &is_missing).map(|words| format!(", {words}")).unwrap_or_default(),
        named.join("\n       ")
    ))
}

/// The input by which the points without a value differ most from the others; nothing if there are no others.
fn common(inputs: &[Input], points: &[Vec<f64>], is_missing: &[bool]) -> Option<String> {
    let mean = |input: usize, missing: bool| {
        let places = points.iter().zip(is_missing).filter(|(_, is)| **is == missing).map(|(point, _)| point[input]);
        crate::stats::mean(&places.collect::<Vec<_>>()).map(|mean| mean.mean)
    };
    let apart = |input: usize| Some(mean(input, true)? - mean(input, false)?);
    let all = (0..inputs.len()).filter_map(|input| Some((input, apart(input)?)));
    let (input, apart) = all.max_by(|one, other| one.1.abs().total_cmp(&other.1.abs()))?;
    Some(format!("mostly where {} is {}", inputs[input].key, if apart > 0.0 { "large" } else { "small" }))
}

/// What to know of points at which the metric happened in some of the replications only; nothing if there are none.
pub fn warning(metric: &str, replications: u32, values: &[Value]) -> Option<String> {
    let partly: Vec<usize> = values.iter().map(|value| value.happened).filter(|n| *n < replications as usize).collect();
    let least = partly.iter().min()?;
    Some(format!(
        "{metric} did not happen in every replication at {} of {} points (in {least} of {replications} at the least): its mean there is \
         over those in which it did, which may be other rollouts than the rest",
        partly.len(),
        values.len()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inputs() -> Vec<Input> {
        let scenario = crate::scenario::defaults("test");
        ["delays.stop=0s..1s", "delays.sandbox=1s..30s"].map(|text| Input::parse(text, &scenario).unwrap()).to_vec()
    }

    fn value(happened: usize) -> Value {
        Value { mean: (happened > 0).then_some(2.0), happened }
    }

    fn check(happened: [usize; 3], expected: Option<&str>) {
        let points = [vec![0.5, 0.0], vec![0.0, 0.1], vec![0.2, 1.0]];
        let found = refusal("rollout_duration_s", 2, &inputs(), &points, &happened.map(value));
        assert_eq!(found.is_some(), expected.is_some(), "{found:?}");
        assert!(found.unwrap_or_default().contains(expected.unwrap_or_default()));
    }

    /// A slower start was said to make rollouts shorter: those that did not end counted as 0 s.
    #[test]
    fn what_did_not_happen_is_no_zero() {
        check([2, 2, 0], Some("at 1 of 3 points, mostly where delays.sandbox is large"));
        check([2, 2, 0], Some("delays.stop=\"200ms\" delays.sandbox=\"30s\""));
        check([0, 0, 2], Some("delays.sandbox is small"));
        check([0, 0, 0], Some("at 3 of 3 points; give"));
        check([1, 2, 2], None);
    }

    #[test]
    fn points_with_fewer_replications_are_counted() {
        let text = warning("rollout_duration_s", 4, &[4, 3, 1].map(value)).unwrap();
        assert!(text.contains("2 of 3 points (in 1 of 4 at the least)"), "{text}");
        assert_eq!(warning("failed", 4, &[value(4)]), None);
    }
}
