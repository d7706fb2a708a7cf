//! The tries of a balancer: which target, over which connection, what the request meets there (the same functions decide
//! that as on the direct path), and what follows when it fails. The service time is the request's own, drawn at its birth:
//! another try of the same work takes as long. How a connection is made stands in
//! [`connect`](super::connect).

use crate::engine::mix;
use crate::ids::{Layer, NodeId, PodId, Target};
use crate::model::balancer::{Choice, FailedTry, Place, gives_back, pauses, status_for, stays, tries_again};
use crate::model::kube_proxy::Route;
use crate::model::msg::Listener;
use crate::model::server::{Meets, Service};
use crate::model::spec::{Mechanism, RetrySpec};
use crate::record::{FailureKind, Met};
use crate::units::SimTime;
use crate::world::path::draw;
use crate::world::proxied::Proxied;
use crate::world::slot::{Failure, State};
use crate::world::trip::{Hop, Impatient, Stage};

/// A balancer without limit of tries stops here, so that nothing is tried for ever at one instant.
const MOST_TRIES: u32 = 1_000;

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
        let kept = hop.target.filter(|target| balancer.lists(hop.place, *target));
        let Some(target) = kept.or_else(|| balancer.pick(hop.place, choice, &hop.tried)) else {
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
        self.path.tally.extra_attempts += u64::from(hop.made > 0 && !self.slot.call.warm_up);
        hop.made += 1;
        hop.counted += 1;
        let at = now + hop.one_way;
        if hop.key.is_some() { self.arrange(Stage::UpstreamRequest, at) } else { self.first_syn() }
    }

    /// The request reaches the target of the last hop.
    pub(super) fn upstream_request(&mut self) {
        if self.path.minds_rules && self.is_lost_at_the_node() {
            return;
        }
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

    /// What the rules of a node do to a packet of an open connection, as on the direct path.
    #[cold]
    fn is_lost_at_the_node(&mut self) -> bool {
        let Some((hop, key)) = self.trip.hops.last().and_then(|hop| Some((hop, hop.key?))) else { return false };
        let Some(Target::Node(node)) = hop.target else { return false };
        let connection = self.view.balancers.get(hop.layer).pool(hop.place).get_mut(key);
        let Some(pod) = connection.pod else { return false };
        if self.path.scenario.without.has(Mechanism::ConntrackPinning) {
            self.unpin(node, pod);
            return false;
        }
        let deleted = self.view.routes.proxies[node.index()].has_deleted(pod);
        if deleted {
            self.is_forgotten(pod);
        }
        deleted
    }

    /// Without conntrack pinning the packet chooses among the current rules, whatever its connection.
    fn unpin(&mut self, node: NodeId, before: PodId) {
        let syn = self.syn();
        let Route::To(pod) = self.route(node, &syn) else { return };
        if pod == before {
            return;
        }
        let is_open = self.view.servers.listener(pod) == Listener::Open;
        let Some((hop, key)) = self.trip.hops.last().and_then(|hop| Some((hop, hop.key?))) else { return };
        let connection = self.view.balancers.get(hop.layer).pool(hop.place).get_mut(key);
        connection.pod = Some(pod);
        connection.closed_at = (!is_open).then_some(self.path.now);
    }

    /// The node's ipvs has deleted the real server under the connection: reset or ignored.
    fn is_forgotten(&mut self, pod: PodId) {
        if self.path.scenario.kube_proxy.expire_nodest_conn {
            self.fail_later(FailureKind::Reset, Met::RealServerDeleted);
            return;
        }
        let Some(hop) = self.trip.hops.last() else { return };
        let known = hop.sent_at + self.view.balancers.get(hop.layer).spec().upstream.read_timeout;
        let (kind, met, met_at) = (FailureKind::Timeout, Met::RealServerDeleted, self.path.now);
        self.fail_try(Failure { kind, met, met_at, known, pod: Some(pod) });
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
        let (now, service_time) = (self.path.now, self.slot.call.service_time);
        match self.view.servers.serve(pod, now, service_time) {
            Some(service) => self.served_by_pod(pod, service, false, false),
            None => match self.view.servers.meet(pod, now, service_time) {
                Meets::Served { service, last } => self.served_by_pod(pod, service, last, last),
                Meets::Shares => self.share(pod),
                Meets::Overload => self.refused_by_pod(),
                Meets::Rejected => self.fail_later(FailureKind::Http503, Met::StoppingServer),
                Meets::Unread => self.stay_unread(),
            },
        }
    }

    /// The pod has too many requests in flight and answers 503; the connection stays.
    fn refused_by_pod(&mut self) {
        let now = self.path.now;
        let Some((layer, place, key, at)) =
            self.trip.hops.last().and_then(|hop| Some((hop.layer, hop.place, hop.key?, now + hop.one_way)))
        else {
            return;
        };
        let connection = self.view.balancers.get(layer).pool(place).get_mut(key);
        let pod = connection.pod;
        (connection.free_at, connection.idle_since) = (at, now);
        if let Some(hop) = self.trip.hops.last_mut() {
            hop.key = None;
        }
        self.fail_try(Failure { kind: FailureKind::Http503, met: Met::Overload, met_at: now, known: at, pod });
    }

    /// The request shares the process of `pod`.
    fn share(&mut self, pod: PodId) {
        let (limit, who) = self.unread_limit();
        self.trip.stage = Stage::Shares(who);
        self.slot.state = State::Proxied;
        self.slot.patience = limit;
        self.path.wake_at(self.slot, limit);
        self.path.enter_sharing(self.slot, pod, limit, self.view);
    }

    /// The request may be done, or somebody loses patience.
    pub(super) fn wake_sharing(&mut self, who: Impatient) {
        let pod = self.slot.shares;
        if let Some((pod, service)) = pod.zip(self.path.done_sharing(self.slot, self.view)) {
            let told = self.view.servers.says_close(pod);
            let closes = self.view.servers.closes(pod);
            self.served_by_pod(pod, service, closes, told);
        } else if self.path.now >= self.slot.patience {
            self.gives_up(who);
        }
    }

    /// `closes` says that the server closes the connection after the request, `told` that the response says so.
    fn served_by_pod(&mut self, pod: PodId, service: Service, closes: bool, told: bool) {
        let server = &self.path.scenario.pod.server;
        let done = service.finish + server.response_time;
        if self.path.results.series.is_some() {
            self.path.observe_service(pod, service, done);
        }
        self.served(service, done);
        let Some((hop, key)) = self.trip.hops.last().and_then(|hop| Some((hop, hop.key?))) else { return };
        let connection = self.view.balancers.get(hop.layer).pool(hop.place).get_mut(key);
        let worn = connection.carried >= server.keep_alive_requests;
        if closes || worn {
            connection.closed_at = Some(done);
            connection.last |= told || worn;
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
        self.path.draw_again(self.slot);
        self.slot.call.leave_behind();
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
        let failed = self.failed_try(hop, failure.kind, now);
        if !self.tries_again(spec, &failed) || hop.made >= MOST_TRIES {
            self.respond(Failure { kind: status_for(spec, failure.kind), ..failure });
            return;
        }
        let same = hop.target.filter(|_| stays(spec, &failed));
        let Some(hop) = self.trip.hops.last_mut() else { unreachable!("a balancer tries") };
        hop.counted -= u32::from(gives_back(spec, &failed));
        hop.target = same;
        if pauses(spec, &failed, same.is_some()) {
            self.arrange(Stage::TriesAgain, now + spec.pause);
        } else {
            self.try_upstream();
        }
    }

    fn failed_try(&self, hop: &Hop, kind: FailureKind, now: SimTime) -> FailedTry {
        FailedTry {
            kind,
            sent: hop.sent,
            reused: hop.reused,
            tries: hop.counted,
            elapsed: now.saturating_since(hop.came),
            idempotent: self.slot.call.idempotent,
        }
    }

    fn tries_again(&self, spec: &RetrySpec, failed: &FailedTry) -> bool {
        tries_again(spec, failed) && !self.path.scenario.without.has(Mechanism::SilentRetry)
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
            let again = self.tries_again(spec, &self.failed_try(hop, failure.kind, at));
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
