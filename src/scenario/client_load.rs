//! How the rate of an open-loop client changes.

use crate::model::spec::{Arrivals, BurstSpec, ShapeSpec};
use crate::scenario::log::Fault;
use crate::scenario::reader::Fields;
use crate::scenario::trace;
use crate::scenario::tree::Node;
use crate::scenario::values::{duration, exactly, items, number, period};
use crate::units::SimDuration;

pub(super) fn burst(fields: &mut Fields<'_>, row: BurstSpec) -> BurstSpec {
    BurstSpec {
        on: fields.or("on", period, row.on),
        off: fields.or("off", period, row.off),
        quiet: fields.or("quiet", number(0.0..=1.0), row.quiet),
    }
}

pub(super) fn shape(fields: &mut Fields<'_>, row: ShapeSpec) -> ShapeSpec {
    let points = fields.or("shape", points, row.points);
    ShapeSpec { points, starts_at: fields.or("shape_starts_at", duration, row.starts_at) }
}

/// A factor further away than this from the mean is a slip.
const FACTORS: std::ops::RangeInclusive<f64> = 0.0..=1000.0;

fn points(node: &Node) -> Result<Vec<(SimDuration, f64)>, Fault> {
    let rows = items(node, "an array of [time, factor]")?;
    let points: Vec<_> =
        rows.iter().map(|row| point(row).map_err(|fault| fault.at(row.at))).collect::<Result<_, _>>()?;
    let bad = |message: &str| {
        let fault = Fault::new("bad-shape", message);
        fault.help("write the time at which it begins again last: [[\"0s\", 1], [\"30s\", 2], [\"60s\", 1]]")
    };
    if let Some(fallen) = points.windows(2).position(|pair| pair[0].0 >= pair[1].0) {
        return Err(bad("has times that do not rise").at(rows[fallen + 1].at));
    }
    match points.first() {
        Some((first, _)) if first.is_zero() && points.len() > 1 => {}
        _ => return Err(bad("needs at least two points, the first at \"0s\"")),
    }
    match points.iter().any(|(_, factor)| *factor > 0.0) {
        true => Ok(points),
        false => Err(bad("is zero all the time")),
    }
}

fn point(row: &Node) -> Result<(SimDuration, f64), Fault> {
    let [at, factor] = exactly(row, "an array of [time, factor]")?;
    let at = duration(at).map_err(|fault| fault.at(at.at))?;
    Ok((at, number(FACTORS)(factor).map_err(|fault| fault.at(factor.at))?))
}

/// The times of a trace, for a client that has one.
pub(super) fn trace(fields: &mut Fields<'_>, arrivals: Arrivals) -> Vec<SimDuration> {
    if arrivals == Arrivals::Trace {
        if !fields.has("trace") {
            let fault = Fault::new("missing-key", "has arrivals = \"trace\" but no `trace`");
            fields.complain(
                fault.help("name a CSV file whose first column is the time of each request: trace = \"requests.csv\""),
            );
        }
        return fields.or("trace", trace::times, Vec::new());
    }
    let fault = Fault::new("conflict", "is for arrivals = \"trace\"");
    fields.refuse("trace", fault.help("remove it, or set arrivals = \"trace\""));
    Vec::new()
}
