//! How a run went second by second, in constant memory: what is kept is a row for each interval, whatever passes through it.
//!
//! Rows of several replications are added up: counts, and areas (an amount times how long it lasted, in nanoseconds), all
//! whole numbers, so that the order of adding does not matter.

use crate::record::{FailureKind, Histogram};
use crate::units::{SimDuration, SimTime};

/// More rows than this there are not: intervals of a longer run are longer.
const MOST_ROWS: u64 = 3_600;

/// Buckets an octave, as a power of two: a quantile of a row is off by less than 6.3 %.
const FINE_BITS: u32 = 4;

/// Amounts that last: of each the area is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Pods Ready and not terminating.
    Ready,
    /// Pods that something may choose for a client: mean over what chooses.
    Routed,
    /// Workers of processes that have listened and not ended.
    Workers,
    /// Requests that have arrived at a pod and are not answered.
    InFlight,
    /// Those of them that wait for a worker.
    Queued,
    /// Workers at work.
    Busy,
}

impl Level {
    const COUNT: usize = 6;
}

/// What a request had, or will have, at its pod.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Served {
    /// It reached the pod.
    pub arrived: SimTime,
    /// A worker took it.
    pub start: SimTime,
    /// The worker was done.
    pub finish: SimTime,
    /// The last byte of the response left.
    pub done: SimTime,
    /// The time of one worker that it took.
    pub work: SimDuration,
}

/// One interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Requests whose end their clients knew in it.
    pub succeeded: u64,
    /// The lost ones, by kind.
    pub failed: [u64; FailureKind::ALL.len()],
    latency_sum: u128,
    latencies: Histogram<FINE_BITS>,
    /// Requests that arrived at a pod in it and were, or will be, served.
    arrived: u64,
    waited: u128,
    /// Amounts times nanoseconds.
    areas: [u128; Level::COUNT],
}

impl Row {
    fn new() -> Self {
        Row {
            succeeded: 0,
            failed: [0; FailureKind::ALL.len()],
            latency_sum: 0,
            latencies: Histogram::new(),
            arrived: 0,
            waited: 0,
            areas: [0; Level::COUNT],
        }
    }

    fn join(&mut self, other: &Row) {
        self.succeeded += other.succeeded;
        self.failed.iter_mut().zip(other.failed).for_each(|(sum, count)| *sum += count);
        self.latency_sum += other.latency_sum;
        self.latencies.join(&other.latencies);
        self.arrived += other.arrived;
        self.waited += other.waited;
        self.areas.iter_mut().zip(other.areas).for_each(|(sum, area)| *sum += area);
    }

    /// Mean latency of the requests answered, seconds.
    pub fn latency_mean_s(&self) -> Option<f64> {
        (self.succeeded > 0).then(|| self.latency_sum as f64 / self.succeeded as f64 / 1e9)
    }

    /// Quantiles of their latency, seconds; the shares must rise.
    pub fn latency_quantiles_s<const N: usize>(&self, shares: [f64; N]) -> Option<[f64; N]> {
        let quantiles = || self.latencies.quantiles(self.succeeded, shares);
        (self.succeeded > 0).then(|| quantiles().map(SimDuration::as_secs_f64))
    }

    /// Mean wait of the requests that arrived, seconds.
    pub fn waiting_mean_s(&self) -> Option<f64> {
        (self.arrived > 0).then(|| self.waited as f64 / self.arrived as f64 / 1e9)
    }

    /// The share of the workers' time at work.
    pub fn utilisation(&self) -> Option<f64> {
        let workers = self.areas[Level::Workers as usize];
        (workers > 0).then(|| self.areas[Level::Busy as usize] as f64 / workers as f64)
    }
}

/// The rows of one replication, or of several together.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    width: SimDuration,
    rows: Vec<Row>,
    replications: u64,
}

impl Series {
    /// The empty series of one replication that lasts `longest` at most.
    pub fn new(longest: SimDuration) -> Self {
        let seconds = longest.as_whole_secs().div_ceil(MOST_ROWS).max(1);
        Series { width: SimDuration::from_secs(seconds), rows: Vec::new(), replications: 1 }
    }

    /// The length of an interval.
    pub fn width(&self) -> SimDuration {
        self.width
    }

    /// The rows in order of time, the first beginning with the run.
    pub fn rows(&self) -> &[Row] {
        &self.rows
    }

    /// How many replications are in them.
    pub fn replications(&self) -> u64 {
        self.replications
    }

    /// Mean wait of all requests that arrived at pods, seconds.
    pub fn waiting_mean_s(&self) -> Option<f64> {
        let mut all = Row::new();
        self.rows.iter().for_each(|row| all.join(row));
        all.waiting_mean_s()
    }

    /// When a row begins.
    pub fn begins(&self, row: usize) -> SimTime {
        SimTime::ZERO + self.width * row as u64
    }

    /// The mean amount of a level in a row, over its time and the replications.
    pub fn mean(&self, row: &Row, level: Level) -> f64 {
        row.areas[level as usize] as f64 / self.width.as_nanos() as f64 / self.replications as f64
    }

    /// A request is answered.
    pub fn succeeded(&mut self, known: SimTime, latency: SimDuration) {
        let row = self.row(known);
        row.succeeded += 1;
        row.latency_sum += u128::from(latency.as_nanos());
        row.latencies.record(latency);
    }

    /// A request is lost.
    pub fn failed(&mut self, known: SimTime, kind: FailureKind) {
        self.row(known).failed[kind as usize] += 1;
    }

    /// A request arrived at a pod, and will be served then.
    pub fn served(&mut self, served: &Served) {
        let row = self.row(served.arrived);
        row.arrived += 1;
        row.waited += u128::from((served.start - served.arrived).as_nanos());
        self.lasts(Level::Queued, served.arrived, served.start, 1);
        self.lasts(Level::InFlight, served.arrived, served.done, 1);
        let elapsed = u128::from((served.finish - served.start).as_nanos()).max(1);
        let work = u128::from(served.work.as_nanos()).min(elapsed);
        let part = |area: &mut u128, span: u64| *area += u128::from(span) * work / elapsed;
        self.change(served.start, served.finish, part, Level::Busy);
    }

    /// It is cut instead, at `now`; it had a worker for itself.
    pub fn cut(&mut self, served: &Served, now: SimTime) {
        self.lasted_not(Level::Queued, now, served.start);
        self.lasted_not(Level::InFlight, now, served.done);
        self.lasted_not(Level::Busy, now.max(served.start), served.finish);
    }

    /// `amount` of a level lasts from one time to another.
    pub fn lasts(&mut self, level: Level, from: SimTime, to: SimTime, amount: u64) {
        self.change(from, to, |area, span| *area += u128::from(amount) * u128::from(span), level);
    }

    /// The same of an amount that is shared by so many.
    pub fn lasts_shared(&mut self, level: Level, (from, to): (SimTime, SimTime), amount: u64, by: u64) {
        let share = |area: &mut u128, span: u64| *area += u128::from(amount) * u128::from(span) / u128::from(by);
        self.change(from, to, share, level);
    }

    /// One of a level did not last as long as was said.
    fn lasted_not(&mut self, level: Level, from: SimTime, to: SimTime) {
        self.change(from, to, |area, span| *area = area.saturating_sub(span.into()), level);
    }

    fn change(&mut self, from: SimTime, to: SimTime, change: impl Fn(&mut u128, u64), level: Level) {
        let mut at = from;
        while at < to {
            let place = self.place(at);
            let until = if place + 1 == MOST_ROWS as usize { to } else { to.min(self.begins(place + 1)) };
            change(&mut self.row(at).areas[level as usize], (until - at).as_nanos());
            at = until;
        }
    }

    fn place(&self, at: SimTime) -> usize {
        (at.as_nanos() / self.width.as_nanos()).min(MOST_ROWS - 1) as usize
    }

    fn row(&mut self, at: SimTime) -> &mut Row {
        let place = self.place(at);
        if self.rows.len() <= place {
            self.rows.resize_with(place + 1, Row::new);
        }
        &mut self.rows[place]
    }

    /// The run ended: what came later belongs to its last row, of what lasted only what lies in the run.
    pub fn end(&mut self, end: SimTime) {
        let last = self.place(SimTime::from_nanos(end.as_nanos().saturating_sub(1)));
        self.row(end.min(self.begins(last)));
        let late: Vec<Row> = self.rows.drain(last + 1..).collect();
        for row in late {
            self.rows[last].join(&Row { areas: [0; Level::COUNT], ..row });
        }
    }

    /// Adds the rows of other replications.
    pub fn join(&mut self, other: &Series) {
        self.replications += other.replications;
        self.rows.resize_with(self.rows.len().max(other.rows.len()), Row::new);
        self.rows.iter_mut().zip(&other.rows).for_each(|(row, other)| row.join(other));
    }
}

/// A stretch of raised latency.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Hump {
    /// The first row with a raised latency begins then.
    pub begins: SimTime,
    /// The highest mean latency of a row, seconds.
    pub peak_s: f64,
    /// The last such row ends then; none if that is the last row of the run.
    pub ends: Option<SimTime>,
}

impl Series {
    /// The latency hump of a change at `change`: rows after it in which the mean latency is above that of every row before
    /// it and above twice their mean. None if there is none, or nothing to compare with.
    pub fn hump(&self, change: SimTime) -> Option<Hump> {
        let before = self.place(change);
        let usual: Vec<f64> = self.rows.get(..before)?.iter().filter_map(Row::latency_mean_s).collect();
        let highest = usual.iter().copied().reduce(f64::max)?;
        let limit = highest.max(2.0 * usual.iter().sum::<f64>() / usual.len() as f64);
        let is_raised = |row: &&(usize, f64)| row.1 > limit;
        let after = self.rows.iter().enumerate().skip(before);
        let means: Vec<(usize, f64)> = after.filter_map(|(place, row)| Some((place, row.latency_mean_s()?))).collect();
        let (first, last) = (means.iter().find(is_raised)?.0, means.iter().rfind(is_raised)?.0);
        let peak_s = means.iter().map(|(_, mean)| *mean).fold(0.0, f64::max);
        let is_over = means.last().is_some_and(|(place, _)| *place > last);
        Some(Hump { begins: self.begins(first), peak_s, ends: is_over.then(|| self.begins(last + 1)) })
    }
}

#[cfg(test)]
#[expect(clippy::float_cmp, reason = "the numbers are exact")]
mod tests {
    use super::*;

    fn at(secs: f64) -> SimTime {
        SimTime::ZERO + SimDuration::from_secs_f64_rounded(secs)
    }

    fn ms(ms: u64) -> SimDuration {
        SimDuration::from_millis(ms)
    }

    #[test]
    fn what_lasts_is_spread_over_the_rows_it_touches() {
        let mut series = Series::new(SimDuration::from_secs(60));
        series.lasts(Level::Ready, at(0.5), at(3.25), 4);
        series.lasts(Level::InFlight, at(1.0), at(2.0), 1);
        series.lasted_not(Level::InFlight, at(1.75), at(2.0));
        series.end(at(3.0));
        let means: Vec<f64> = series.rows().iter().map(|row| series.mean(row, Level::Ready)).collect();
        assert_eq!(means, [2.0, 4.0, 4.0]);
        assert_eq!(series.mean(&series.rows()[1], Level::InFlight), 0.75);
    }

    #[test]
    fn what_ends_after_the_run_counts_in_its_last_row() {
        let mut series = Series::new(SimDuration::from_secs(2));
        series.succeeded(at(0.2), ms(10));
        series.succeeded(at(7.0), ms(30));
        series.failed(at(9.0), FailureKind::Timeout);
        series.end(at(2.0));
        let [first, second] = series.rows() else { panic!("{series:?}") };
        assert_eq!((first.succeeded, second.succeeded), (1, 1));
        assert_eq!(second.failed.iter().sum::<u64>(), 1);
        assert_eq!(first.latency_mean_s(), Some(0.01));
    }

    #[test]
    fn a_long_run_has_no_more_rows() {
        let mut series = Series::new(SimDuration::from_secs(86_400));
        assert_eq!(series.width(), SimDuration::from_secs(24));
        series.lasts(Level::Ready, at(0.0), at(200_000.0), 1);
        assert_eq!(series.rows().len(), MOST_ROWS as usize);
    }

    #[test]
    fn replications_are_added_up() {
        let one = |latency| {
            let mut series = Series::new(SimDuration::from_secs(2));
            series.succeeded(at(0.5), latency);
            series.lasts(Level::Busy, at(0.0), at(1.0), 2);
            series
        };
        let mut all = one(ms(10));
        all.join(&one(ms(30)));
        assert_eq!((all.replications(), all.rows()[0].succeeded), (2, 2));
        assert_eq!(all.rows()[0].latency_mean_s(), Some(0.02));
        assert_eq!(all.mean(&all.rows()[0], Level::Busy), 2.0);
    }

    #[test]
    fn a_hump_begins_and_ends_where_latencies_leave_what_was_usual() {
        let mut series = Series::new(SimDuration::from_secs(60));
        for (second, latency) in [10, 12, 11, 10, 13, 40, 90, 30, 12, 11].into_iter().enumerate() {
            series.succeeded(at(second as f64 + 0.5), ms(latency));
        }
        let hump = series.hump(at(4.2)).unwrap();
        assert_eq!((hump.begins, hump.peak_s, hump.ends), (at(5.0), 0.09, Some(at(8.0))));
        assert_eq!(series.hump(at(0.0)), None, "nothing was before");
        assert_eq!(series.hump(at(8.0)), None, "nothing is above");
    }
}
