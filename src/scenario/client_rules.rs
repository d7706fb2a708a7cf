//! What a client's table says about its pool, its retries and its work.

use crate::dist::Factor;
use crate::model::spec::{BackOff, Failures, HedgeAfter, HedgingSpec, Jitter, PoolSpec, ReconnectSpec, RetriesSpec};
use crate::scenario::dist::factor;
use crate::scenario::log::Fault;
use crate::scenario::names;
use crate::scenario::reader::Fields;
use crate::scenario::tree::{Node, Value};
use crate::scenario::values::{duration, exactly, items, number, out_of_range, period, text, truth, whole, wrong_type};
use crate::units::SimDuration;

pub(super) fn pool(fields: &mut Fields<'_>, row: PoolSpec) -> PoolSpec {
    PoolSpec {
        idle_timeout: fields.or("idle_timeout", or_none(period), row.idle_timeout),
        max_age: fields.or("max_age", or_none(period), row.max_age),
        max_age_grace: fields.or("max_age_grace", or_none(duration), row.max_age_grace),
        max_requests: fields.or("max_requests", or_none(between), row.max_requests),
        max_idle: fields.or("max_idle", or_none(whole(0..=100_000)), row.max_idle),
    }
}

/// The word for no limit, or the limit.
fn or_none<T>(parse: impl Fn(&Node) -> Result<T, Fault>) -> impl Fn(&Node) -> Result<Option<T>, Fault> {
    move |node| match &node.value {
        Value::Text(text) if text == "none" => Ok(None),
        _ => parse(node).map(Some).map_err(|fault| fault.help_unless("or \"none\"")),
    }
}

/// A number, or the two between which it is drawn.
fn between(node: &Node) -> Result<(u32, u32), Fault> {
    let count = whole(1..=1_000_000_000);
    if !matches!(node.value, Value::Array(_)) {
        return count(node).map(|number| (number, number));
    }
    let [low, high] = exactly(node, "a number or [low, high]")?;
    let read = |item: &Node| count(item).map_err(|fault: Fault| fault.at(item.at));
    match (read(low)?, read(high)?) {
        (low, high) if low <= high => Ok((low, high)),
        _ => Err(out_of_range("[low, high] with the smaller number first", node)),
    }
}

/// Whether a request may be sent twice: always, never, or a share of them.
pub(super) fn idempotent(node: &Node) -> Result<f64, Fault> {
    match node.value {
        Value::Whole(..) | Value::Float(..) => number(0.0..=1.0)(node),
        _ => truth(node).map(f64::from).map_err(|fault| fault.help_unless("or a share: 0.8")),
    }
}

/// What the service time is multiplied by.
pub(super) fn work(node: &Node) -> Result<Factor, Fault> {
    factor(node).map(Factor::of_seconds)
}

/// Kinds of failures by their names.
pub(super) fn failures(node: &Node) -> Result<Failures, Fault> {
    let named = |item: &Node| {
        let unknown = || {
            let all: Vec<_> = Failures::all_names().collect();
            let message = format!("must list some of {}, found {}", all.join(", "), item.describe());
            Fault::new("unknown-name", message)
        };
        Failures::by_name(&text(item)?).ok_or_else(unknown)
    };
    items(node, "an array of kinds of failures")?
        .iter()
        .try_fold(Failures::NONE, |set, item| Ok(set.and(named(item).map_err(|fault| fault.at(item.at))?)))
}

/// What connections break with, and what says "not now".
fn usual() -> Failures {
    let usual = ["connect_refused", "connect_timeout", "host_unreachable", "reset", "eof", "http_502", "http_503"];
    usual.into_iter().filter_map(Failures::by_name).fold(Failures::NONE, Failures::and)
}

/// Three attempts with the usual back-off.
pub(super) fn retries_row() -> RetriesSpec {
    let back_off = back_off_row(SimDuration::from_millis(100));
    RetriesSpec { attempts: 3, on: usual(), non_idempotent: false, back_off, budget: None }
}

/// Within a second, at the work of any other request.
pub(super) fn reconnect_row() -> ReconnectSpec {
    let base = SimDuration::from_secs(1);
    ReconnectSpec { back_off: BackOff { max: base, ..back_off_row(base) }, work: 1.0 }
}

fn back_off_row(base: SimDuration) -> BackOff {
    BackOff { base, factor: 2.0, max: SimDuration::from_secs(10), jitter: Jitter::Full }
}

pub(super) fn retries(fields: &mut Fields<'_>) -> RetriesSpec {
    let row = retries_row();
    RetriesSpec {
        attempts: fields.or("attempts", whole(2..=100), row.attempts),
        on: fields.or("on", failures, row.on),
        non_idempotent: fields.or("non_idempotent", truth, row.non_idempotent),
        back_off: BackOff {
            factor: fields.or("back_off_factor", number(1.0..=100.0), row.back_off.factor),
            max: fields.or("back_off_max", duration, row.back_off.max),
            ..first_back_off(fields, row.back_off)
        },
        budget: fields.or("budget", share_or_none, row.budget),
    }
}

fn first_back_off(fields: &mut Fields<'_>, row: BackOff) -> BackOff {
    let base = fields.or("back_off", duration, row.base);
    BackOff { base, jitter: fields.or("jitter", |node| names::JITTER.parse(node), row.jitter), ..row }
}

/// What is left of it is not read: it waits once. The longest wait is the first.
pub(super) fn reconnect(fields: &mut Fields<'_>) -> ReconnectSpec {
    let row = reconnect_row();
    let back_off = first_back_off(fields, row.back_off);
    let back_off = BackOff { max: back_off.base, ..back_off };
    ReconnectSpec { back_off, work: fields.or("work", number(0.0..=1e6), row.work) }
}

/// Of the request that is slower than 95 % of all, as "The tail at scale" proposes: a twentieth more attempts.
const USUAL_QUANTILE: f64 = 0.95;

pub(super) fn hedging(fields: &mut Fields<'_>) -> HedgingSpec {
    let quantile = HedgeAfter::Quantile(fields.or("quantile", number(0.01..=0.999), USUAL_QUANTILE));
    if fields.has("quantile") && fields.has("delay") {
        let fault = Fault::new("conflict", "is one way to say when a second attempt is sent, `quantile` another");
        fields.refuse("delay", fault.help("remove one of them"));
    }
    let after = fields.get("delay", duration).map_or(quantile, HedgeAfter::Delay);
    HedgingSpec { after, budget: fields.or("budget", share_or_none, None) }
}

fn share_or_none(node: &Node) -> Result<Option<f64>, Fault> {
    match &node.value {
        Value::Text(text) if text == "none" => Ok(None),
        Value::Text(_) => Err(wrong_type("a number of retries for each request, or \"none\"", node)),
        _ => number(0.0..=100.0)(node).map(Some),
    }
}
