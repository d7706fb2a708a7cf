//! Writes a client's pool and retries.

use std::fmt::Display;

use crate::model::spec::{
    Arrivals, BackOff, BurstSpec, ClientSpec, Failures, HedgeAfter, HedgingSpec, PoolSpec, ReconnectSpec, RetriesSpec,
};
use crate::scenario::names;
use crate::scenario::settled::Out;

pub(super) fn load(out: &mut Out, client: &ClientSpec) {
    let BurstSpec { on, off, quiet } = client.burst;
    out.raw("burst", format!("{{ on = \"{on}\", off = \"{off}\", quiet = {quiet:?} }}"));
    let points: Vec<_> = client.shape.points.iter().map(|(at, factor)| format!("[\"{at}\", {factor:?}]")).collect();
    out.raw("shape", format!("[{}]", points.join(", ")));
    out.quoted("shape_starts_at", client.shape.starts_at);
    let times: Vec<_> = client.trace.iter().map(|at| format!("{:?}", at.as_secs_f64())).collect();
    match client.arrivals {
        Arrivals::Trace => out.raw("trace", format!("[{}]", times.join(", "))),
        _ => out.line("# no trace"),
    }
}

pub(super) fn pool(out: &mut Out, pool: &PoolSpec) {
    out.or_none("idle_timeout", pool.idle_timeout.map(|time| format!("\"{time}\"")));
    out.or_none("max_age", pool.max_age.map(|time| format!("\"{time}\"")));
    out.or_none("max_age_grace", pool.max_age_grace.map(|time| format!("\"{time}\"")));
    out.or_none("max_requests", pool.max_requests.map(|(low, high)| format!("[{low}, {high}]")));
    out.or_none("max_idle", pool.max_idle);
}

pub(super) fn retries(out: &mut Out, client: &ClientSpec) {
    out.raw("stops_on", list(client.stops_on));
    match &client.retries {
        Some(spec) => out.raw("retries", table(spec)),
        None => out.line("# no retries: what fails is lost"),
    }
    match &client.hedging {
        Some(HedgingSpec { after, budget }) => {
            let after = match after {
                HedgeAfter::Delay(delay) => format!("delay = \"{delay}\""),
                HedgeAfter::Quantile(share) => format!("quantile = {share:?}"),
            };
            out.raw("hedging", format!("{{ {after}, budget = {} }}", share_or_none(*budget)));
        }
        None => out.line("# no hedging: an attempt is waited for"),
    }
    match &client.reconnect {
        Some(ReconnectSpec { back_off: BackOff { base, jitter, .. }, work }) => {
            let jitter = names::JITTER.of(*jitter);
            out.raw("reconnect", format!("{{ back_off = \"{base}\", jitter = \"{jitter}\", work = {work:?} }}"));
        }
        None => out.line("# no reconnect: the next request opens a connection"),
    }
}

fn list(failures: Failures) -> String {
    let names: Vec<String> = failures.names().map(|name| format!("\"{name}\"")).collect();
    format!("[{}]", names.join(", "))
}

fn share_or_none(share: Option<f64>) -> String {
    share.map_or("\"none\"".to_owned(), |share| format!("{share:?}"))
}

fn table(retries: &RetriesSpec) -> String {
    let RetriesSpec { attempts, on, non_idempotent, back_off, budget } = retries;
    let budget = share_or_none(*budget);
    let jitter = names::JITTER.of(back_off.jitter);
    format!(
        "{{ attempts = {attempts}, on = {}, non_idempotent = {non_idempotent}, back_off = \"{}\", \
         back_off_factor = {:?}, back_off_max = \"{}\", jitter = \"{jitter}\", budget = {budget} }}",
        list(*on),
        back_off.base,
        back_off.factor,
        back_off.max,
    )
}

impl Out {
    fn or_none(&mut self, key: &str, limit: Option<impl Display>) {
        match limit {
            Some(limit) => self.raw(key, limit),
            None => self.quoted(key, "none"),
        }
    }
}
