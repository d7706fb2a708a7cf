//! Requests that share the process of their pod: when one is done is known only when it is, so its slot waits for that, or for
//! its client's patience to end.

use crate::ids::PodId;
use crate::model::server::Service;
use crate::units::SimTime;
use crate::world::path::{Path, View};
use crate::world::slot::{Slot, State};

impl<'s> Path<'s> {
    /// The request shares its pod's process.
    pub(super) fn share(&mut self, slot: &mut Slot<'s>, pod: PodId, view: &mut View<'_, 's>) {
        slot.patience = self.patience(slot);
        slot.state = State::Shares;
        self.wakes.set(slot.index, slot.patience.max(self.now));
        self.enter_sharing(slot, pod, slot.patience, view);
    }

    /// Enters the slot's request into the process of `pod`, its client waiting until `patience`.
    pub(super) fn enter_sharing(
        &mut self,
        slot: &mut Slot<'s>,
        pod: PodId,
        patience: SimTime,
        view: &mut View<'_, 's>,
    ) {
        let work = view.servers.stretched(pod, self.now, slot.call.service_time);
        slot.shares = Some(pod);
        if let Some(sharing) = view.servers.sharing(pod) {
            if self.results.series.is_some() {
                sharing.observe(self.now);
            }
            sharing.arrive(self.now, slot.index, work, patience);
        }
        self.rearrange(pod, view);
    }

    /// The wakes of the slots whose requests share the process of `pod`, after a change there.
    pub(super) fn rearrange(&mut self, pod: PodId, view: &mut View<'_, 's>) {
        let Some(sharing) = view.servers.sharing(pod) else { return };
        for (slot, at) in sharing.wakes(self.now) {
            self.wakes.set(slot, at.max(self.now));
        }
        if self.results.series.is_some() {
            self.observe_sharing(pod, view);
        }
    }

    /// When the slot's request was served, if it shared a process and is done by now. Else it may be that its client's patience
    /// is over, or that nothing has happened.
    pub(super) fn done_sharing(&mut self, slot: &mut Slot<'s>, view: &mut View<'_, 's>) -> Option<Service> {
        let pod = slot.shares?;
        let service = view.servers.sharing(pod)?.take_done(self.now, slot.index);
        if service.is_some() {
            slot.shares = None;
        }
        self.rearrange(pod, view);
        service
    }

    /// The client does not wait any longer for a request that shares a process. Says whether the process had begun it.
    pub(super) fn abandon_sharing(&mut self, slot: &mut Slot<'s>, view: &mut View<'_, 's>) -> bool {
        let Some(pod) = slot.shares.take() else { return false };
        let had_begun = view.servers.sharing(pod).is_some_and(|sharing| sharing.abandon(self.now, slot.index));
        self.rearrange(pod, view);
        had_begun
    }

    pub(super) fn wake_sharing(&mut self, slot: &mut Slot<'s>, view: &mut View<'_, 's>) {
        if let Some(service) = self.done_sharing(slot, view) {
            let told = slot.socket.is_some_and(|socket| view.servers.says_close(socket.pod));
            self.serves_until(slot, service, told, slot.patience);
            if let Some(socket) = slot.socket.as_mut().filter(|socket| view.servers.closes(socket.pod)) {
                socket.closed_at = Some(socket.idle_since);
            }
        } else if self.now >= slot.patience {
            slot.call.may_have_run |= self.abandon_sharing(slot, view);
            self.gives_up(slot, view);
        }
    }
}
