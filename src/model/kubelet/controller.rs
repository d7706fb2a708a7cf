//! The kubelet as a room: one pod worker a pod, and the status manager. Probes, and what they lead to, are in `probing`.

mod probing;
mod sidecar;

use crate::engine::Tie;
use crate::ids::{NodeId, PodId};
use crate::model::api::{Object, Phase, PodMap, PodObject, TokenBucket, Watcher, Write};
use crate::model::kubelet::probe::ProbeWorker;
use crate::model::kubelet::pulls::Pulls;
use crate::model::kubelet::restart::CrashLoop;
use crate::model::kubelet::rounds::Rounds;
use crate::model::kubelet::runtime::Runtime;
use crate::model::kubelet::termination::{hook_length, plan_stop};
use crate::model::msg::{Draws, Fact, Msg, PodEvent, RoomOut};
use crate::model::spec::{DelayId, ProbeKind, Scenario, Signal};
use crate::units::{SimDuration, SimTime, Version};

/// What the kubelet calls itself back for, each for a pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Timer {
    /// The pod worker starts.
    WorkerStarts(PodId),
    /// Sandbox and network are up.
    SandboxReady(PodId),
    /// The container's process starts.
    ContainerStarts(PodId),
    /// PLEG has noticed that the container runs.
    NoticedRunning(PodId),
    /// The next attempt of a probe.
    Probe(PodId, ProbeKind),
    /// PLEG has noticed that a container ended which is to be started again.
    NoticedDeath(PodId),
    /// It is started again.
    Restarts(PodId),
    /// The pod worker begins the termination.
    TerminationBegins(PodId),
    /// The hook has begun its work: what it does to readiness shows.
    HookWorks(PodId),
    /// The hook is over.
    HookEnds(PodId),
    /// The stop signal is delivered.
    StopSignal(PodId),
    /// The time between stop signal and SIGKILL is over.
    GraceOver(PodId),
    /// The sidecar's process starts.
    SidecarStarts(PodId),
    /// PLEG has noticed that it runs.
    SidecarNoticed(PodId),
    /// The next attempt of its startup probe.
    SidecarProbe(PodId),
    /// The sidecar is to be stopped.
    SidecarStops(PodId),
    /// Its time between stop signal and SIGKILL is over.
    SidecarGraceOver(PodId),
    /// PLEG has noticed that the container ended.
    NoticedExit(PodId),
    /// PLEG's next look finds the containers cleaned up; the end of the sandbox has asked for another sync, which waited
    /// for this look (podCache.GetNewerThan, pkg/kubelet/pod_workers.go at v1.20.2).
    NoticedCleanUp(PodId),
    /// The network namespace is gone.
    NamespaceGone(PodId),
    /// Nothing of the pod is left on the node: its object can go.
    LetGo(PodId),
    /// The status manager's round finds that.
    RemoveObject(PodId),
}

/// Where a pod worker stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Before the container's process.
    Starting,
    /// The process runs since then; PLEG has noticed or not.
    Running { since: SimTime, noticed: bool },
    /// The process has ended, another will be started.
    Waiting,
    /// The process has ended for good.
    Ended,
}

/// The state of one pod on this node.
#[derive(Debug)]
struct Worker {
    stage: Stage,
    terminating: bool,
    /// The pod worker is at a sync that starts or kills a container; and it has the deletion to do after it.
    syncs: bool,
    deletion_waits: bool,
    /// By [`ProbeKind`].
    probes: [ProbeWorker; 3],
    /// The kubelet stops the container to start it again.
    killing: bool,
    back_off: CrashLoop,
    /// The hook has removed what the probe asks for.
    probe_target_gone: bool,
    /// A readiness gate is closed.
    gated: bool,
    kill_timer: Option<Tie>,
    stop_timeout: SimDuration,
    sidecar: sidecar::Sidecar,
    /// What the status manager sent last; nothing yet of a new pod.
    sent: Option<(Phase, bool)>,
}

/// The kubelet of one node.
#[derive(Debug)]
pub struct Kubelet<'s> {
    scenario: &'s Scenario,
    draws: Draws<'s>,
    workers: PodMap<Worker>,
    /// How much longer than usual the container runtime takes during this run.
    load: f64,
    runtime: Runtime,
    limiter: TokenBucket,
    /// The status manager writes one status after the other.
    status_busy_until: SimTime,
    /// When the image is here, and when the last pull of a series ends.
    pulls: Pulls,
    /// The node has ended, and this kubelet with it.
    ended: bool,
    /// PLEG's looks at the containers.
    relists: Rounds,
    /// The status manager's looks at what can be removed: up to 1.26 every 10 s (syncPeriod, status_manager.go).
    status_rounds: Rounds,
}

impl Worker {
    fn new(stage: Stage, probe: impl Fn(ProbeKind) -> ProbeWorker) -> Self {
        Worker {
            stage,
            terminating: false,
            syncs: false,
            deletion_waits: false,
            probes: ProbeKind::ALL.map(probe),
            killing: false,
            back_off: CrashLoop::default(),
            probe_target_gone: false,
            gated: false,
            kill_timer: None,
            stop_timeout: SimDuration::ZERO,
            sidecar: sidecar::Sidecar::default(),
            sent: (stage != Stage::Starting).then_some((Phase::Running, true)),
        }
    }

    fn is_noticed(&self) -> bool {
        matches!(self.stage, Stage::Running { noticed: true, .. })
    }

    fn probe(&mut self, kind: ProbeKind) -> &mut ProbeWorker {
        &mut self.probes[kind as usize]
    }

    /// A container begins whose files are as its image has them.
    fn is_another_container(&mut self) {
        ProbeKind::ALL.into_iter().for_each(|kind| self.probe(kind).on_new_container(kind));
        (self.killing, self.probe_target_gone) = (false, false);
    }
}

impl<'s> Kubelet<'s> {
    /// A kubelet without pods. Its client limit is 5 calls a second before 1.27, 50 since (k/k#116121).
    pub fn new(scenario: &'s Scenario, node: NodeId, mut draws: Draws<'s>) -> Self {
        let recent = scenario.cluster.version >= Version::minor(27);
        let limiter = if recent { TokenBucket::new(50, 100) } else { TokenBucket::new(5, 10) };
        let relists = Rounds::new(DelayId::Pleg, ("relist", "relist_phase"), node, &mut draws);
        let status_rounds = Rounds::new(DelayId::StatusRound, ("status_round", "status_round_phase"), node, &mut draws);
        let load = draws.draw(DelayId::NodeLoad, node.0.into()).as_secs_f64();
        let runtime = Runtime::new(draws.draw(DelayId::Contention, node.0.into()).as_secs_f64());
        let (workers, status_busy_until) = (PodMap::default(), SimTime::ZERO);
        let pulls = Pulls::new(scenario.nodes.images);
        Kubelet {
            scenario,
            draws,
            workers,
            load,
            runtime,
            limiter,
            status_busy_until,
            pulls,
            ended: false,
            relists,
            status_rounds,
        }
    }

    /// A pod that has been running and ready since long before the run.
    pub fn adopt(&mut self, pod: PodId, out: &mut RoomOut<Timer>) {
        let stage = Stage::Running { since: SimTime::ZERO, noticed: true };
        self.workers.insert(pod, Worker::new(stage, ProbeWorker::settled));
        self.adopt_sidecar(pod);
        self.adopt_probes(pod, out);
    }

    /// A pod bound to this node changed.
    pub fn on_watch(&mut self, now: SimTime, object: &Object, out: &mut RoomOut<Timer>) {
        let Object::Pod(pod) = object else { unreachable!("{:?} watches pods only", Watcher::Kubelet(NodeId(0))) };
        if self.ended {
            return;
        }
        if !self.workers.contains_key(&pod.id) {
            self.start_worker(now, pod, out);
        }
        let gate_opens = self.workers.get(&pod.id).is_some_and(|worker| worker.gated && !pod.gated);
        if gate_opens {
            self.with(pod.id, |worker| worker.gated = false);
            self.write_status(now, pod.id, out);
        }
        let newly_deleted = self.workers.get(&pod.id).is_some_and(|worker| pod.deleted && !worker.terminating);
        if newly_deleted {
            self.with(pod.id, |worker| worker.terminating = true);
            let seen = self.draws.draw(DelayId::DelSeen, pod.id.0.into());
            out.set_timer(pod.id.0, now + seen, Timer::TerminationBegins(pod.id));
        }
    }

    /// Whether a hook has removed what the readiness probe of `pod` asks for; a balancer's checks ask for the same.
    pub fn has_lost_probe_target(&self, pod: PodId) -> bool {
        self.workers.get(&pod).is_some_and(|worker| worker.probe_target_gone)
    }

    /// The container's process has ended.
    pub fn on_exited(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let Some(worker) = self.workers.get_mut(&pod).filter(|_| !self.ended) else { return };
        worker.kill_timer.take().into_iter().for_each(|timer| out.cancel(timer));
        if !worker.terminating || worker.deletion_waits {
            self.restart_later(now, pod, out);
            return;
        }
        worker.stage = Stage::Ended;
        worker.probes.iter_mut().filter_map(|probe| probe.timer.take()).for_each(|timer| out.cancel(timer));
        if !self.sidecar_goes_on(now, pod, out) {
            self.after_exit(now, pod, out);
        }
    }

    /// The node ends: its processes are killed, their addresses are gone at once, and nothing more is done or told.
    pub fn on_node_ends(&mut self, now: SimTime, out: &mut RoomOut<Timer>) {
        self.ended = true;
        for (pod, worker) in self.workers.iter() {
            if matches!(worker.stage, Stage::Running { .. }) {
                out.record(Fact::Pod { at: now, pod, event: PodEvent::Killed });
                out.send(pod.0, now, Msg::Signal(pod, Signal::Kill));
            }
            if worker.sidecar.runs() {
                out.send(pod.0, now, Msg::SidecarSignal(pod, Signal::Kill));
            }
            out.record(Fact::Pod { at: now, pod, event: PodEvent::NamespaceGone });
            out.send(pod.0, now + SimDuration::from_nanos(1), Msg::NamespaceGone(pod));
        }
    }

    /// One of the kubelet's own timers.
    pub fn on_timer(&mut self, now: SimTime, timer: Timer, out: &mut RoomOut<Timer>) {
        if self.ended {
            return;
        }
        self.runtime.end(now, timer, out);
        match timer {
            Timer::WorkerStarts(pod) => self.worker_starts(now, pod, out),
            Timer::SandboxReady(pod) => self.sandbox_ready(now, pod, out),
            Timer::ContainerStarts(pod) => self.container_starts(now, pod, out),
            Timer::NoticedRunning(pod) => self.noticed_running(now, pod, out),
            Timer::Probe(pod, kind) => self.tick(now, pod, kind, out),
            Timer::NoticedDeath(pod) => self.write_status(now, pod, out),
            Timer::Restarts(pod) => self.restart(now, pod, out),
            Timer::TerminationBegins(pod) => self.termination_begins(now, pod, out),
            Timer::HookWorks(pod) => self.with(pod, |worker| worker.probe_target_gone = true),
            Timer::HookEnds(pod) => self.hook_ends(now, pod, out),
            Timer::StopSignal(pod) => self.stop_signal(now, pod, out),
            Timer::GraceOver(pod) => {
                out.record(Fact::Pod { at: now, pod, event: PodEvent::Killed });
                out.send(pod.0, now, Msg::Signal(pod, Signal::Kill));
            }
            Timer::SidecarStarts(pod) => self.native_sidecar_starts(now, pod, out),
            Timer::SidecarNoticed(pod) => self.sidecar_noticed(now, pod, out),
            Timer::SidecarProbe(pod) => self.sidecar_tick(now, pod, out),
            Timer::SidecarStops(pod) => self.sidecar_is_signalled(now, pod, out),
            Timer::SidecarGraceOver(pod) => out.send(pod.0, now, Msg::SidecarSignal(pod, Signal::Kill)),
            Timer::NoticedExit(pod) => {
                self.write_status(now, pod, out);
                let next = self.relists.notice(now, (2 << 32) | u64::from(pod.0), &mut self.draws);
                out.set_timer(pod.0, next, Timer::NoticedCleanUp(pod));
            }
            Timer::NoticedCleanUp(pod) => {
                // The status without its containers changes nothing that anybody here reads, but costs a GET and a PATCH.
                self.status_written_at(now, pod);
            }
            Timer::NamespaceGone(pod) => {
                out.record(Fact::Pod { at: now, pod, event: PodEvent::NamespaceGone });
                out.send(pod.0, now, Msg::NamespaceGone(pod));
            }
            Timer::LetGo(pod) => {
                let round = self.status_rounds.notice(now, pod.0.into(), &mut self.draws);
                out.set_timer(pod.0, round, Timer::RemoveObject(pod));
            }
            Timer::RemoveObject(pod) => {
                self.workers.remove(&pod);
                // A GET and a DELETE, two tokens, in line with the statuses.
                let removed = self.status_written_at(now, pod);
                out.send(pod.0, removed, Msg::Write(Write::RemovePod { pod }));
            }
        }
    }

    fn with(&mut self, pod: PodId, change: impl FnOnce(&mut Worker)) {
        if let Some(worker) = self.workers.get_mut(&pod) {
            change(worker);
        }
    }

    /// A delay of the container runtime, which the load of the node stretches.
    fn draw_loaded(&mut self, id: DelayId, pod: PodId) -> SimDuration {
        self.draw_loaded_of(id, pod.0.into())
    }

    fn draw_loaded_of(&mut self, id: DelayId, entity: u64) -> SimDuration {
        let drawn = self.draws.draw(id, entity);
        SimDuration::from_nanos_f64_rounded(drawn.as_nanos() as f64 * self.load)
    }

    fn start_worker(&mut self, now: SimTime, pod: &PodObject, out: &mut RoomOut<Timer>) {
        self.workers.insert(pod.id, Worker { gated: pod.gated, ..Worker::new(Stage::Starting, ProbeWorker::new) });
        let seen = self.draws.draw(DelayId::KubeletSeen, pod.id.0.into());
        out.set_timer(pod.id.0, now + seen, Timer::WorkerStarts(pod.id));
    }

    fn worker_starts(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        out.record(Fact::Pod { at: now, pod, event: PodEvent::KubeletSeen });
        self.write_status(now, pod, out);
        self.start_probing(now, pod, out);
        self.start_probing_sidecar(now, pod, out);
        self.with(pod, |worker| worker.syncs = true);
        let sandbox = self.draw_loaded(DelayId::Sandbox, pod);
        self.runtime.begin(now, pod, sandbox, Timer::SandboxReady(pod), out);
    }

    fn sandbox_ready(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        out.record(Fact::Pod { at: now, pod, event: PodEvent::SandboxReady });
        if !self.sidecar_comes_first(now, pod, out) {
            self.begin_container(now, pod, out);
        }
    }

    /// The image is pulled, the container made and started.
    fn begin_container(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let pull = self.draws.draw(DelayId::Pull, pod.0.into());
        let pulled = self.pulls.pulled(now, pull);
        let create = self.draw_loaded(DelayId::CreateStart, pod);
        self.runtime.begin(now, pod, pulled.saturating_since(now) + create, Timer::ContainerStarts(pod), out);
    }

    fn container_starts(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let starts = |worker: &&mut Worker| matches!(worker.stage, Stage::Starting | Stage::Waiting);
        let Some(worker) = self.workers.get_mut(&pod).filter(starts) else { return };
        if worker.stage == Stage::Waiting {
            worker.is_another_container();
            out.record(Fact::Pod { at: now, pod, event: PodEvent::Restarted });
        }
        worker.stage = Stage::Running { since: now, noticed: false };
        worker.syncs = false;
        out.record(Fact::Pod { at: now, pod, event: PodEvent::Started });
        self.sidecar_starts(now, pod, out);
        out.send(pod.0, now, Msg::StartProcess(pod));
        let noticed = self.relists.notice(now, pod.0.into(), &mut self.draws);
        out.set_timer(pod.0, noticed, Timer::NoticedRunning(pod));
        self.delete_after_sync(noticed, pod, out);
    }

    /// A deletion that waited for the pod worker's sync begins when PLEG has looked again.
    fn delete_after_sync(&mut self, noticed: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let waits = |worker: &mut Worker| std::mem::take(&mut worker.deletion_waits);
        if self.workers.get_mut(&pod).is_some_and(waits) {
            out.set_timer(pod.0, noticed, Timer::TerminationBegins(pod));
        }
    }

    /// The status becomes Running, and the container may count as started.
    fn noticed_running(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        self.with(pod, |worker| {
            if let Stage::Running { noticed, .. } = &mut worker.stage {
                *noticed = true;
            }
        });
        self.status_changes(now, pod, out);
    }

    /// Up to 1.21 a pod's worker finishes the sync that it is at: a pod that starts has its container started, and one whose
    /// container is being killed by a probe has it started again, before the termination begins with hook and grace. Since 1.22 the
    /// sync is given up. Source: managePodLoop and syncPod at v1.20.2; mechanics 3.6.
    fn termination_begins(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let finishes = self.scenario.cluster.version < Version::minor(22);
        if let Some(worker) = self.workers.get_mut(&pod).filter(|worker| finishes && worker.syncs) {
            worker.deletion_waits = true;
            return;
        }
        out.record(Fact::Pod { at: now, pod, event: PodEvent::KubeletDeleted });
        self.sidecar_stops(now, pod, out);
        let Some(worker) = self.workers.get(&pod) else { return };
        match worker.stage {
            Stage::Starting | Stage::Waiting => self.on_exited(now, pod, out),
            // The stop that is under way goes on.
            Stage::Running { .. } if worker.killing => {}
            Stage::Running { .. } => self.begin_stop(now, pod, self.scenario.pod.termination_grace_period, out),
            Stage::Ended => {}
        }
    }

    /// The hook, if there is one, then the stop signal.
    fn begin_stop(&mut self, now: SimTime, pod: PodId, grace: SimDuration, out: &mut RoomOut<Timer>) {
        let hook = self.begin_hook(now, pod, grace, out);
        let plan = plan_stop(grace, hook, self.scenario.cluster.version);
        self.with(pod, |worker| worker.stop_timeout = plan.timeout);
        if hook.is_some() {
            out.set_timer(pod.0, now + plan.hook, Timer::HookEnds(pod));
        } else {
            self.stop(now, pod, out);
        }
    }

    /// Starts the hook, if there is one and any grace, and says how long it would run.
    fn begin_hook(
        &mut self,
        now: SimTime,
        pod: PodId,
        grace: SimDuration,
        out: &mut RoomOut<Timer>,
    ) -> Option<SimDuration> {
        let hook = self.scenario.pod.pre_stop.as_ref().filter(|_| !grace.is_zero())?;
        out.record(Fact::Pod { at: now, pod, event: PodEvent::HookBegan });
        let exec_start = self.draws.draw(DelayId::HookExecStart, pod.0.into());
        let lateness = self.draws.draw(DelayId::HookSleep, pod.0.into());
        if hook.fails_readiness && !hook.fails {
            out.set_timer(pod.0, now + exec_start, Timer::HookWorks(pod));
        }
        Some(hook_length(hook, exec_start, lateness))
    }

    fn hook_ends(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        out.record(Fact::Pod { at: now, pod, event: PodEvent::HookEnded });
        self.stop(now, pod, out);
    }

    fn stop(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let call = self.draws.draw(DelayId::StopRpc, pod.0.into());
        out.set_timer(pod.0, now + call, Timer::StopSignal(pod));
    }

    fn stop_signal(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let Some(worker) = self.workers.get_mut(&pod).filter(|worker| worker.stage != Stage::Ended) else { return };
        worker.kill_timer = Some(out.set_timer(pod.0, now + worker.stop_timeout, Timer::GraceOver(pod)));
        out.record(Fact::Pod { at: now, pod, event: PodEvent::Signalled });
        out.send(pod.0, now, Msg::Signal(pod, Signal::Stop));
    }

    /// Teardown of the sandbox, the final status (at once since 1.27), removal of the object.
    fn after_exit(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let teardown = self.draw_loaded(DelayId::ExitTeardown, pod);
        self.runtime.begin(now, pod, teardown, Timer::NamespaceGone(pod), out);
        let noticed = if self.scenario.cluster.version >= Version::minor(27) {
            now
        } else {
            self.relists.notice(now, (1 << 32) | u64::from(pod.0), &mut self.draws)
        };
        out.set_timer(pod.0, noticed, Timer::NoticedExit(pod));
        let gone = self.draws.draw(DelayId::ObjGone, pod.0.into());
        out.set_timer(pod.0, now + gone, Timer::LetGo(pod));
    }

    /// Sends the pod's status if it changed, the first when the worker starts: a GET and a PATCH, two tokens, one status
    /// after the other. Before 1.27 these tokens are what paces a rollout on one node.
    fn write_status(&mut self, now: SimTime, pod: PodId, out: &mut RoomOut<Timer>) {
        let ready = self.is_ready(pod);
        let Some(worker) = self.workers.get_mut(&pod) else { return };
        let phase = match worker.stage {
            Stage::Starting => Phase::Pending,
            Stage::Running { .. } | Stage::Waiting => Phase::Running,
            Stage::Ended if self.scenario.cluster.version >= Version::minor(27) => Phase::Succeeded,
            Stage::Ended => Phase::Running,
        };
        if worker.sent == Some((phase, ready)) {
            return;
        }
        worker.sent = Some((phase, ready));
        let has_ip = phase != Phase::Pending;
        let at = self.status_written_at(now, pod);
        out.send(pod.0, at, Msg::Write(Write::PodStatus { pod, phase, ready, has_ip }));
    }

    fn status_written_at(&mut self, now: SimTime, pod: PodId) -> SimTime {
        let get = self.limiter.take(now.max(self.status_busy_until));
        let got = get + self.draws.draw(DelayId::ApiWrite, pod.0.into());
        let patch = self.limiter.take(got);
        self.status_busy_until = patch + self.draws.draw(DelayId::ApiWrite, pod.0.into());
        self.status_busy_until
    }
}
