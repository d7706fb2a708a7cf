//! Something that looks again a period after it last looked: PLEG's relists, the status manager's rounds. The rounds of
//! a node hang together, so that what happens between two of them is noticed at the same moment.

use crate::ids::NodeId;
use crate::model::msg::Draws;
use crate::model::spec::DelayId;
use crate::units::{SimDuration, SimTime};

/// The rounds of one node. A delay that is no grid is drawn alone, for each entity.
#[derive(Debug)]
pub(super) struct Rounds {
    id: DelayId,
    /// The stream of how long a round takes.
    purpose: &'static str,
    node: NodeId,
    /// When the last round that has been drawn begins and ends.
    last: (SimTime, SimTime),
}

impl Rounds {
    /// Rounds whose phase is random: the last one ended during the period before the run. Streams are named `purpose`,
    /// the phase's `phase`.
    pub(super) fn new(
        id: DelayId,
        (purpose, phase): (&'static str, &'static str),
        node: NodeId,
        draws: &mut Draws<'_>,
    ) -> Self {
        let share = draws.streams().get(phase, node.0.into()).uniform();
        let period = draws.grid(id).map_or(SimDuration::ZERO, |(period, _)| period);
        let ended = SimTime::ZERO + SimDuration::from_nanos_f64_rounded(period.as_nanos() as f64 * share);
        Rounds { id, purpose, node, last: (SimTime::ZERO, ended) }
    }

    /// When a change of now has been noticed: at the end of the first round that begins after it.
    pub(super) fn notice(&mut self, now: SimTime, entity: u64, draws: &mut Draws<'_>) -> SimTime {
        let Some((period, lateness)) = draws.grid(self.id) else { return now + draws.draw(self.id, entity) };
        while self.last.0 <= now {
            let begin = self.last.1 + period;
            self.last = (begin, begin + lateness.draw(draws.streams().get(self.purpose, self.node.0.into())));
        }
        self.last.1
    }
}
