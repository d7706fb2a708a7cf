//! The two point forecasts that a model has to beat.

use std::collections::BTreeMap;

/// What the window baseline needs of an old pod: its scenario, and from its exit to its rule gone.
#[derive(Debug, Clone, PartialEq)]
pub struct PodFact {
    /// The scenario it was measured in.
    pub scenario: String,
    /// Seconds from exit to rule out; negative where the rule went first.
    pub exit_to_rule_out_s: f64,
    /// Seconds of preStop hook in that scenario.
    pub hook_s: f64,
}

/// The mean failed count of the runs of all *other* scenarios with the same client. `runs` are (scenario, client, failed).
pub fn pooled_average(runs: &[(String, String, f64)], scenario: &str, client: &str) -> Option<f64> {
    let others = runs.iter().filter(|run| run.0 != scenario && run.1 == client);
    mean(others.map(|run| run.2))
}

/// Rate divided by replicas, times the sum over the old pods of max(0, mean exit → rule out of the *other* scenarios
/// without their hooks − hook).
pub fn window_rate(pods: &[PodFact], scenario: &str, rate: f64, replicas: u32, hook_s: f64) -> Option<f64> {
    let window = mean(other_means(pods, scenario).into_values())?;
    let exposed = (window - hook_s).max(0.0) * f64::from(replicas);
    Some(rate / f64::from(replicas) * exposed)
}

/// For each other scenario the mean time from exit to rule out, its own hook added back.
fn other_means(pods: &[PodFact], scenario: &str) -> BTreeMap<String, f64> {
    let mut by_scenario: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    for pod in pods.iter().filter(|pod| pod.scenario != scenario) {
        by_scenario.entry(pod.scenario.clone()).or_default().push(pod.exit_to_rule_out_s + pod.hook_s);
    }
    by_scenario.into_iter().filter_map(|(name, windows)| Some((name, mean(windows.into_iter())?))).collect()
}

fn mean(values: impl Iterator<Item = f64>) -> Option<f64> {
    let (mut sum, mut n) = (0.0, 0u32);
    for value in values {
        sum += value;
        n += 1;
    }
    (n > 0).then(|| sum / f64::from(n))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scenario_is_left_out_of_its_own_forecast() {
        let run = |scenario: &str, failed| (scenario.to_owned(), "ka".to_owned(), failed);
        let runs = [run("a", 100.0), run("b", 10.0), run("b", 20.0), run("c", 30.0)];
        assert_eq!(pooled_average(&runs, "a", "ka"), Some(20.0));
        assert_eq!(pooled_average(&runs, "a", "close"), None);
    }

    #[test]
    fn the_window_shrinks_by_the_hook() {
        let pod =
            |scenario: &str, window, hook_s| PodFact { scenario: scenario.into(), exit_to_rule_out_s: window, hook_s };
        let pods = [pod("a", 9.0, 0.0), pod("b", 0.5, 0.0), pod("b", 1.5, 0.0), pod("c", -3.0, 5.0)];
        assert_eq!(window_rate(&pods, "a", 300.0, 3, 0.0), Some(300.0 * 1.5));
        assert_eq!(window_rate(&pods, "a", 300.0, 3, 1.0), Some(300.0 * 0.5));
        assert_eq!(window_rate(&pods, "a", 300.0, 3, 5.0), Some(0.0));
    }
}
