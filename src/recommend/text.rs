//! The recommendation for people.

use super::result::{Answer, CostEstimate, CurvePoint, LossEstimate, Recommendation, Remains, StrategyPrice, Unproved};
use crate::report::{count, percent};

/// The answer, what it rests on and what it costs, as text.
pub fn render(found: &Recommendation) -> String {
    let mut out = String::new();
    headline(&mut out, found);
    asked(&mut out, found);
    if let Some(answer) = &found.answer {
        with_it(&mut out, answer);
    }
    if let Some(unproved) = &found.unproved {
        row(&mut out, "with it", &format!("{}; simulated afresh", loss(&unproved.loss)));
    }
    curve(&mut out, found);
    if let Some(remains) = &found.remains {
        left(&mut out, remains, found.target);
    }
    strategies(&mut out, &found.strategies);
    list(&mut out, "Doubts", &found.warnings.iter().map(|doubt| doubt.message.clone()).collect::<Vec<_>>());
    list(&mut out, "Taken for granted", &found.assumptions);
    if let Some(patch) = &found.patch {
        out.push_str("\nThe patch:\n\n");
        patch.lines().for_each(|text| line(&mut out, &format!("  {text}")));
    }
    out
}

fn line(out: &mut String, text: &str) {
    out.push_str(text);
    out.push('\n');
}

/// Why there is no answer, in few words.
pub fn no_answer(found: &Recommendation) -> String {
    match found.unproved {
        Some(Unproved { sleep_s, loss, .. }) => {
            format!("{sleep_s} s of sleep may meet the target, which {} rollouts do not prove", count(loss.n as f64))
        }
        None => "no hook meets the target".to_owned(),
    }
}

fn headline(out: &mut String, found: &Recommendation) {
    let name = &found.scenario;
    if let Some(Unproved { sleep_s, rollouts, loss }) = found.unproved {
        let what = if sleep_s == 0 { "no preStop hook".to_owned() } else { format!("preStop sleep {sleep_s} s") };
        let rollouts = count(rollouts as f64);
        let lost = if loss.losing == 0 { "lost nothing" } else { "seems to meet the target" };
        let proof = format!("which {} rollouts do not prove: about {rollouts} would", count(loss.n as f64));
        line(out, &format!("{name}: {what} {lost}, {proof}.\n"));
        return;
    }
    let Some(answer) = &found.answer else {
        let longest = found.curve.last().map_or(0, |point| point.sleep_s);
        line(out, &format!("{name}: no preStop sleep up to {longest} s meets the target.\n"));
        return;
    };
    let grace = match answer.grace_s {
        grace if grace == answer.grace_given_s => format!("grace period {grace} s as it is"),
        grace => format!("grace period {grace} s (it is {} s)", answer.grace_given_s),
    };
    let hook = match (answer.sleep_s, answer.action) {
        (0, _) => "no preStop hook is needed".to_owned(),
        (sleep, "exec") => format!("preStop sleep {sleep} s (a command: the kubelet sleeps by itself from 1.30 on)"),
        (sleep, _) => format!("preStop sleep {sleep} s"),
    };
    line(out, &format!("{name}: {hook}, {grace}.\n"));
    if answer.strategy_changed {
        let Answer { max_surge, max_unavailable, min_ready_s, .. } = answer;
        line(
            out,
            &format!(
                "And surge {max_surge}, unavailable {max_unavailable}, min_ready {min_ready_s} s: better than the file's in one price and worse in none.\n"
            ),
        );
    }
}

fn asked(out: &mut String, found: &Recommendation) {
    let allowed = found.target * found.requests;
    row(
        out,
        "asked for",
        &format!(
            "at most {:e} of the {} requests of a rollout lost ({}), with {} confidence",
            found.target,
            count(found.requests.round()),
            digits(allowed),
            percent(found.confidence),
        ),
    );
    row(out, "as it is", &loss(&found.as_given));
}

fn with_it(out: &mut String, answer: &Answer) {
    let verified = &answer.verified;
    row(out, "with it", &format!("{}; simulated afresh with seed {}", loss(verified), answer.verified_seed));
    let against = if answer.strategy_changed { "no hook and the file's strategy" } else { "no hook" };
    let cost = &answer.cost;
    let costs = [("rollout", cost.rollout_duration_s), ("last old pod's end", cost.all_terminated_s)];
    let costs: Vec<String> =
        costs.iter().filter_map(|(what, cost)| Some(format!("{what} {}", added(&(*cost)?)))).collect();
    let costs = if costs.is_empty() { "not known: rollouts do not complete".to_owned() } else { costs.join(", ") };
    row(out, "cost", &format!("{costs}, against {against}"));
    row(
        out,
        "drain",
        &format!(
            "{} s from the stop signal to the end of the process (the longest seen, and a second)",
            answer.drain_s
        ),
    );
}

fn row(out: &mut String, head: &str, text: &str) {
    line(out, &format!("  {head:<11} {text}"));
}

fn added(cost: &CostEstimate) -> String {
    let interval = cost.added_ci95.map_or(String::new(), |[low, high]| format!(" [{low:+.2}, {high:+.2}]"));
    format!("{:+.2}{interval} s to {:.1} s (n = {})", cost.added, cost.without_hook + cost.added, cost.n)
        .replace('-', "−")
}

/// "4.97 lost, 4.8 to 5.1 (1.6e-4 to 1.7e-4 of all), n = 200".
fn loss(loss: &LossEstimate) -> String {
    let [low, high] = loss.failed_bounds;
    let [share_low, share_high] = loss.share_bounds;
    if loss.losing == 0 {
        return format!(
            "none lost in {} rollouts: below {} ({} of all)",
            count(loss.n as f64),
            digits(high),
            share(share_high)
        );
    }
    format!(
        "{} lost a rollout, {} to {} ({} to {} of all), n = {}",
        digits(loss.failed),
        digits(low),
        digits(high),
        share(share_low),
        share(share_high),
        count(loss.n as f64),
    )
}

/// A share in powers of ten.
fn share(value: f64) -> String {
    if value > 0.0 { format!("{value:.1e}") } else { "0".to_owned() }
}

/// Three significant digits.
fn digits(value: f64) -> String {
    match value {
        value if value >= 100.0 => count(value.round()),
        value if value >= 10.0 => format!("{value:.1}"),
        value if value >= 1.0 => format!("{value:.2}"),
        value if value >= 0.001 => format!("{value:.3}"),
        value if value > 0.0 => format!("{value:.1e}"),
        _ => "0".to_owned(),
    }
}

fn curve(out: &mut String, found: &Recommendation) {
    line(out, "\nLoss against sleep (bounds hold one by one):\n");
    line(out, "   sleep   lost a rollout            share of all           n   target");
    for point in &found.curve {
        let knee = if found.knee_s == Some(point.sleep_s) { "   the knee" } else { "" };
        line(out, &format!("{}{knee}", curve_row(point)));
    }
}

fn curve_row(point: &CurvePoint) -> String {
    let [low, high] = point.loss.failed_bounds;
    let [share_low, share_high] = point.loss.share_bounds;
    let estimate = format!("{} [{}, {}]", digits(point.loss.failed), digits(low), digits(high));
    let share = format!("[{}, {}]", share(share_low), share(share_high));
    let verdict = match point.verdict {
        "meets" => "met",
        "likely" => "likely met",
        "fails" => "missed",
        _ => "not told",
    };
    format!("  {:>4} s   {estimate:<25} {share:<18} {:>6}   {verdict}", point.sleep_s, point.loss.n)
}

fn left(out: &mut String, remains: &Remains, target: f64) {
    line(out, &format!("\nWhat no hook saves: with {} s of sleep, {}.", remains.sleep_s, loss(&remains.loss)));
    let parts: Vec<String> =
        remains.met.iter().take(4).map(|part| format!("{} {}", percent(part.share), part.what)).collect();
    if !parts.is_empty() {
        line(out, &format!("The requests met: {}.", parts.join(", ")));
    }
    if remains.remedies.is_empty() {
        line(out, "None of the other changes that rollsim knows helps.");
        return;
    }
    line(out, &format!("What helps, simulated with that hook (target {target:e}):\n"));
    for tried in &remains.remedies {
        let met = if tried.verdict == "meets" { "meets the target" } else { "helps" };
        line(out, &format!("  {met}: {}", tried.words));
        line(out, &format!("     {}", loss(&tried.loss)));
        line(out, &format!("     --set {}", tried.set.replace(' ', " --set ")));
    }
}

fn strategies(out: &mut String, all: &[StrategyPrice]) {
    if all.is_empty() {
        return;
    }
    let n = all.iter().map(|one| one.n).max().unwrap_or(0);
    line(
        out,
        &format!(
            "\nStrategies with this hook that no other beats, the file's and the chosen one (means with 95 % intervals, n = {n} rollouts with the same luck):\n"
        ),
    );
    line(out, "  surge  unavailable  min_ready   lost a rollout         rollout, s            extra pod-seconds");
    for one in all.iter().filter(|one| one.on_front || one.given || one.chosen) {
        line(out, strategy_row(one).trim_end());
    }
}

fn strategy_row(one: &StrategyPrice) -> String {
    let note = match (one.given, one.chosen, one.on_front) {
        (true, true, true) => "   the file's, kept",
        (true, true, false) => "   the file's, kept: what beats it leaves fewer pods ready",
        (true, ..) => "   the file's, beaten",
        (_, true, true) => "   chosen",
        (_, true, false) => "   chosen: what beats it leaves fewer pods ready",
        _ => "",
    };
    format!(
        "  {:>5}  {:>11}  {:>7} s   {:<20}   {:<19}   {:<19}{note}",
        one.max_surge,
        one.max_unavailable,
        one.min_ready_s,
        with_interval(one.failed, one.failed_ci95),
        with_interval(one.rollout_duration_s, one.rollout_duration_ci95),
        with_interval(one.extra_pod_s, one.extra_pod_ci95),
    )
}

fn with_interval(mean: f64, ci95: Option<[f64; 2]>) -> String {
    let interval = ci95.map(|[low, high]| format!(" [{}, {}]", signed(low), signed(high)));
    digits(mean) + &interval.unwrap_or_default()
}

/// An interval may reach below zero.
fn signed(value: f64) -> String {
    if value < 0.0 { format!("−{}", digits(-value)) } else { digits(value) }
}

fn list(out: &mut String, head: &str, texts: &[String]) {
    if texts.is_empty() {
        return;
    }
    line(out, &format!("\n{head}:"));
    texts.iter().for_each(|text| line(out, &format!("  - {text}")));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_keep_their_digits() {
        assert_eq!(
            [12_345.6, 12.34, 1.234, 0.012_34, 0.000_123, 0.0].map(digits),
            ["12,346", "12.3", "1.23", "0.012", "1.2e-4", "0"]
        );
    }

    #[test]
    fn no_loss_is_a_bound_and_not_a_zero() {
        let none = LossEstimate {
            n: 500,
            losing: 0,
            failed: 0.0,
            failed_bounds: [0.0, 0.1],
            share: 0.0,
            share_bounds: [0.0, 3.3e-6],
        };
        assert_eq!(loss(&none), "none lost in 500 rollouts: below 0.100 (3.3e-6 of all)");
    }
}
