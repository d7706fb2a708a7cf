//! How a balancer connects to the target of a try: its SYN, retransmissions, what they meet. A node's rules choose the pod
//! as they do for any client; a SYN that they drop is sent again at 1, 3, 7 … s and chooses anew.

use crate::ids::{AddressId, Layer, NodeId, PodId, Target};
use crate::model::balancer::{Connection, Place};
use crate::model::kube_proxy::{Route, Syn};
use crate::model::msg::Listener;
use crate::model::network::{SynFate, next_syn, silent_syn_end, syn_fate, syn_given_up};
use crate::model::spec::{BalancerSpec, Mechanism, TargetKind, Traffic};
use crate::record::{FailureKind, Met};
use crate::units::SimTime;
use crate::world::proxied::Proxied;
use crate::world::slot::Failure;
use crate::world::trip::{Hop, Stage};

/// Ports a replica takes in turn, as a client does by default.
const LOCAL_PORTS: u32 = 14_116;

impl Proxied<'_, '_, '_> {
    /// The balancer of the last hop begins to connect.
    pub(super) fn first_syn(&mut self) {
        let began = self.connecting().began;
        self.send_syn(Stage::UpstreamSyn, began, Met::SlowNetwork, None);
    }

    /// A SYN is dropped, or met `pod` that does not answer; it is sent again as long as the balancer waits.
    fn syn_again(&mut self, met: Met, pod: Option<PodId>) {
        let next = next_syn(self.connecting().began, self.path.now).unwrap_or(SimTime::MAX);
        self.send_syn(Stage::UpstreamSynAgain, next, met, pod);
    }

    /// A SYN is sent at `sent`, if its answer can come in time; else the balancer waits in vain, because of what was `met`.
    fn send_syn(&mut self, stage: Stage, sent: SimTime, met: Met, pod: Option<PodId>) {
        let (one_way, given_up) = (self.connecting().one_way, self.given_up());
        if sent < given_up && sent + one_way + one_way <= given_up {
            self.arrange(stage, sent + one_way);
        } else {
            self.connect_failed(FailureKind::ConnectTimeout, met, pod, Some(given_up));
        }
    }

    fn connecting(&self) -> &Hop {
        self.trip.hops.last().expect("a balancer connects")
    }

    /// Until when the balancer of the last hop waits for its connect.
    fn given_up(&mut self) -> SimTime {
        let (layer, began) = (self.connecting().layer, self.connecting().began);
        syn_given_up(began, self.view.balancers.get(layer).spec().upstream.connect_timeout)
    }

    /// The SYN of an upstream connection reaches its target, or the node whose rules choose the pod.
    pub(super) fn upstream_syn(&mut self) {
        match self.connecting().target {
            Some(Target::Pod(pod)) => self.syn_meets(pod, None),
            Some(Target::Node(node)) => self.syn_meets_rules(node),
            _ => self.upstream_established(None),
        }
    }

    fn syn_meets_rules(&mut self, node: NodeId) {
        let retransmitted = self.trip.stage == Stage::UpstreamSynAgain;
        let syn = Syn { retransmitted, ..self.syn() };
        match self.route(node, &syn) {
            Route::To(pod) => self.syn_meets(pod, Some((node, syn))),
            Route::Reject => self.connect_failed(FailureKind::ConnectRefused, Met::NoEndpoints, None, None),
            Route::Drop => self.syn_again(Met::NoLocalEndpoint, None),
        }
    }

    /// What the rules of `node` say to a packet of the last hop.
    pub(super) fn route(&mut self, node: NodeId, syn: &Syn) -> Route {
        let (now, luck) = (self.path.now, &mut self.trip.luck);
        self.view.routes.proxies[node.index()].route(now, syn, || luck.bits())
    }

    /// The SYN reaches `pod`, or where it was; `by` are the rules that chose it.
    fn syn_meets(&mut self, pod: PodId, by: Option<(NodeId, Syn)>) {
        let listener = self.view.servers.listener(pod);
        let fate = syn_fate(listener, self.path.scenario.cluster.cni);
        if let (Some((node, syn)), true) = (&by, fate != SynFate::Accepted) {
            let answered = listener != Listener::Gone;
            self.view.routes.proxies[node.index()].on_syn_failed(self.path.now, syn, answered);
        }
        let unpinned = by.is_some() && self.path.scenario.without.has(Mechanism::ConntrackPinning);
        match fate {
            SynFate::Accepted if self.view.servers.is_full(pod, self.path.now) => {
                self.syn_again(Met::BacklogFull, Some(pod));
            }
            SynFate::Accepted => {
                self.view.servers.establish(pod, self.path.now);
                self.upstream_established(Some(pod));
            }
            SynFate::Answered(kind, met) => self.connect_failed(kind, met, Some(pod), None),
            SynFate::Silent if unpinned => self.syn_again(Met::NamespaceGone, Some(pod)),
            SynFate::Silent => self.syn_is_silent(pod),
        }
    }

    /// Nothing answers, and conntrack sends the retransmissions to the same pod.
    fn syn_is_silent(&mut self, pod: PodId) {
        let hop = self.connecting();
        let (layer, began, one_way) = (hop.layer, hop.began, hop.one_way);
        let timeout = self.view.balancers.get(layer).spec().upstream.connect_timeout;
        let exited = self.view.servers.exited(pod).unwrap_or(self.path.now);
        let (known, kind) = silent_syn_end(began, timeout, exited, one_way);
        self.connect_failed(kind, Met::NamespaceGone, Some(pod), Some(known));
    }

    /// Nothing has been sent yet; the balancer knows at `known`, or one way from now.
    fn connect_failed(&mut self, kind: FailureKind, met: Met, pod: Option<PodId>, known: Option<SimTime>) {
        let known = known.unwrap_or(self.path.now + self.connecting().one_way);
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

    /// A packet of the last hop to the Service, as its rules see it.
    pub(super) fn syn(&mut self) -> Syn {
        let (layer, place) = (self.connecting().layer, self.connecting().place);
        syn(self.view.balancers.get(layer).spec(), layer, place)
    }
}

/// The SYN of a replica to the Service: an ingress is a pod that uses the cluster IP, a load balancer comes from outside
/// through a node port.
fn syn(spec: &BalancerSpec, layer: Layer, place: Place) -> Syn {
    let traffic = if spec.target == TargetKind::Service { Traffic::Internal } else { Traffic::External };
    // Clients are counted from the other end.
    let address = AddressId { client: u32::MAX - layer as u32, ordinal: place.replica };
    Syn { traffic, address, local_ports: LOCAL_PORTS, retransmitted: false }
}
