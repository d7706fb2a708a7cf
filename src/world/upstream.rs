//! The tries of a balancer: which target, over which connection, what the packet meets there (the same functions decide
//! that as on the direct path), and what follows when it fails.

use crate::engine::mix;
use crate::ids::{AddressId, Layer, NodeId, PodId, Target};
use crate::model::balancer::{Choice, Connection, FailedTry, Place, status_for, tries_again};
use crate::model::kube_proxy::{Route, Syn};
use crate::model::network::{SynFate, silent_syn_end, syn_fate};
use crate::model::spec::{BalancerSpec, Mechanism, RetrySpec, TargetKind, Traffic};
use crate::record::{FailureKind, Met};
use crate::units::SimTime;
use crate::world::path::draw;
use crate::world::proxied::Proxied;
use crate::world::slot::Failure;
use crate::world::trip::{Hop, Stage};

/// A balancer without limit of tries stops here, so that nothing is tried for ever at one instant.
const MOST_TRIES: u32 = 1_000;

/// Ports a replica takes in turn, as a client does by default.
const LOCAL_PORTS: u32 = 14_116;

impl Proxied<'_, '_, '_> {
    /// The request has come to a balancer.
    pub(super) fn reaches_balancer(&mut self, layer: Layer, place: Place) {
        let spec = self.view.balancers.get(layer).spec();
        let one_way = draw(&spec.upstream.rtt, || &mut self.trip.luck).half();
        let hop = Hop::new(layer, place, self.path.now, one_way);
        self.trip.replica = Some(hop.replica());
        self.trip.hops.push(hop);
        self.try_upstream();
    }

    /// The balancer of the last hop chooses a target and a connection to it.
    pub(super) fn try_upstream(&mut self) {
        let now = self.path.now;
        let choice = Choice { now, source: u64::from(self.slot.index), bits: self.trip.luck.bits() };
        let Some(hop) = self.trip.hops.last_mut() else { unreachable!("a balancer tries") };
        let balancer = self.view.balancers.get(hop.layer);
        let Some(target) = balancer.pick(hop.place, choice, &hop.tried) else {
            let (kind, met) = (FailureKind::Http503, Met::NoTargets);
            self.respond(Failure { kind, met, met_at: now, known: now, pod: None });
            return;
        };
        hop.key = balancer.pool(hop.place).take(target, now);
        hop.held_until = SimTime::MAX;
        hop.tried.push(target);
        (hop.target, hop.began, hop.sent_at) = (Some(target), now, now);
        (hop.reused, hop.sent) = (hop.key.is_some(), hop.key.is_some());
        self.trip.extra_tries += u32::from(hop.made > 0);
        hop.made += 1;
        hop.counted += u32::from(hop.key.is_none());
        let at = now + hop.one_way;
        self.arrange(if hop_is_open(self.trip.hops.last()) { Stage::UpstreamRequest } else { Stage::UpstreamSyn }, at);
    }

    /// The SYN of an upstream connection reaches its target, or the node whose rules choose the pod.
    pub(super) fn upstream_syn(&mut self) {
        let Some(hop) = self.trip.hops.last() else { unreachable!("a balancer connects") };
        match hop.target {
            Some(Target::Pod(pod)) => self.syn_meets(pod),
            Some(Target::Node(node)) => self.syn_meets_rules(node),
            _ => self.upstream_established(None),
        }
    }

    fn syn_meets_rules(&mut self, node: NodeId) {
        let Some(hop) = self.trip.hops.last() else { unreachable!("a balancer connects") };
        let syn = syn(self.view.balancers.get(hop.layer).spec(), hop.layer, hop.place);
        let (now, luck) = (self.path.now, &mut self.trip.luck);
        match self.view.routes.proxies[node.index()].route(now, &syn, || luck.bits()) {
            Route::To(pod) => self.syn_meets(pod),
            Route::Reject => self.connect_failed(FailureKind::ConnectRefused, Met::NoEndpoints, None, None),
            Route::Drop => {
                let known = hop.began + self.view.balancers.get(hop.layer).spec().upstream.connect_timeout;
                self.connect_failed(FailureKind::ConnectTimeout, Met::NoLocalEndpoint, None, Some(known));
            }
        }
    }

    fn syn_meets(&mut self, pod: PodId) {
        match syn_fate(self.view.servers.listener(pod), self.path.scenario.cluster.cni) {
            SynFate::Accepted => self.upstream_established(Some(pod)),
            SynFate::Answered(kind, met) => self.connect_failed(kind, met, Some(pod), None),
            SynFate::Silent => {
                let Some(hop) = self.trip.hops.last() else { unreachable!("a balancer connects") };
                let timeout = self.view.balancers.get(hop.layer).spec().upstream.connect_timeout;
                let exited = self.view.servers.exited(pod).unwrap_or(self.path.now);
                let (known, kind) = silent_syn_end(hop.began, timeout, exited, hop.one_way);
                self.connect_failed(kind, Met::NamespaceGone, Some(pod), Some(known));
            }
        }
    }

    /// Nothing has been sent yet; the balancer knows at `known`, or one way from now.
    fn connect_failed(&mut self, kind: FailureKind, met: Met, pod: Option<PodId>, known: Option<SimTime>) {
        let Some(hop) = self.trip.hops.last() else { unreachable!("a balancer connects") };
        let known = known.unwrap_or(self.path.now + hop.one_way);
        self.fail_try(Failure { kind, met, met_at: self.path.now, known, pod });
    }

    fn upstream_established(&mut self, pod: Option<PodId>) {
        let now = self.path.now;
        let Some(hop) = self.trip.hops.last_mut() else { unreachable!("a balancer connects") };
        let Some(target) = hop.target else { unreachable!("a balancer has chosen before it connects") };
        let connection = Connection {
            target,
            pod,
            carried: 0,
            one_way: hop.one_way,
            free_at: SimTime::MAX,
            closed_at: None,
            idle_since: now,
            last: false,
        };
        hop.key = Some(self.view.balancers.get(hop.layer).pool(hop.place).open(connection));
        (hop.sent, hop.sent_at) = (true, now + hop.one_way);
        let at = hop.sent_at + hop.one_way;
        self.arrange(Stage::UpstreamRequest, at);
    }

    /// The request reaches the target of the last hop.
    pub(super) fn upstream_request(&mut self) {
        let now = self.path.now;
        let Some((hop, key)) = self.trip.hops.last().and_then(|hop| Some((hop, hop.key?))) else {
            unreachable!("a request travels over a connection")
        };
        let patience = self.target_keeps_idle(hop.target);
        let connection = self.view.balancers.get(hop.layer).pool(hop.place).get_mut(key);
        if connection.closed_at.is_none() && now.saturating_since(connection.idle_since) > patience {
            connection.closed_at = Some(connection.idle_since + patience);
        }
        if connection.closed_at.is_some() {
            self.fail_later(FailureKind::Reset, Met::ClosedUnread);
            return;
        }
        connection.carried += 1;
        match (connection.pod, connection.target) {
            (Some(pod), _) => self.reaches_pod(pod),
            (None, Target::Replica(number)) => self.reaches_next(number, key),
            (None, target) => unreachable!("a connection to {target:?} has reached a pod"),
        }
    }

    /// How long the target keeps an idle connection.
    fn target_keeps_idle(&self, target: Option<Target>) -> crate::units::SimDuration {
        let scenario = self.path.scenario;
        match (target, &scenario.ingress) {
            (Some(Target::Replica(_)), Some(ingress)) => ingress.keep_alive_timeout,
            _ => scenario.pod.server.keep_alive_timeout,
        }
    }

    /// A worker of the next balancer has had the connection from its beginning.
    fn reaches_next(&mut self, number: u32, key: u32) {
        let place = self.view.balancers.get(Layer::Ingress).place(number, mix(u64::from(key)));
        self.reaches_balancer(Layer::Ingress, place);
    }

    fn reaches_pod(&mut self, pod: PodId) {
        let server = &self.path.scenario.pod.server;
        let Some(service) = self.view.servers.serve(pod, self.path.now, self.slot.call.service_time) else {
            self.stay_unread();
            return;
        };
        let done = service.finish + server.response_time;
        self.served(service, done);
        let Some((hop, key)) = self.trip.hops.last().and_then(|hop| Some((hop, hop.key?))) else { return };
        let connection = self.view.balancers.get(hop.layer).pool(hop.place).get_mut(key);
        if connection.carried >= server.keep_alive_requests {
            (connection.closed_at, connection.last) = (Some(done), true);
        }
    }

    /// The try of the last hop fails; its balancer knows at `failure.known`.
    pub(super) fn fail_try(&mut self, failure: Failure) {
        let Some(hop) = self.trip.hops.last_mut() else { unreachable!("a balancer tries") };
        if let Some(key) = hop.key.take() {
            self.view.balancers.get(hop.layer).pool(hop.place).close(key);
        }
        let ran = matches!(failure.met, Met::CutInService | Met::CutInResponse | Met::SlowServer);
        self.slot.call.may_have_run |= ran;
        self.trip.failure = Some(failure);
        if failure.known <= self.path.now { self.try_failed() } else { self.arrange(Stage::TryFailed, failure.known) }
    }

    /// The balancer of the last hop knows that its try failed: another, or an answer.
    pub(super) fn try_failed(&mut self) {
        let Some(failure) = self.trip.failure.take() else { unreachable!("a try that failed has a reason") };
        let now = self.path.now;
        let Some(hop) = self.trip.hops.last() else { unreachable!("a balancer tries") };
        let balancer = self.view.balancers.get(hop.layer);
        if let Some(target) = hop.target {
            balancer.on_try_ended(now, hop.place, target, None);
        }
        let spec = &balancer.spec().retry;
        let again = self.tries_again(spec, hop, failure.kind, now) && hop.made < MOST_TRIES;
        match again {
            true if hop.reused || spec.pause.is_zero() => self.try_upstream(),
            true => self.arrange(Stage::TriesAgain, now + spec.pause),
            false => self.respond(Failure { kind: status_for(spec, failure.kind), ..failure }),
        }
    }

    fn tries_again(&self, spec: &RetrySpec, hop: &Hop, kind: FailureKind, now: SimTime) -> bool {
        let failed = FailedTry {
            kind,
            sent: hop.sent,
            reused: hop.reused,
            tries: hop.counted,
            elapsed: now.saturating_since(hop.came),
            idempotent: self.slot.spec.idempotent,
        };
        tries_again(spec, &failed) && !self.path.scenario.without.has(Mechanism::SilentRetry)
    }

    /// The balancer of the last hop gives up: its answer goes back, and a balancer before it may try again.
    pub(super) fn respond(&mut self, failure: Failure) {
        let mut at = self.path.now;
        while self.trip.hops.len() > 1 {
            self.trip.hops.pop();
            let Some(hop) = self.trip.hops.last() else { unreachable!("one hop is left") };
            let replied = at;
            at += hop.one_way;
            let spec = &self.view.balancers.get(hop.layer).spec().retry;
            let again = self.tries_again(spec, hop, failure.kind, at);
            self.release(replied, at, failure.kind == FailureKind::Truncated);
            if again {
                self.trip.failure = Some(Failure { known: at, ..failure });
                self.arrange(Stage::TryFailed, at);
                return;
            }
        }
        self.answer_failure(failure, at);
    }

    /// The connection of the last hop is free at `at`, or ends with an answer that was cut.
    fn release(&mut self, replied: SimTime, at: SimTime, cut: bool) {
        let Some(hop) = self.trip.hops.last_mut() else { return };
        let Some(key) = hop.key.take() else { return };
        let pool = self.view.balancers.get(hop.layer).pool(hop.place);
        if cut {
            pool.close(key);
            return;
        }
        let connection = pool.get_mut(key);
        (connection.free_at, connection.idle_since) = (at, replied);
    }
}

/// Whether the try goes over a connection that is open.
fn hop_is_open(hop: Option<&Hop>) -> bool {
    hop.is_some_and(|hop| hop.key.is_some())
}

/// The SYN of a replica to the Service: an ingress is a pod that uses the cluster IP, a load balancer comes from outside
/// through a node port.
fn syn(spec: &BalancerSpec, layer: Layer, place: Place) -> Syn {
    let traffic = if spec.target == TargetKind::Service { Traffic::Internal } else { Traffic::External };
    // Clients are counted from the other end.
    let address = AddressId { client: u32::MAX - layer as u32, ordinal: place.replica };
    Syn { traffic, address, local_ports: LOCAL_PORTS, retransmitted: false }
}
