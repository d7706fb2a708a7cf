//! The recommendation as pictures: what the charts of `report` are filled with.

use super::result::{Recommendation, StrategyPrice};
use super::text;
use crate::report::picture::{Chart, LossCurve, LossPoint, TradeOff, TradeOffOption};

/// Loss against sleep.
pub fn curve_chart(found: &Recommendation) -> Chart {
    let index_of = |sleep_s: Option<u64>| found.curve.iter().position(|point| Some(point.sleep_s) == sleep_s);
    let point = |point: &super::CurvePoint| LossPoint {
        sleep_s: point.sleep_s,
        mean: point.loss.failed,
        bounds: (point.loss.failed_bounds[0], point.loss.failed_bounds[1]),
    };
    let n = || found.curve.iter().map(|point| point.loss.n);
    let answer = found.answer.as_ref().map(|answer| answer.sleep_s);
    let met = |sleep_s| format!("{sleep_s} s of sleep meets the target");
    let head = answer.map_or_else(|| text::no_answer(found), met);
    Chart::Loss(LossCurve {
        title: format!("{}: {head}, at most {:e} of the requests lost", found.scenario, found.target),
        rollouts: (n().min().unwrap_or(0), n().max().unwrap_or(0)),
        limit: found.target * found.requests,
        points: found.curve.iter().map(point).collect(),
        knee: index_of(found.knee_s),
        answer: index_of(answer),
    })
}

/// Strategies by their prices.
pub fn front_chart(found: &Recommendation) -> Chart {
    let option = |one: &StrategyPrice| TradeOffOption {
        name: format!("{}/{}/{} s", one.max_surge, one.max_unavailable, one.min_ready_s),
        duration_s: one.rollout_duration_s,
        extra_pod_s: one.extra_pod_s,
        failed: one.failed,
        on_front: one.on_front,
        chosen: one.chosen,
    };
    let n = found.strategies.iter().map(|one| one.n).max().unwrap_or(0);
    let complete = found.strategies.iter().filter(|one| one.n > 0);
    Chart::TradeOff(TradeOff {
        title: format!(
            "{}: rollout time against extra pod-seconds, with the recommended hook (means, n = {n})",
            found.scenario
        ),
        options: complete.map(option).collect(),
        limit: found.target * found.requests,
    })
}
