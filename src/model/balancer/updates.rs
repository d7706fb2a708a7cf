//! When a replica puts changes in force: debounce or batch, then a rate limit, one update at a time. Pure: it says when
//! to be called next.

use crate::model::spec::UpdateSpec;
use crate::units::{SimDuration, SimTime};

/// Where the update path of one replica stands.
#[derive(Debug)]
pub struct Updates {
    debounce: SimDuration,
    debounce_max: SimDuration,
    batch_window: SimDuration,
    /// Least time between two updates' beginnings.
    interval: SimDuration,
    /// The first event that waits.
    first: Option<SimTime>,
    due: SimTime,
    /// An update will begin.
    arranged: bool,
    running: bool,
    /// Events came while one ran.
    dirty: bool,
    last: Option<SimTime>,
}

impl Updates {
    /// Nothing waits.
    pub fn new(spec: &UpdateSpec) -> Self {
        let rate = spec.sync_rate_limit.as_per_second();
        let limit = if rate > 0.0 { SimDuration::from_secs_f64_rounded(1.0 / rate) } else { SimDuration::ZERO };
        Updates {
            debounce: spec.debounce,
            debounce_max: spec.debounce_max,
            batch_window: spec.batch_window,
            interval: limit.max(spec.throttle),
            first: None,
            due: SimTime::ZERO,
            arranged: false,
            running: false,
            dirty: false,
            last: None,
        }
    }

    /// Something changed. When to call [`Updates::on_due`], if that is not arranged yet.
    pub fn on_event(&mut self, now: SimTime) -> Option<SimTime> {
        let waits = self.first.is_some();
        let first = *self.first.get_or_insert(now);
        if !self.debounce.is_zero() {
            self.due = (now + self.debounce).min(first + self.debounce_max);
        } else if !waits {
            self.due = now + self.batch_window;
        }
        (!waits).then_some(self.due)
    }

    /// The wait may be over: `Err` says when to look again, `Ok` when an update begins, if it is to be arranged.
    pub fn on_due(&mut self, now: SimTime) -> Result<Option<SimTime>, SimTime> {
        if now < self.due {
            return Err(self.due);
        }
        self.first = None;
        Ok(self.request(now))
    }

    /// An update is wanted. When it begins, if that is not arranged yet.
    pub fn request(&mut self, now: SimTime) -> Option<SimTime> {
        self.dirty |= self.running;
        if self.running || std::mem::replace(&mut self.arranged, true) {
            return None;
        }
        Some(self.last.map_or(now, |last| now.max(last + self.interval)))
    }

    /// An update begins.
    pub fn on_begin(&mut self, now: SimTime) {
        (self.arranged, self.running, self.last) = (false, true, Some(now));
    }

    /// The update is in force. When the next begins, if events came meanwhile.
    pub fn on_applied(&mut self, now: SimTime) -> Option<SimTime> {
        self.running = false;
        if std::mem::take(&mut self.dirty) { self.request(now) } else { None }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dist::Dist;
    use crate::units::Rate;

    fn ms(value: u64) -> SimTime {
        SimTime::ZERO + SimDuration::from_millis(value)
    }

    fn spec() -> UpdateSpec {
        UpdateSpec {
            reloads: false,
            debounce: SimDuration::ZERO,
            debounce_max: SimDuration::ZERO,
            batch_window: SimDuration::ZERO,
            sync_rate_limit: Rate::ZERO,
            throttle: SimDuration::ZERO,
            poll: SimDuration::ZERO,
            apply: Dist::ZERO,
            apply_per_object: SimDuration::ZERO,
            configuration_objects: 0,
            worker_poll: SimDuration::ZERO,
            registration: Dist::ZERO,
            deregistration: Dist::ZERO,
            deregistration_delay: None,
        }
    }

    #[test]
    fn the_first_update_after_idle_is_immediate_and_the_next_waits_for_the_limit() {
        let mut updates = Updates::new(&UpdateSpec { sync_rate_limit: "0.3/s".parse().unwrap(), ..spec() });
        assert_eq!(updates.on_event(ms(1_000)), Some(ms(1_000)));
        assert_eq!(updates.on_due(ms(1_000)), Ok(Some(ms(1_000))));
        updates.on_begin(ms(1_000));
        assert_eq!(updates.on_applied(ms(1_100)), None);
        updates.on_event(ms(1_500));
        let begins = updates.on_due(ms(1_500)).unwrap().unwrap();
        assert_eq!((begins - ms(1_000)).as_nanos(), 3_333_333_333);
        updates.on_event(ms(2_000));
        assert_eq!(updates.on_due(ms(2_000)), Ok(None), "one update covers all events before it");
    }

    #[test]
    fn a_window_collects_and_a_debounce_waits_for_quiet_but_not_for_ever() {
        let mut window = Updates::new(&UpdateSpec { batch_window: SimDuration::from_secs(1), ..spec() });
        assert_eq!(window.on_event(ms(0)), Some(ms(1_000)));
        assert_eq!(window.on_event(ms(900)), None);
        assert_eq!(window.on_due(ms(1_000)), Ok(Some(ms(1_000))));
        let quiet = UpdateSpec {
            debounce: SimDuration::from_millis(100),
            debounce_max: SimDuration::from_millis(250),
            ..spec()
        };
        let mut quiet = Updates::new(&quiet);
        assert_eq!(quiet.on_event(ms(0)), Some(ms(100)));
        assert_eq!(quiet.on_event(ms(80)), None);
        assert_eq!(quiet.on_due(ms(100)), Err(ms(180)));
        quiet.on_event(ms(170));
        assert_eq!(quiet.on_due(ms(180)), Err(ms(250)));
        assert_eq!(quiet.on_due(ms(250)), Ok(Some(ms(250))));
    }

    #[test]
    fn events_during_an_update_bring_another() {
        let mut updates = Updates::new(&UpdateSpec { throttle: SimDuration::from_secs(2), ..spec() });
        updates.on_event(ms(0));
        updates.on_due(ms(0)).unwrap();
        updates.on_begin(ms(0));
        updates.on_event(ms(10));
        assert_eq!(updates.on_due(ms(10)), Ok(None));
        assert_eq!(updates.on_applied(ms(50)), Some(ms(2_000)));
    }
}
