//! Which measured segment gives which delay, and the fits: the table in the module's documentation, as code.

use super::chain::{self, Grid, Part};
use super::contention::{self, Work};
use super::fit::{self, Fit};
use super::interval::{self, Between};
use super::ks::Ks;
use super::law::{self, Law, Shifted, lognormal};
use super::load::Load;
use super::measurements::{Measurements, Pod, Sample};
use super::{Calibration, Check, Estimate, groups, server_end};
use crate::dist::{Dist, LogNormal};
use crate::model::spec::{ClusterSize, DelayId, NodeDelays};
use crate::units::Version;

/// The status manager of a kubelet up to 1.26 looks so often for what can be removed.
const STATUS_ROUND_S: f64 = 10.0;

/// PLEG looks at the containers so often, and so often the measured pods were probed.
const PERIOD_S: f64 = 1.0;

/// Where the search for `eps_del_seen` starts, its default being zero: a median of 10 ms, as a log-normal of spread 1.
const DELETION_SEEN: Part = Part { mu: -4.6, sigma: 1.0, times: 1 };

/// A segment that is one delay.
pub(super) struct Direct {
    pub(super) id: DelayId,
    pub(super) segment: &'static str,
    pub(super) values: Vec<f64>,
}

/// Fits every delay the measurements hold.
pub(super) fn calibrate(measured: &Measurements) -> Calibration {
    let late = server_end::late(measured);
    let (contention, works) = contention::taken_out(measured, late);
    let load = Load::of(&works);
    let mut estimates: Vec<Estimate> = directs(measured).iter().filter_map(direct).collect();
    estimates
        .extend(runtime(&works, load).iter().filter_map(direct).map(|estimate| server_end::corrected(estimate, late)));
    estimates.extend(contention);
    estimates.extend(load.map(Load::estimate));
    estimates.extend(server_end::estimates(measured, late));
    estimates.extend(object_gone(measured));
    estimates.extend(pleg(measured));
    let mut checks = Vec::new();
    control_plane(measured, &mut estimates, &mut checks);
    estimates.sort_by_key(|estimate| estimate.id);
    Calibration { estimates, checks, dependence: groups::all(measured) }
}

/// What the container runtime takes, alone on its node and without the load of the run.
fn runtime(works: &[Work], load: Option<Load>) -> Vec<Direct> {
    let of = |(id, segment)| {
        let alone: Vec<f64> = works.iter().filter(|work| work.id == id).map(|work| work.alone).collect();
        Direct { id, segment, values: load.map_or_else(|| alone.clone(), |load| load.taken_out(&alone)) }
    };
    let segments = [
        (DelayId::Sandbox, "sandbox_begin_s to sandbox_ready_s"),
        (DelayId::CreateStart, "sandbox_ready_s to container_started_s"),
        (DelayId::ExitTeardown, "exit_s to net_down_s"),
    ];
    segments.map(of).into()
}

fn directs(measured: &Measurements) -> Vec<Direct> {
    let of = |id, segment| Direct { id, segment, values: values(measured.micro(segment)) };
    let syncs = values(&measured.syncs);
    vec![
        Direct { id: DelayId::DelSeen, segment: "kubelet_delete_s to stopcontainer_s", values: del_seen(measured) },
        Direct { id: DelayId::HookExecStart, segment: "prestop_duration less its sleep", values: hooks(measured) },
        of(DelayId::StopRpc, "stopcontainer_call_to_signal"),
        Direct { id: DelayId::KpSync, segment: "sync_took_s, no preloaded services", values: syncs },
        Direct { id: DelayId::KpTail, segment: "rule in or out to sync_end_s", values: measured.tails.clone() },
    ]
}

fn values(samples: &[Sample]) -> Vec<f64> {
    samples.iter().map(|sample| sample.value).collect()
}

/// Kubelet's and containerd's own stamps; pods with a hook run it in between.
fn del_seen(measured: &Measurements) -> Vec<f64> {
    let plain = measured.pods.iter().filter(|pod| pod.at("prestop_begin_s").is_none());
    plain.filter_map(|pod| pod.between("kubelet_delete_s", "stopcontainer_s")).collect()
}

fn hooks(measured: &Measurements) -> Vec<f64> {
    let rest = |hook: &Sample| Some(hook.value - measured.hook_sleep(&hook.run)?);
    measured.micro("prestop_duration").iter().filter_map(rest).collect()
}

/// Values at or below zero are stamps in the wrong order: left out, and counted.
pub(super) fn direct(direct: &Direct) -> Option<Estimate> {
    let positive: Vec<f64> = direct.values.iter().copied().filter(|value| *value > 0.0).collect();
    let fit = fit::fit(&positive)?;
    let mut estimate = Estimate::new(direct.id, direct.segment, fit.name(), fit.dist.clone());
    estimate.n = positive.len();
    estimate.left_out = direct.values.len() - positive.len();
    estimate.ks = Some(fit.ks);
    estimate.aic = Some(fit.candidates[0].aic);
    estimate.measured = fit::points(&positive);
    estimate.fitted = Some(fit.fitted);
    estimate.note = poor(&fit);
    Some(estimate)
}

fn poor(fit: &Fit) -> String {
    if !fit.empirical {
        return String::new();
    }
    format!("no family fits, nearest {}", fit.candidates[0].law.name())
}

/// What the kubelet needs after the last exit until it has let go of the pod: the status manager's next round, at most one
/// period later, found it, so a removal says between which ends that was. A recording that ended before the object was
/// gone says only that it was later than one period before the end.
fn object_gone(measured: &Measurements) -> Option<Estimate> {
    let gone = |pod: &Pod| pod.between("exit_s", "removed_s");
    let seen: Vec<f64> = measured.pods.iter().filter_map(gone).filter(|value| *value > 0.0).collect();
    let later: Vec<f64> =
        measured.pods.iter().filter(|pod| gone(pod).is_none()).filter_map(|pod| cut(measured, pod)).collect();
    let found = seen.iter().map(|x| Between { low: x - STATUS_ROUND_S, high: *x, count: 1.0 });
    let cut = later.iter().map(|x| Between { low: x - STATUS_ROUND_S, high: f64::INFINITY, count: 1.0 });
    let (mu, sigma) =
        interval::log_normal(&found.chain(cut).collect::<Vec<_>>()).filter(|_| seen.len() >= fit::FEWEST)?;
    let mut estimate =
        Estimate::new(DelayId::ObjGone, "exit_s to removed_s", "lognormal".to_owned(), lognormal(mu, sigma));
    let law = Shifted::plain(Law::LogNormal(mu, sigma));
    (estimate.n, estimate.censored) = (seen.len() + later.len(), seen.len() + later.len());
    estimate.fitted = Some((law.quantile(0.5), law.quantile(0.95)));
    estimate.note = format!("up to a round of 10 s before the removal; {} recordings ended before", later.len());
    Some(estimate)
}

/// Container started to first successful probe: PLEG's look, which begins up to a period after the start and then takes
/// its time, and the probe's grid, which was fixed before; a second each, at random. What is left is the look.
fn pleg(measured: &Measurements) -> Option<Estimate> {
    let segment = "container_started_to_first_probe_ok";
    let values = values(measured.micro(segment));
    let mean = (values.len() >= fit::FEWEST).then(|| fit::mean(&values))?;
    // The time a look takes counts once and a half: the grid's period is longer by it.
    let left = (mean - 0.5 * PERIOD_S - 0.5 * PERIOD_S) / 1.5;
    let lateness = Dist::Constant(law::duration(left.max(0.0)));
    let period = law::duration(PERIOD_S);
    let mut estimate = Estimate::new(DelayId::Pleg, segment, "grid".to_owned(), Dist::Grid(period, Box::new(lateness)));
    estimate.n = values.len();
    estimate.note = format!("mean {:.1} ms; two half seconds leave {:.1} ms", mean * 1e3, (mean - PERIOD_S) * 1e3);
    Some(estimate)
}

fn cut(measured: &Measurements, pod: &Pod) -> Option<f64> {
    Some(measured.recorded_until(&pod.run)? - pod.at("exit_s")?).filter(|after| *after > 0.0)
}

/// The delays of new_pod_ready_to_old_pod_deletion: Ready is stored, ReplicaSet controller (sync, status), Deployment
/// controller (sync, scale), ReplicaSet controller (sync, delete).
const READY_TO_DELETION: [(DelayId, u32); 5] = [
    (DelayId::ApiWrite, 3),
    (DelayId::WatchHop, 3),
    (DelayId::QueueWait, 3),
    (DelayId::DepSync, 1),
    (DelayId::RsSync, 2),
];

/// The same small steps in other chains, by which the factors are checked or continued.
const ONE_STEP: [(DelayId, u32); 3] = [(DelayId::WatchHop, 1), (DelayId::QueueWait, 1), (DelayId::ApiWrite, 1)];
const BIND: [(DelayId, u32); 2] = [(DelayId::WatchHop, 1), (DelayId::ApiWrite, 1)];
const PATCH_TO_POD: [(DelayId, u32); 5] = [
    (DelayId::ApiWrite, 2),
    (DelayId::WatchHop, 2),
    (DelayId::QueueWait, 2),
    (DelayId::DepSync, 1),
    (DelayId::RsSync, 1),
];

/// The factors found on the longest chain; the others contain one delay more each.
fn control_plane(measured: &Measurements, estimates: &mut Vec<Estimate>, checks: &mut Vec<Check>) {
    let whole = "new_pod_ready_to_old_pod_deletion";
    let Some((factor, spread)) = common(whole, measured, estimates, checks) else { return };
    let scaled =
        |chain: &[(DelayId, u32)]| -> Vec<Part> { chain.iter().map(|one| part(*one).scaled(factor, spread)).collect() };
    let mut step = scaled(&ONE_STEP);
    let mut one =
        |id, segment, start, known: &[Part]| one_more((id, start), segment, known, measured, estimates, checks);
    step.extend(one(DelayId::EpsSync, "ready_to_endpointslice_in", part((DelayId::EpsSync, 1)), &step));
    one(DelayId::EpsDelSeen, "deletion_to_endpointslice_out", DELETION_SEEN, &step);
    one(DelayId::Sched, "created_to_scheduled", part((DelayId::Sched, 1)), &scaled(&BIND));
    let patch = values(measured.micro("patch_to_first_new_pod_created"));
    checks.extend(check(
        "patch_to_first_new_pod_created",
        "not fitted",
        &patch,
        &Grid::zero(&patch).plus(&scaled(&PATCH_TO_POD)),
    ));
}

fn common(
    segment: &'static str,
    measured: &Measurements,
    estimates: &mut Vec<Estimate>,
    checks: &mut Vec<Check>,
) -> Option<(f64, f64)> {
    let values = values(measured.micro(segment));
    let parts: Vec<Part> = READY_TO_DELETION.iter().map(|one| part(*one)).collect();
    let zero = Grid::zero(&values);
    let (factor, spread) = (values.len() >= fit::FEWEST).then(|| chain::factors(&zero, &parts, &values))?;
    let scaled: Vec<Part> = parts.iter().map(|part| part.scaled(factor, spread)).collect();
    checks.extend(check(segment, "fitted as a sum", &values, &zero.plus(&scaled)));
    let note = format!("part of a sum: default median × {factor:.3}, spread × {spread:.3}");
    let found =
        READY_TO_DELETION.iter().zip(&scaled).map(|((id, _), part)| of_part(*id, segment, part, &values, &note));
    estimates.extend(found);
    Some((factor, spread))
}

/// Fits median and spread of the one delay of a chain whose other parts are known, beginning at `start`.
fn one_more(
    (id, start): (DelayId, Part),
    segment: &'static str,
    known: &[Part],
    measured: &Measurements,
    estimates: &mut Vec<Estimate>,
    checks: &mut Vec<Check>,
) -> Option<Part> {
    let values = values(measured.micro(segment));
    if values.len() < fit::FEWEST {
        return None;
    }
    let known = Grid::zero(&values).plus(known);
    let (factor, spread) = chain::factors(&known, &[start], &values);
    let found = start.scaled(factor, spread);
    let note = "what the other parts of a sum leave";
    estimates.push(of_part(id, segment, &found, &values, note));
    checks.extend(check(segment, "fitted as a sum", &values, &known.plus(&[found])));
    Some(found)
}

fn of_part(id: DelayId, segment: &'static str, part: &Part, values: &[f64], note: &str) -> Estimate {
    let mut estimate = Estimate::new(id, segment, "lognormal".to_owned(), lognormal(part.mu, part.sigma));
    let law = Shifted::plain(Law::LogNormal(part.mu, part.sigma));
    estimate.n = values.len();
    estimate.censored = values.iter().filter(|value| **value <= chain::STAMP_S).count();
    estimate.fitted = Some((law.quantile(0.5), law.quantile(0.95)));
    estimate.note = note.to_owned();
    estimate
}

fn check(segment: &'static str, how: &'static str, values: &[f64], fitted: &Grid) -> Option<Check> {
    let measured = fit::points(values)?;
    let ks: Ks = fitted.distance(values);
    let fitted = (fitted.quantile(0.5), fitted.quantile(0.95));
    Some(Check { segment, how, n: values.len(), measured, fitted, ks })
}

/// A default of the delay table as a part of a sum.
fn part((id, times): (DelayId, u32)) -> Part {
    let defaults = NodeDelays::defaults(ClusterSize::Small, Version::minor(20));
    part_of(defaults.get(id), times).unwrap_or(Part { mu: -30.0, sigma: 1.0, times })
}

fn part_of(dist: &Dist, times: u32) -> Option<Part> {
    let Dist::LogNormal(LogNormal { median, p99, .. }) = dist else { return None };
    let (median, p99) = (libm::log(median.as_secs_f64()), libm::log(p99.as_secs_f64()));
    Some(Part { mu: median, sigma: (p99 - median) / crate::dist::normal_quantile(0.99), times })
}
