//! The arguments that belong to Kubernetes manifests.

use clap::Args as ClapArgs;

use crate::units::{Rate, SimDuration};

/// What Kubernetes manifests do not say, and which workloads of them are meant.
#[derive(Debug, Clone, Default, ClapArgs)]
#[command(next_help_heading = "Kubernetes manifests")]
pub(super) struct ManifestArgs {
    /// A scenario file that says what the manifests do not; it wins over them
    #[arg(long, value_name = "FILE")]
    pub(super) with: Option<String>,
    /// The traffic: a rate, and keys of [[clients]], such as 500/s,connections=8,profile=fortio
    #[arg(long, value_name = "RATE,KEY=VALUE…", value_parser = traffic)]
    pub(super) traffic: Option<Traffic>,
    /// Time from the start of the process until it listens, such as 5s
    #[arg(long, value_name = "DURATION")]
    pub(super) boot: Option<SimDuration>,
    /// Only this workload: NAME or KIND/NAME (repeatable)
    #[arg(long, value_name = "NAME")]
    pub(super) workload: Vec<String>,
}

/// `--traffic`, taken apart: settings of the first client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Traffic(pub(super) Vec<String>);

impl ManifestArgs {
    /// Traffic and boot time as `--set`.
    pub(super) fn as_sets(&self) -> Vec<String> {
        let traffic = self.traffic.iter().flat_map(|traffic| traffic.0.iter().cloned());
        traffic.chain(self.boot.map(|boot| format!("pod.boot={boot}"))).collect()
    }
}

fn traffic(text: &str) -> Result<Traffic, String> {
    let mut parts = text.split(',').map(str::trim);
    let rate = parts.next().unwrap_or_default();
    rate.parse::<Rate>().map_err(|_| format!("expected a rate first, such as 500/s, found '{rate}'"))?;
    let mut sets = vec![format!("clients.0.rate={rate}")];
    for part in parts {
        let (key, value) = part.split_once('=').ok_or_else(|| format!("expected KEY=VALUE, found '{part}'"))?;
        sets.push(format!("clients.0.{}={}", key.trim(), value.trim()));
    }
    Ok(Traffic(sets))
}
