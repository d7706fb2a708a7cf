//! What the series is told of requests at pods: what their processes had of them, whether or not their clients waited. A process
//! works on what it has taken up until it ends; what it has then it has no more, nor the work on it.

use std::collections::VecDeque;

use crate::ids::PodId;
use crate::model::msg::Severing;
use crate::model::server::{Observed, Service};
use crate::model::spec::{IdlePolicy, QueuedPolicy};
use crate::record::{Level, Series, Served};
use crate::units::{SimDuration, SimTime};
use crate::world::path::{Path, View};

/// A request at a pod, until it is served or cut.
#[derive(Debug, Clone, Copy)]
struct AtPod {
    served: Served,
    until: SimTime,
    /// Only its response is left: the rest is known already.
    responds: bool,
}

impl AtPod {
    fn over(&self) -> SimTime {
        self.served.done.min(self.until)
    }

    fn tell(&self, series: &mut Series, end: SimTime) {
        let Served { finish, done, .. } = self.served;
        match self.responds {
            true => series.lasts(Level::InFlight, finish, done.min(self.until).min(end), 1),
            false => series.served(&self.served, self.until, end),
        }
    }
}

/// By pod, in order of arrival: requests of which the series does not know yet. A pool takes up first what arrived first.
#[derive(Debug, Default)]
pub(super) struct AtPods(Vec<VecDeque<AtPod>>);

impl AtPods {
    /// One more. What is over is told; `end` is that of the run.
    fn add(&mut self, pod: PodId, at_pod: AtPod, now: SimTime, (series, end): (&mut Series, SimTime)) {
        if self.0.len() <= pod.index() {
            self.0.resize_with(pod.index() + 1, VecDeque::new);
        }
        let requests = &mut self.0[pod.index()];
        while requests.front().is_some_and(|first| first.over() <= now) {
            requests.pop_front().iter().for_each(|first| first.tell(series, end));
        }
        requests.push_back(at_pod);
    }

    fn at(&mut self, pod: PodId) -> impl Iterator<Item = &mut AtPod> {
        self.0.get_mut(pod.index()).into_iter().flatten()
    }

    /// One is cut.
    fn cut(&mut self, pod: PodId, service: Service, now: SimTime) {
        let Some(requests) = self.0.get_mut(pod.index()) else { return };
        let first = requests.partition_point(|request| request.served.start < service.start);
        let same = |request: &&mut AtPod| request.served.start == service.start;
        let mut same = requests.range_mut(first..).take_while(same);
        if let Some(request) = same.find(|request| request.served.finish == service.finish && request.until > now) {
            request.until = now;
        }
    }
}

impl<'s> Path<'s> {
    /// A request that shares no process is served, or will be.
    #[cold]
    pub(super) fn observe_service(&mut self, pod: PodId, Service { start, finish }: Service, done: SimTime) {
        if !self.scenario.pod.server.shares() {
            let served = Served { arrived: self.now, start, finish, done };
            self.observe_at_pod(pod, AtPod { served, until: SimTime::MAX, responds: false });
        }
    }

    fn observe_at_pod(&mut self, pod: PodId, at_pod: AtPod) {
        if let Some(series) = &mut self.results.series {
            self.at_pods.add(pod, at_pod, self.now, (series, self.stop));
        }
    }

    /// Its process drops it.
    #[cold]
    pub(super) fn observe_cut(&mut self, pod: PodId, service: Service) {
        self.at_pods.cut(pod, service, self.now);
    }

    /// What the process of `pod` has done with what shares it.
    #[cold]
    pub(super) fn observe_sharing(&mut self, pod: PodId, view: &mut View<'_, 's>) {
        let seen = view.servers.sharing(pod).and_then(|sharing| sharing.observed(self.now));
        self.tell_observed(pod, seen);
    }

    fn tell_observed(&mut self, pod: PodId, seen: Option<Observed>) {
        let (Some(series), Some(seen)) = (&mut self.results.series, seen) else { return };
        let end = self.stop;
        for held in seen.held {
            series.lasts(Level::Queued, held.from, held.to.min(end), held.waiting);
            series.lasts(Level::InFlight, held.from, held.to.min(end), held.waiting + held.in_service);
        }
        seen.work.iter().for_each(|work| series.worked((work.from, work.to), work.time, end));
        seen.taken_up.iter().for_each(|(at, start)| series.taken_up(*at, *start));
        if self.response_time > SimDuration::ZERO {
            for at in seen.finished {
                let served = Served { arrived: at, start: at, finish: at, done: at + self.response_time };
                self.observe_at_pod(pod, AtPod { served, until: SimTime::MAX, responds: true });
            }
        }
    }

    /// The server of `pod` ends its connections: what it drops of requests that nobody waits for. What it does not read any more
    /// it does not take up either.
    pub(super) fn observe_severing(&mut self, pod: PodId, severing: Severing) {
        let (now, server) = (self.now, &self.scenario.pod.server);
        let unread = server.queued == QueuedPolicy::Reset
            && (severing.idle == IdlePolicy::Close || server.connection_close)
            && !server.shares();
        for request in self.at_pods.at(pod).filter(|request| request.until > now) {
            if severing.cut || unread && request.served.start > now {
                request.until = now;
            }
        }
    }

    /// The process of `pod` has ended.
    pub(super) fn observe_exit(&mut self, pod: PodId, view: &mut View<'_, 's>) {
        let seen = view.servers.sharing(pod).and_then(|sharing| sharing.observed_last(self.now));
        self.tell_observed(pod, seen);
        self.at_pods.at(pod).for_each(|request| request.until = request.until.min(self.now));
    }

    /// The run has ended: what pods still have at its end is told.
    pub(super) fn observe_end(&mut self, view: &mut View<'_, 's>) {
        let end = self.now.max(self.stop);
        for pod in (0..view.servers.count() as u32).map(PodId) {
            let seen = view.servers.sharing(pod).and_then(|sharing| sharing.observed_last(end));
            self.tell_observed(pod, seen);
        }
        let (at_pods, Some(series)) = (std::mem::take(&mut self.at_pods), &mut self.results.series) else { return };
        at_pods.0.iter().flatten().for_each(|request| request.tell(series, self.stop));
    }
}
