//! Traces of requests: a CSV file that a client names, put into the tree as an array of times. Which files those are is
//! said here; whoever calls the reader reads them, since nothing here looks outside.

use crate::scenario::log::{Fault, Log};
use crate::scenario::source::{Source, Text};
use crate::scenario::tree::{Node, Table, Value, parse_file};
use crate::scenario::values::{DAY, duration, items, number, text};
use crate::scenario::{setting, sweep};
use crate::units::SimDuration;

/// As many as one replication can send.
const MOST_TIMES: usize = 1_000_000;

/// The files that the clients of a scenario, edited by `sets`, name.
pub fn wanted_files(source: &Source, sets: &[String]) -> Vec<String> {
    let (mut root, _) = parse_file(&source.text);
    for (index, set) in sets.iter().enumerate() {
        // What is wrong with it is said where it is applied for good.
        drop(setting::apply(&mut root, index + 1, set));
    }
    let varied = sweep::traces(&root);
    traces(&mut root).filter_map(|node| text(node).ok()).chain(varied).collect()
}

/// The values of all `clients.N.trace` that are texts.
fn traces(root: &mut Table) -> impl Iterator<Item = &mut Node> {
    let clients = root.get_mut("clients").map(|entry| &mut entry.node.value);
    let items = match clients {
        Some(Value::Array(items)) => items.as_mut_slice(),
        _ => &mut [],
    };
    items.iter_mut().filter_map(|item| match &mut item.value {
        Value::Table(client) => client.get_mut("trace").map(|entry| &mut entry.node),
        _ => None,
    })
}

/// Puts the times of attached files in the place of their names.
pub(super) fn put_in(log: &Log, root: &mut Table, source: &Source) {
    for (number, node) in traces(root).enumerate() {
        let Value::Text(name) = &node.value else { continue };
        let key = format!("clients.{number}.trace");
        let read = source.attached(name).map_or_else(|| Err(not_attached(name)), |text| parse(name, text, node));
        match read {
            Ok(times) => node.value = Value::Array(times),
            Err(fault) => {
                log.error(&key, node.at, Fault { message: format!("`{key}` {}", fault.message), ..fault });
                // One error is enough.
                let start = Node { value: Value::Float("0".to_owned(), Some(0.0)), ..node.clone() };
                node.value = Value::Array(vec![start]);
            }
        }
    }
}

fn not_attached(name: &str) -> Fault {
    Fault::new("missing-file", format!("names the file {name:?}, which cannot be read here"))
        .help("write the times themselves: trace = [0.5, 1.25]")
}

/// The first column of a CSV file: seconds, or durations with a unit. A first line that begins with a letter is a heading.
fn parse(name: &str, csv: &str, node: &Node) -> Result<Vec<Node>, Fault> {
    let csv = csv.strip_prefix('\u{feff}').unwrap_or(csv);
    let (mut times, mut last) = (Vec::new(), SimDuration::ZERO);
    let mut start = 0;
    for row in csv.split_inclusive('\n') {
        let field = row.split(',').next().unwrap_or_default().trim().trim_matches('"');
        let letters = field.starts_with(|first: char| first.is_alphabetic() || first == '#');
        let is_heading = start == 0 && letters && field.parse::<f64>().is_err();
        if !row.trim().is_empty() && !is_heading {
            let (value, at) = one_time(field).map_err(|wrong| bad_row(name, csv, start, field, wrong))?;
            if at < last {
                return Err(bad_row(name, csv, start, field, "comes after a later one: sort the trace by time"));
            }
            times.push(Node { value, ..node.clone() });
            last = at;
        }
        start += row.len();
    }
    Ok(times)
}

/// A field as a value of the tree, and the time that it is.
fn one_time(field: &str) -> Result<(Value, SimDuration), &'static str> {
    let (value, at) = match (field.parse::<f64>(), field.parse::<SimDuration>()) {
        (Ok(secs), _) if !(0.0..=DAY.as_secs_f64()).contains(&secs) => return Err("is no time from 0 to 86400 s"),
        (Ok(secs), _) => (Value::Float(field.to_owned(), Some(secs)), SimDuration::from_secs_f64_rounded(secs)),
        (Err(_), Ok(time)) if time > DAY => return Err("is no time from 0 to 86400 s"),
        (Err(_), Ok(time)) => (Value::Text(field.to_owned()), time),
        (Err(_), Err(_)) => return Err("is no time"),
    };
    Ok((value, at))
}

fn bad_row(name: &str, csv: &str, start: usize, field: &str, wrong: &str) -> Fault {
    let place = Text::new(name.to_owned(), csv.to_owned()).place(start, start);
    let found = crate::scenario::tree::shortened(field);
    Fault::new("bad-trace", format!("names {name}:{}:{}: \"{found}\" {wrong}", place.line, place.column))
        .help("the first column is the time of each request, in seconds or with a unit")
}

/// The times of a trace in the tree: they rise, and end within a day.
pub(super) fn times(node: &Node) -> Result<Vec<SimDuration>, Fault> {
    let times = items(node, "the name of a CSV file, or an array of times in seconds")?;
    if times.is_empty() || times.len() > MOST_TIMES {
        let message = format!("must have 1 to {MOST_TIMES} times, found {}", times.len());
        return Err(Fault::new("bad-trace", message));
    }
    let times: Vec<SimDuration> =
        times.iter().map(|item| time(item).map_err(|fault| fault.at(item.at))).collect::<Result<_, _>>()?;
    match times.windows(2).position(|pair| pair[0] > pair[1]) {
        None => Ok(times),
        Some(at) => {
            let message = format!("has times that fall: {} comes after {}", times[at + 1], times[at]);
            Err(Fault::new("bad-trace", message).help("sort the trace by time, counted from the start of the run"))
        }
    }
}

fn time(node: &Node) -> Result<SimDuration, Fault> {
    match node.value {
        Value::Whole(..) | Value::Float(..) => {
            number(0.0..=DAY.as_secs_f64())(node).map(SimDuration::from_secs_f64_rounded)
        }
        _ => duration(node),
    }
}
