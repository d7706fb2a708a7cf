//! How a process answers probes: beside its workers (a thread of its own, an event loop that is never busy for long), or by one of
//! them, so that a probe waits behind requests and fails when it waits too long.

use crate::ids::PodId;
use crate::model::msg::{Listener, Msg, RoomOut};
use crate::model::server::{Reads, Servers, Step, Timer};
use crate::model::spec::{DelayId, ProbeKind};
use crate::units::{SimDuration, SimTime};

/// A probe that shares the process.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// Its number among what arrived.
    arrival: u64,
    round_trip: SimDuration,
    /// When the kubelet gives up.
    until: SimTime,
}

/// When a probe is answered, and whether well.
type Answer = (SimTime, bool);

impl Servers<'_> {
    /// The kubelet asks.
    pub fn on_probe(&mut self, now: SimTime, pod: PodId, kind: ProbeKind, out: &mut RoomOut<Timer>) {
        let rtt = self.draws.draw(DelayId::ProbeRtt, (kind as u64) << 32 | u64::from(pod.0));
        let until = now + self.scenario.probe(kind).map_or(rtt, |probe| probe.timeout);
        let refused = (now + rtt, false);
        let process = &self.processes[pod.index()];
        let answer = if process.listener != Listener::Open
            || process.is_away()
            || (kind == ProbeKind::Readiness && process.unready)
        {
            Some(refused)
        } else if !process.workers.are_open(now) || self.is_full(pod, now) {
            Some((SimTime::MAX, false))
        } else {
            self.work_on_probe(now, pod, kind, (rtt, until))
        };
        match answer {
            Some((at, success)) => {
                out.send(pod.0, at.min(until), Msg::ProbeAnswered(pod, kind, success && at <= until));
            }
            None => self.answers(now, pod, kind, out),
        }
    }

    /// The process takes the probe in. Nothing is known yet where requests share it.
    fn work_on_probe(
        &mut self,
        now: SimTime,
        pod: PodId,
        kind: ProbeKind,
        (rtt, until): (SimDuration, SimTime),
    ) -> Option<Answer> {
        let server = &self.scenario.pod.server;
        let Some(work) = &server.probe_service_time else { return Some((now + rtt, true)) };
        let work = work.draw(self.draws.streams().get("probe_work", (kind as u64) << 32 | u64::from(pod.0)));
        let process = &mut self.processes[pod.index()];
        let under_way = process.under_way(now);
        if process.reads == Reads::Never {
            return Some((SimTime::MAX, false));
        }
        if process.reads == Reads::Rejects || server.in_flight_limit.is_some_and(|limit| under_way >= limit.into()) {
            return Some((now + rtt, false));
        }
        let Some(sharing) = &mut process.sharing else {
            return Some((process.serve(now, work, server).finish + rtt, true));
        };
        let arrival = sharing.arrive_unowned(now, work);
        process.asked[kind as usize] = Some(Asked { arrival, round_trip: rtt, until });
        None
    }

    /// Looks whether a probe that shares the process is done, and else looks again when it may be.
    pub(super) fn answers(&mut self, now: SimTime, pod: PodId, kind: ProbeKind, out: &mut RoomOut<Timer>) {
        let process = &mut self.processes[pod.index()];
        let (Some(asked), Some(sharing)) = (process.asked[kind as usize], &mut process.sharing) else { return };
        let (known, success) = match sharing.done_after(now, asked.arrival) {
            None => (now + asked.round_trip, true),
            Some(at) if at + asked.round_trip <= asked.until => {
                self.set_timer(at, pod, Step::Answers(kind), out);
                return;
            }
            Some(_) => (asked.until, false),
        };
        process.asked[kind as usize] = None;
        out.send(pod.0, known.min(asked.until), Msg::ProbeAnswered(pod, kind, success && known <= asked.until));
    }
}
