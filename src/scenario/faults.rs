//! `[[faults]]`: what happens besides the rollout, each at a time of its own; and `[rollout]`, which may be one of them.

use crate::dist::Dist;
use crate::ids::NodeId;
use crate::model::spec::{BudgetSpec, FaultKind, FaultSpec, RolloutKind, Strategy};
use crate::scenario::dist::dist;
use crate::scenario::log::Fault;
use crate::scenario::reader::Fields;
use crate::scenario::settled::Out;
use crate::scenario::tree::Node;
use crate::scenario::values::{Names, duration, period, pods_or_share, truth, whole};
use crate::units::{IntOrPercent, SimDuration};

/// The kinds, before their own keys are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    NodeDrain,
    PodDelete,
    Hang,
    SpotNotice,
    LeaderFailover,
    ApiSlowness,
    Scale,
    Pause,
    Resume,
    Rollback,
}

/// The kinds of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Rollout {
    Template(Strategy),
    Fault(Kind),
    None,
}

const KIND: Names<Kind> = Names {
    built: &[
        ("node_drain", Kind::NodeDrain),
        ("pod_delete", Kind::PodDelete),
        ("hang", Kind::Hang),
        ("spot_notice", Kind::SpotNotice),
        ("leader_failover", Kind::LeaderFailover),
        ("api_slowness", Kind::ApiSlowness),
        ("scale", Kind::Scale),
        ("pause", Kind::Pause),
        ("resume", Kind::Resume),
        ("rollback", Kind::Rollback),
    ],
    later: &[],
};

const ROLLOUT: Names<Rollout> = Names {
    built: &[
        ("rolling_update", Rollout::Template(Strategy::RollingUpdate)),
        ("recreate", Rollout::Template(Strategy::Recreate)),
        ("node_drain", Rollout::Fault(Kind::NodeDrain)),
        ("scale_down", Rollout::Fault(Kind::Scale)),
        ("pod_delete", Rollout::Fault(Kind::PodDelete)),
        ("spot_notice", Rollout::Fault(Kind::SpotNotice)),
        ("none", Rollout::None),
    ],
    later: &[],
};

/// Leases of 15 s, looked at every 2 s (mechanics 2.3).
const FAILOVER: SimDuration = SimDuration::from_secs(17);
/// What the clouds give: AWS 120 s (mechanics 1.14).
const NOTICE: SimDuration = SimDuration::from_secs(120);
/// A handler that polls every 5 s.
const REACTION: SimDuration = SimDuration::from_secs(3);

/// `[rollout]`: when, and what.
pub(super) fn rollout(fields: &mut Fields<'_>, nodes: u32) -> (Dist, RolloutKind) {
    let at = fields.or("at", dist, Dist::Constant(SimDuration::from_secs(20)));
    let default = Rollout::Template(Strategy::RollingUpdate);
    let kind = match fields.or("kind", |node| ROLLOUT.parse(node), default) {
        Rollout::Template(strategy) => RolloutKind::Template(strategy),
        Rollout::Fault(kind) => of_kind(fields, kind, nodes).map_or(RolloutKind::None, RolloutKind::Fault),
        Rollout::None => RolloutKind::None,
    };
    (at, kind)
}

/// All of `[[faults]]`; those that do not say what happens are told so.
pub(super) fn faults(fields: &mut Fields<'_>, nodes: u32) -> Vec<FaultSpec> {
    let read = |fields: &mut Fields<'_>| {
        let at = fields.or("at", dist, Dist::Constant(SimDuration::from_secs(30)));
        let kind = required(fields, "kind", "write kind = \"node_drain\"", |node| KIND.parse(node))?;
        Some(FaultSpec { at, kind: of_kind(fields, kind, nodes)? })
    };
    fields.each("faults", read).unwrap_or_default().into_iter().flatten().collect()
}

fn of_kind(fields: &mut Fields<'_>, kind: Kind, nodes: u32) -> Option<FaultKind> {
    let node = |fields: &mut Fields<'_>| NodeId(fields.or("node", whole(0..=i128::from(nodes) - 1), 0));
    Some(match kind {
        Kind::NodeDrain => FaultKind::NodeDrain { node: node(fields), evicts: fields.or("evicts", truth, true) },
        Kind::PodDelete => FaultKind::PodDelete { pods: fields.or("pods", whole(1..=10_000), 1) },
        Kind::Hang => FaultKind::Hang {
            pods: fields.or("pods", whole(1..=10_000), 1),
            ignores_stop: fields.or("ignores_stop", truth, true),
        },
        Kind::SpotNotice => FaultKind::SpotNotice {
            node: node(fields),
            notice: fields.or("notice", duration, NOTICE),
            reaction: fields.or("reaction", duration, REACTION),
        },
        Kind::LeaderFailover => FaultKind::LeaderFailover { duration: fields.or("duration", period, FAILOVER) },
        Kind::ApiSlowness => FaultKind::ApiSlowness {
            duration: fields.or("duration", period, SimDuration::from_secs(10)),
            factor: fields.or("factor", whole(1..=1_000), 10),
        },
        Kind::Scale => {
            FaultKind::Scale { replicas: required(fields, "replicas", "write replicas = 5", whole(0..=10_000))? }
        }
        Kind::Pause => FaultKind::Pause,
        Kind::Resume => FaultKind::Resume,
        Kind::Rollback => FaultKind::Rollback,
    })
}

/// A key without a default.
fn required<T>(
    fields: &mut Fields<'_>,
    name: &str,
    help: &str,
    parse: impl Fn(&Node) -> Result<T, Fault>,
) -> Option<T> {
    if !fields.has(name) {
        fields.complain(Fault::new("missing-key", format!("needs the key `{name}`")).help(help));
    }
    fields.get(name, parse)
}

/// `[pod_disruption_budget]`: one of two keys.
pub(super) fn budget(fields: &mut Fields<'_>) -> Option<BudgetSpec> {
    let min_available = fields.get("min_available", pods_or_share(100)).map(BudgetSpec::MinAvailable);
    let max_unavailable = fields.get("max_unavailable", pods_or_share(100)).map(BudgetSpec::MaxUnavailable);
    if fields.has("min_available") == fields.has("max_unavailable") {
        fields.complain(Fault::new("one-budget", "needs one of min_available and max_unavailable, not both"));
    }
    min_available.or(max_unavailable)
}

/// Writes the budget, if there is one.
pub(super) fn settled_budget(out: &mut Out, budget: Option<BudgetSpec>) {
    let Some(budget) = budget else { return };
    out.table("pod_disruption_budget");
    let (key, amount) = match budget {
        BudgetSpec::MinAvailable(amount) => ("min_available", amount),
        BudgetSpec::MaxUnavailable(amount) => ("max_unavailable", amount),
    };
    match amount {
        IntOrPercent::Int(pods) => out.raw(key, pods),
        IntOrPercent::Percent(_) => out.quoted(key, amount),
    }
}

/// Writes what the rollout is.
pub(super) fn settled_rollout(out: &mut Out, kind: RolloutKind) {
    match kind {
        RolloutKind::Template(strategy) => out.quoted("kind", ROLLOUT.of(Rollout::Template(strategy))),
        RolloutKind::Fault(fault) => {
            out.quoted("kind", ROLLOUT.of(Rollout::Fault(kind_of(fault))));
            keys(out, fault);
        }
        RolloutKind::None => out.quoted("kind", ROLLOUT.of(Rollout::None)),
    }
}

/// Writes one fault as it would be read.
pub(super) fn settled(out: &mut Out, fault: &FaultSpec) {
    out.line("\n[[faults]]");
    out.raw("at", &fault.at);
    out.quoted("kind", KIND.of(kind_of(fault.kind)));
    keys(out, fault.kind);
}

fn kind_of(fault: FaultKind) -> Kind {
    match fault {
        FaultKind::NodeDrain { .. } => Kind::NodeDrain,
        FaultKind::PodDelete { .. } => Kind::PodDelete,
        FaultKind::Hang { .. } => Kind::Hang,
        FaultKind::SpotNotice { .. } => Kind::SpotNotice,
        FaultKind::LeaderFailover { .. } => Kind::LeaderFailover,
        FaultKind::ApiSlowness { .. } => Kind::ApiSlowness,
        FaultKind::Scale { .. } => Kind::Scale,
        FaultKind::Pause => Kind::Pause,
        FaultKind::Resume => Kind::Resume,
        FaultKind::Rollback => Kind::Rollback,
    }
}

fn keys(out: &mut Out, fault: FaultKind) {
    match fault {
        FaultKind::NodeDrain { node, evicts } => {
            out.raw("node", node.0);
            out.raw("evicts", evicts);
        }
        FaultKind::PodDelete { pods } => out.raw("pods", pods),
        FaultKind::Hang { pods, ignores_stop } => {
            out.raw("pods", pods);
            out.raw("ignores_stop", ignores_stop);
        }
        FaultKind::SpotNotice { node, notice, reaction } => {
            out.raw("node", node.0);
            out.quoted("notice", notice);
            out.quoted("reaction", reaction);
        }
        FaultKind::LeaderFailover { duration } => out.quoted("duration", duration),
        FaultKind::ApiSlowness { duration, factor } => {
            out.quoted("duration", duration);
            out.raw("factor", factor);
        }
        FaultKind::Scale { replicas } => out.raw("replicas", replicas),
        FaultKind::Pause | FaultKind::Resume | FaultKind::Rollback => {}
    }
}
