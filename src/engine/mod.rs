//! The discrete-event engine: calendar of future events, timers, random streams, trace digest. It knows time and
//! order, and nothing of Kubernetes.
//!
//! # Order of simultaneous events
//!
//! Events are ordered by time, then by [`Tie`]: the static rank of the room that scheduled the event, the ordinal of
//! the entity within the room, and that entity's own sequence number. There is no global counter, so a driver that
//! handles entities in another order gives the same order of events. Requests are not in the calendar; the driver
//! handles control events before requests at equal times.

mod block;
mod calendar;
mod digest;
mod forcing;
mod out;
mod places;
mod slots;
mod stream;
mod wake_queue;

pub use calendar::{Calendar, Tie};
pub use digest::{Digest, mix};
pub use forcing::{Forcing, ForcingPlan};
pub use out::{Effect, Out};
pub use places::Places;
pub use slots::Slots;
pub use stream::{Stream, StreamKey, Streams, label_hash};
pub use wake_queue::{WakeQueue, Wakes};
