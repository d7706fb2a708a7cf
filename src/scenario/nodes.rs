//! `[nodes]` and `[pod.requests]`: what nodes hold and what a pod asks of them, in Kubernetes' quantities.

use crate::model::spec::{Images, NodesSpec, Requests, Spread};
use crate::scenario::log::Fault;
use crate::scenario::names;
use crate::scenario::reader::Fields;
use crate::scenario::settled::Out;
use crate::scenario::tree::Node;
use crate::scenario::values::{text, whole};

/// The keys of `[nodes]` that are no node's.
pub(super) const KEYS: [&str; 5] = ["cpu", "memory", "pods", "spread", "images"];

/// What every node has.
pub(super) fn nodes(fields: &mut Fields<'_>) -> NodesSpec {
    NodesSpec {
        cpu: fields.get("cpu", cpu),
        memory: fields.get("memory", memory),
        pods: fields.get("pods", whole(1..=100_000)),
        spread: fields.or("spread", |node| names::SPREAD.parse(node), Spread::default()),
        images: fields.or("images", |node| names::IMAGES.parse(node), Images::default()),
    }
}

/// What a pod asks for.
pub(super) fn requests(fields: &mut Fields<'_>) -> Requests {
    Requests { cpu: fields.or("cpu", cpu, 0), memory: fields.or("memory", memory, 0) }
}

/// Writes the keys of `[nodes]` that are no node's.
pub(super) fn settled(out: &mut Out, nodes: &NodesSpec) {
    out.table("nodes");
    if let Some(cpu) = nodes.cpu {
        out.quoted("cpu", format!("{cpu}m"));
    }
    if let Some(memory) = nodes.memory {
        out.quoted("memory", memory);
    }
    if let Some(pods) = nodes.pods {
        out.raw("pods", pods);
    }
    out.quoted("spread", names::SPREAD.of(nodes.spread));
    out.quoted("images", names::IMAGES.of(nodes.images));
}

/// Writes what a pod asks for.
pub(super) fn settled_requests(out: &mut Out, requests: &Requests) {
    out.raw("requests", format!("{{ cpu = \"{}m\", memory = \"{}\" }}", requests.cpu, requests.memory));
}

/// Thousandths of a CPU.
fn cpu(node: &Node) -> Result<u64, Fault> {
    const EXPECTED: &str = "an amount of CPU such as \"500m\" or \"4\"";
    let found = text(node)?;
    let (digits, scale) = found.strip_suffix('m').map_or((found.as_str(), 1_000), |digits| (digits, 1));
    amount(digits, scale).ok_or_else(|| wrong(EXPECTED, node))
}

/// Bytes.
fn memory(node: &Node) -> Result<u64, Fault> {
    const EXPECTED: &str = "an amount of memory such as \"512Mi\" or \"4Gi\"";
    const SUFFIXES: [(&str, u64); 6] =
        [("Ki", 1 << 10), ("Mi", 1 << 20), ("Gi", 1 << 30), ("k", 1_000), ("M", 1_000_000), ("G", 1_000_000_000)];
    let found = text(node)?;
    let scaled = SUFFIXES.iter().find_map(|(suffix, scale)| Some((found.strip_suffix(suffix)?, *scale)));
    let (digits, scale) = scaled.unwrap_or((&found, 1));
    amount(digits, scale).ok_or_else(|| wrong(EXPECTED, node))
}

/// At most 2^50, so that sums of pods stay numbers.
fn amount(digits: &str, scale: u64) -> Option<u64> {
    digits.parse::<u64>().ok()?.checked_mul(scale).filter(|amount| *amount <= 1 << 50)
}

fn wrong(expected: &str, node: &Node) -> Fault {
    Fault::new("bad-value", format!("must be {expected}, found {}", node.describe()))
}
