//! The answer for people.

use super::result::{Estimate, InputResult, Sensitivity};

/// An interval of a share wider than this says too little for a headline.
const WIDEST: f64 = 0.5;

/// The answer in words, then every input.
pub fn render(found: &Sensitivity) -> String {
    let mut out = headline(found);
    let what = if found.method == "sobol" { "rows" } else { "trajectories" };
    out.push_str(&format!(
        "\n\nThe mean of {} over {} replications at each of {} points ({} {what}), seed {}; inputs independent and uniform in \
         their ranges\n(factors in their logarithm), the same luck at all points.\n\n",
        found.metric, found.replications, found.evaluations, found.points, found.seed
    ));
    let widest = found.inputs.iter().map(|input| input.key.chars().count()).max().unwrap_or(0);
    let heads =
        if found.method == "sobol" { ["alone", "with interactions"] } else { ["mean size", "mean effect, spread"] };
    out.push_str(&format!("  {:widest$}  {:<18}  {:<22}  {}\n", "", "range", heads[0], heads[1]));
    for input in &found.inputs {
        out.push_str(&row(input, widest));
    }
    found.warnings.iter().for_each(|warning| out.push_str(&format!("\nwarning: {warning}\n")));
    out
}

/// "delays.kp_sync explains 62 % [55, 70] of the variance of failed, …".
pub(super) fn headline(found: &Sensitivity) -> String {
    let Some(first) = found.inputs.first() else { return format!("{}: no input was varied", found.scenario) };
    let metric = found.metric;
    match (first.shares(), first.mean_size.filter(|size| size.value > 0.0)) {
        (Some((alone, total)), _) => {
            let told = [first.first_order, first.total].iter().flatten().all(Estimate::is_told);
            let (alone, total) = (percent(alone), percent(total));
            let explains = format!(
                "{} explains {alone} of the variance of {metric} alone and {total} with its interactions",
                first.key
            );
            let warning = "too few rows to tell the shares; by what there is, ";
            format!("{}: {}{explains}", found.scenario, if told { "" } else { warning })
        }
        (_, Some(size)) => {
            format!(
                "{}: {} has the largest effect on {metric}: {} from one end of its range to the other",
                found.scenario,
                first.key,
                number(size)
            )
        }
        _ => format!(
            "{}: {metric} does not vary with any of these inputs, at {} points of {} replications each",
            found.scenario, found.evaluations, found.replications
        ),
    }
}

impl Estimate {
    fn is_told(&self) -> bool {
        self.ci95.is_some_and(|[low, high]| high - low <= WIDEST)
    }
}

fn row(input: &InputResult, widest: usize) -> String {
    let (one, other) = match (input.shares(), input.mean_size) {
        (Some((alone, total)), _) => (percent(alone), percent(total)),
        (_, Some(size)) => {
            let (mean, spread) = (input.mean_effect.unwrap_or(0.0), input.spread.unwrap_or(0.0));
            (number(size), format!("{}, {}", digits(mean), digits(spread)))
        }
        _ => ("none".to_owned(), "none".to_owned()),
    };
    format!("  {:widest$}  {:<18}  {one:<22}  {other}\n", input.key, input.range)
}

/// "62 % [55, 70]".
fn percent(estimate: Estimate) -> String {
    let whole = |share: f64| minus(format!("{:.0}", share * 100.0 + 0.0));
    let interval = estimate.ci95.map_or(String::new(), |[low, high]| format!(" [{}, {}]", whole(low), whole(high)));
    format!("{} %{interval}", whole(estimate.value))
}

fn number(estimate: Estimate) -> String {
    let interval = estimate.ci95.map_or(String::new(), |[low, high]| format!(" [{}, {}]", digits(low), digits(high)));
    format!("{}{interval}", digits(estimate.value))
}

fn digits(value: f64) -> String {
    minus(if value.abs() >= 100.0 { format!("{value:.0}") } else { format!("{value:.3}") })
}

/// With a real minus, and none for zero.
fn minus(text: String) -> String {
    let zero = text.chars().all(|c| "-0.".contains(c));
    if zero { text.replace('-', "") } else { text.replace('-', "−") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_headline(input: InputResult, expected: &str) {
        let found = Sensitivity {
            schema: super::super::SCHEMA,
            version: "0",
            scenario: "toy".to_owned(),
            seed: 1,
            method: "sobol",
            metric: "failed",
            points: 256,
            evaluations: 768,
            replications: 2,
            variance: None,
            inputs: vec![input],
            warnings: Vec::new(),
        };
        assert_eq!(headline(&found), format!("toy: {expected}"));
        assert!(render(&found).contains("delays.stop"), "each input has its row");
    }

    fn input() -> InputResult {
        let scenario = crate::scenario::defaults("test");
        InputResult::named(&super::super::inputs::Input::parse("delays.stop=0s..1s", &scenario).unwrap())
    }

    /// 110 % of a variance, 110 % alone and 107 % with interactions.
    #[test]
    fn no_share_is_more_than_the_whole_or_more_alone_than_together() {
        let shares = |alone, total| InputResult { first_order: Some(alone), total: Some(total), ..input() };
        let estimate = |value, low, high| Estimate { value, ci95: Some([low, high]) };
        check_headline(
            shares(estimate(1.10, 0.95, 1.24), estimate(1.07, 0.95, 1.19)),
            "delays.stop explains 100 % [95, 100] of the variance of failed alone and 100 % [95, 100] with its interactions",
        );
        check_headline(
            shares(estimate(0.5, 0.45, 0.6), estimate(0.4, 0.35, 0.48)),
            "delays.stop explains 40 % [40, 48] of the variance of failed alone and 40 % [35, 48] with its interactions",
        );
        check_headline(
            shares(estimate(-0.1, -0.2, -0.05), estimate(0.3, 0.2, 0.4)),
            "delays.stop explains 0 % [0, 0] of the variance of failed alone and 30 % [20, 40] with its interactions",
        );
    }

    #[test]
    fn what_does_not_vary_is_said_and_no_effect_of_zero_is_the_largest() {
        let words = "failed does not vary with any of these inputs, at 768 points of 2 replications each";
        check_headline(input(), words);
        check_headline(
            InputResult { mean_size: Some(Estimate { value: 0.0, ci95: Some([0.0, 0.0]) }), ..input() },
            words,
        );
    }

    #[test]
    fn a_share_with_a_wide_interval_is_not_told() {
        let estimate = |low, high| Estimate { value: 0.9, ci95: Some([low, high]) };
        assert!(estimate(0.7, 1.1).is_told() && !estimate(0.4, 1.4).is_told());
        assert!(!Estimate { value: 0.9, ci95: None }.is_told());
    }

    #[test]
    fn shares_are_said_with_their_intervals() {
        let estimate = Estimate { value: 0.618, ci95: Some([0.551, 0.703]) };
        assert_eq!(percent(estimate), "62 % [55, 70]");
        assert_eq!(percent(Estimate { value: -0.001, ci95: None }), "0 %");
        assert_eq!(percent(Estimate { value: -0.05, ci95: None }), "−5 %");
    }
}
