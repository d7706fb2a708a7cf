//! How a run went second by second, in constant memory: what is kept is a row for each interval, whatever passes through it.
//!
//! Rows of several replications are added up: counts, and areas (an amount times how long it lasted, in nanoseconds), all
//! whole numbers, so that the order of adding does not matter.

use crate::record::{FailureKind, Histogram};
use crate::units::{SimDuration, SimTime};

/// A run has no more rows than this: intervals of a longer run are longer. As many may follow for answers that come later.
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
    /// Workers of processes that have listened and not ended: of each as many as its CPU limit lets be at work.
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

/// What a request had at its pod.
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
}

/// One interval.
#[derive(Debug, Clone, PartialEq)]
pub struct Row {
    /// Requests whose end their clients knew in it.
    pub succeeded: u64,
    /// The lost ones, by kind.
    pub failed: [u64; FailureKind::ALL.len()],
    latency_sum: u128,
    latency_max: SimDuration,
    latencies: Histogram<FINE_BITS>,
    /// Requests that arrived at a pod in it and were taken up by a worker.
    arrived: u64,
    waited: u128,
    /// Amounts times nanoseconds.
    areas: [u128; Level::COUNT],
    /// How much of it lies in the run, nanoseconds of all replications.
    time: u128,
    /// Replications that have it.
    replications: u64,
}

impl Row {
    fn new() -> Self {
        Row {
            succeeded: 0,
            failed: [0; FailureKind::ALL.len()],
            latency_sum: 0,
            latency_max: SimDuration::ZERO,
            latencies: Histogram::new(),
            arrived: 0,
            waited: 0,
            areas: [0; Level::COUNT],
            time: 0,
            replications: 0,
        }
    }

    fn join(&mut self, other: &Row) {
        self.succeeded += other.succeeded;
        self.failed.iter_mut().zip(other.failed).for_each(|(sum, count)| *sum += count);
        self.latency_sum += other.latency_sum;
        self.latency_max = self.latency_max.max(other.latency_max);
        self.latencies.join(&other.latencies);
        self.arrived += other.arrived;
        self.waited += other.waited;
        self.areas.iter_mut().zip(other.areas).for_each(|(sum, area)| *sum += area);
        self.time += other.time;
        self.replications += other.replications;
    }

    /// How many replications lasted so long, or had an answer so late.
    pub fn replications(&self) -> u64 {
        self.replications
    }

    /// The mean amount of a level, over the time of the row that lies in the run, of the replications that have it; none
    /// after the end.
    pub fn mean(&self, level: Level) -> Option<f64> {
        (self.time > 0).then(|| self.areas[level as usize] as f64 / self.time as f64)
    }

    /// Mean latency of the requests answered, seconds.
    pub fn latency_mean_s(&self) -> Option<f64> {
        (self.succeeded > 0).then(|| self.latency_sum as f64 / self.succeeded as f64 / 1e9)
    }

    /// Quantiles of their latency, seconds; the shares must rise.
    pub fn latency_quantiles_s<const N: usize>(&self, shares: [f64; N]) -> Option<[f64; N]> {
        let quantiles = || self.latencies.quantiles(self.succeeded, shares);
        (self.succeeded > 0).then(|| quantiles().map(|quantile| quantile.min(self.latency_max).as_secs_f64()))
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

    /// Workers are not at work for longer than they are there, but for what rounding adds.
    fn is_possible(&self) -> bool {
        let [workers, busy] = [Level::Workers, Level::Busy].map(|level| self.areas[level as usize] as f64);
        busy <= workers * (1.0 + 1e-9) + 1e3
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

    /// A request is answered.
    pub fn succeeded(&mut self, known: SimTime, latency: SimDuration) {
        let row = self.row(known);
        row.succeeded += 1;
        row.latency_sum += u128::from(latency.as_nanos());
        row.latency_max = row.latency_max.max(latency);
        row.latencies.record(latency);
    }

    /// A request is lost.
    pub fn failed(&mut self, known: SimTime, kind: FailureKind) {
        self.row(known).failed[kind as usize] += 1;
    }

    /// A request is at a pod, where it was cut at `cut` if it was there still; what comes after `end` does not belong to the run.
    pub fn served(&mut self, served: &Served, cut: SimTime, end: SimTime) {
        if served.start <= cut {
            self.taken_up(served.arrived, served.start);
        }
        let until = cut.min(end);
        self.lasts(Level::Queued, served.arrived, served.start.min(until), 1);
        self.lasts(Level::InFlight, served.arrived, served.done.min(until), 1);
        self.lasts(Level::Busy, served.start, served.finish.min(until), 1);
    }

    /// A worker took up at `start` what had arrived.
    pub fn taken_up(&mut self, arrived: SimTime, start: SimTime) {
        let row = self.row(arrived);
        row.arrived += 1;
        row.waited += u128::from((start - arrived).as_nanos());
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

    /// Workers were at work for `time` together, evenly from one time to another, of which what lies before `until` counts.
    pub fn worked(&mut self, (from, to): (SimTime, SimTime), time: SimDuration, until: SimTime) {
        let elapsed = u128::from(to.saturating_since(from).as_nanos()).max(1);
        let part = |area: &mut u128, span: u64| *area += u128::from(span) * u128::from(time.as_nanos()) / elapsed;
        self.change(from, to.min(until), part, Level::Busy);
    }

    fn change(&mut self, from: SimTime, to: SimTime, change: impl Fn(&mut u128, u64), level: Level) {
        let mut at = from;
        while at < to {
            let place = self.place(at);
            let until = if place + 1 == 2 * MOST_ROWS as usize { to } else { to.min(self.begins(place + 1)) };
            change(&mut self.row(at).areas[level as usize], (until - at).as_nanos());
            at = until;
        }
    }

    fn place(&self, at: SimTime) -> usize {
        (at.as_nanos() / self.width.as_nanos()).min(2 * MOST_ROWS - 1) as usize
    }

    fn row(&mut self, at: SimTime) -> &mut Row {
        let place = self.place(at);
        if self.rows.len() <= place {
            self.rows.resize_with(place + 1, Row::new);
        }
        &mut self.rows[place]
    }

    /// The run ended: its rows are there to the end, and further ones to the last answer.
    pub fn end(&mut self, end: SimTime) {
        let last = self.place(SimTime::from_nanos(end.as_nanos().saturating_sub(1)));
        self.row(self.begins(last));
        let has_answers = |row: &Row| row.succeeded + row.failed.iter().sum::<u64>() > 0;
        let last_answer = self.rows.iter().rposition(has_answers).unwrap_or(0);
        self.rows.truncate(last.max(last_answer) + 1);
        let width = self.width;
        for (place, row) in self.rows.iter_mut().enumerate() {
            let begins = SimTime::ZERO + width * place as u64;
            row.replications = 1;
            row.time = u128::from(end.saturating_since(begins).min(width).as_nanos());
        }
        debug_assert!(self.rows.iter().all(|row| !self.has_workers() || row.is_possible()), "more work than workers");
    }

    /// How many workers there are is known: they have a limit.
    fn has_workers(&self) -> bool {
        self.rows.iter().any(|row| row.areas[Level::Workers as usize] > 0)
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
    /// it and above twice their mean. None if there is none, or nothing to compare with. Rows after the end are left out: only slow
    /// answers come there.
    pub fn hump(&self, change: SimTime) -> Option<Hump> {
        let before = self.place(change);
        let usual: Vec<f64> = self.rows.get(..before)?.iter().filter_map(Row::latency_mean_s).collect();
        let highest = usual.iter().copied().reduce(f64::max)?;
        let limit = highest.max(2.0 * usual.iter().sum::<f64>() / usual.len() as f64);
        let is_raised = |row: &&(usize, f64)| row.1 > limit;
        let after = self.rows.iter().enumerate().skip(before).filter(|(_, row)| row.time > 0);
        let means: Vec<(usize, f64)> = after.filter_map(|(place, row)| Some((place, row.latency_mean_s()?))).collect();
        let (first, last) = (means.iter().find(is_raised)?.0, means.iter().rfind(is_raised)?.0);
        let peak_s = means.iter().map(|(_, mean)| *mean).fold(0.0, f64::max);
        let is_over = means.last().is_some_and(|(place, _)| *place > last);
        Some(Hump { begins: self.begins(first), peak_s, ends: is_over.then(|| self.begins(last + 1)) })
    }
}

#[cfg(test)]
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
        series.lasts(Level::InFlight, at(1.0), at(1.75), 1);
        series.end(at(3.0));
        let means: Vec<f64> = series.rows().iter().filter_map(|row| row.mean(Level::Ready)).collect();
        assert_eq!(means, [2.0, 4.0, 4.0]);
        assert_eq!(series.rows()[1].mean(Level::InFlight), Some(0.75));
    }

    #[test]
    fn no_quantile_is_longer_than_the_longest_latency() {
        let mut series = Series::new(SimDuration::from_secs(2));
        series.succeeded(at(0.2), ms(10));
        series.succeeded(at(0.3), ms(30));
        assert_eq!(series.rows()[0].latency_quantiles_s([0.99, 1.0]), Some([0.03, 0.03]));
    }

    #[test]
    fn answers_after_the_end_have_rows_of_their_own_without_levels() {
        let mut series = Series::new(SimDuration::from_secs(2));
        series.lasts(Level::Ready, at(0.0), at(2.0), 3);
        series.succeeded(at(0.2), ms(10));
        series.succeeded(at(3.5), ms(30));
        series.failed(at(4.5), FailureKind::Timeout);
        series.lasts(Level::Busy, at(6.0), at(7.0), 1);
        series.end(at(2.0));
        let answers: Vec<_> = series.rows().iter().map(|row| (row.succeeded, row.failed.iter().sum::<u64>())).collect();
        assert_eq!(answers, [(1, 0), (0, 0), (0, 0), (1, 0), (0, 1)]);
        let ready: Vec<_> = series.rows().iter().map(|row| row.mean(Level::Ready)).collect();
        assert_eq!(ready, [Some(3.0), Some(3.0), None, None, None]);
    }

    #[test]
    fn a_last_second_that_is_cut_short_is_divided_by_what_it_lasts() {
        let mut series = Series::new(SimDuration::from_secs(2));
        series.lasts(Level::Ready, at(0.0), at(1.5), 3);
        series.end(at(1.5));
        assert_eq!(series.rows()[1].mean(Level::Ready), Some(3.0));
    }

    #[test]
    fn a_replication_that_has_ended_does_not_count_as_zero() {
        let one = |end| {
            let mut series = Series::new(SimDuration::from_secs(5));
            series.lasts(Level::Ready, at(0.0), at(end), 2);
            series.end(at(end));
            series
        };
        let mut all = one(1.25);
        all.join(&one(3.0));
        assert!(all.rows().iter().all(|row| row.mean(Level::Ready) == Some(2.0)), "{all:?}");
        assert_eq!(all.rows().iter().map(Row::replications).collect::<Vec<_>>(), [2, 2, 1]);
    }

    #[test]
    fn what_is_cut_has_no_more_of_its_pod() {
        let served = |until| {
            let mut series = Series::new(SimDuration::from_secs(9));
            let served = Served { arrived: at(0.0), start: at(2.0), finish: at(4.0), done: at(5.0) };
            series.served(&served, until, at(9.0));
            let area = |level| series.rows.iter().map(|row| row.areas[level as usize]).sum::<u128>() / 100_000_000;
            ([Level::Queued, Level::Busy, Level::InFlight].map(area), series.waiting_mean_s())
        };
        assert_eq!(served(SimTime::MAX), ([20, 20, 50], Some(2.0)));
        assert_eq!(served(at(2.5)), ([20, 5, 25], Some(2.0)));
        assert_eq!(served(at(1.0)), ([10, 0, 10], None));
    }

    #[test]
    #[should_panic(expected = "more work than workers")]
    #[cfg(debug_assertions)]
    fn workers_are_not_at_work_for_longer_than_they_are_there() {
        let mut series = Series::new(SimDuration::from_secs(2));
        series.lasts(Level::Workers, at(0.0), at(1.0), 2);
        series.lasts(Level::Busy, at(0.0), at(1.5), 1);
        series.end(at(2.0));
    }

    #[test]
    fn a_long_run_has_no_more_rows() {
        let mut series = Series::new(SimDuration::from_secs(86_400));
        assert_eq!(series.width(), SimDuration::from_secs(24));
        series.lasts(Level::Ready, at(0.0), at(200_000.0), 1);
        series.end(at(86_400.0));
        assert_eq!(series.rows().len(), MOST_ROWS as usize);
        series.failed(at(1e6), FailureKind::Timeout);
        assert_eq!(series.rows().len(), 2 * MOST_ROWS as usize);
    }

    #[test]
    fn replications_are_added_up() {
        let one = |latency| {
            let mut series = Series::new(SimDuration::from_secs(2));
            series.succeeded(at(0.5), latency);
            series.lasts(Level::Busy, at(0.0), at(1.0), 2);
            series.end(at(1.0));
            series
        };
        let mut all = one(ms(10));
        all.join(&one(ms(30)));
        assert_eq!((all.replications(), all.rows()[0].succeeded), (2, 2));
        assert_eq!(all.rows()[0].latency_mean_s(), Some(0.02));
        assert_eq!(all.rows()[0].mean(Level::Busy), Some(2.0));
    }

    #[test]
    fn a_hump_begins_and_ends_where_latencies_leave_what_was_usual() {
        let mut series = Series::new(SimDuration::from_secs(60));
        for (second, latency) in [10, 12, 11, 10, 13, 40, 90, 30, 12, 11].into_iter().enumerate() {
            series.succeeded(at(second as f64 + 0.5), ms(latency));
        }
        series.end(at(10.0));
        let hump = series.hump(at(4.2)).unwrap();
        assert_eq!((hump.begins, hump.peak_s, hump.ends), (at(5.0), 0.09, Some(at(8.0))));
        assert_eq!(series.hump(at(0.0)), None, "nothing was before");
        assert_eq!(series.hump(at(8.0)), None, "nothing is above");
    }
}
