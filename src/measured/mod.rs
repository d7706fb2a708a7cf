//! Measured rollouts of a real cluster: the rows of `runs.csv`, and the scenario that says the same.
//!
//! The format is that of `tests/data/measurements` (its README tells how the runs were taken). This room reads text and
//! makes text; it opens no file.

mod observed;
mod text;

use serde::Deserialize;
use thiserror::Error;

pub use observed::{Observed, as_recorded};
pub use text::scenario_text;

/// One measured run: its settings, and what the client and the cluster counted.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct MeasuredRun {
    /// Its name, unique.
    pub run: String,
    /// The scenario it repeats.
    pub scenario: String,
    /// The load generator: `lc-ka`, `lc-ka-retry`, `lc-close`.
    pub client: String,
    /// Desired pods.
    pub replicas: u32,
    /// `maxSurge`, a number or a percentage.
    pub max_surge: String,
    /// `maxUnavailable`, a number or a percentage.
    pub max_unavailable: String,
    /// `SIGTERM` or `SIGQUIT`.
    pub stop_signal: String,
    /// What serves: `nginx`, `slow200-exit`, `slow200-drain`, `slow200-ignore`.
    pub handler: String,
    /// nginx' `keepalive_requests`, if it says.
    #[serde(default, deserialize_with = "maybe")]
    pub keepalive_requests: Option<f64>,
    /// Other Services of two endpoints each.
    #[serde(default, deserialize_with = "number")]
    pub preloaded_services: f64,
    /// The preStop command, or nothing.
    #[serde(default)]
    pub prestop: String,
    /// The grace period, seconds.
    pub grace_s: f64,
    /// kube-proxy's minimum sync period, seconds.
    pub min_sync_s: f64,
    /// Offered requests a second.
    pub rate_rps: f64,
    /// Patch to Deployment complete, seconds.
    pub rollout_s: f64,
    /// Connections opened.
    pub sockets: f64,
    failed_requests: f64,
    #[serde(default, deserialize_with = "number")]
    failed_before_patch: f64,
    #[serde(default, deserialize_with = "number")]
    connect_fail_outside_windows: f64,
    #[serde(default, deserialize_with = "number")]
    n_connect_refused: f64,
    #[serde(default, deserialize_with = "number")]
    n_connect_reset: f64,
    #[serde(default, deserialize_with = "number")]
    n_connect_timeout: f64,
    #[serde(default, deserialize_with = "number")]
    n_connect_ehostunreach: f64,
    #[serde(default, deserialize_with = "number")]
    n_eof: f64,
    #[serde(default, deserialize_with = "number")]
    n_read_reset: f64,
    #[serde(default, deserialize_with = "number")]
    n_read_reset_partial: f64,
    #[serde(default, deserialize_with = "number")]
    n_write_epipe: f64,
    #[serde(default, deserialize_with = "number")]
    n_write_reset: f64,
    #[serde(default, deserialize_with = "number")]
    n_timeout_read: f64,
}

/// Why measured data cannot be used.
#[derive(Debug, Error)]
pub enum MeasuredError {
    /// The text is not such a table.
    #[error("{file}: {source}")]
    Table {
        /// Which file.
        file: String,
        /// Where and what.
        source: csv::Error,
    },
    /// There is nothing in it.
    #[error("{0} holds no run")]
    Empty(String),
}

/// Reads `runs.csv`. Columns that are not needed are passed over.
///
/// # Errors
/// If a needed column is missing or a value is not what it should be, with its line.
pub fn read_runs(file: &str, text: &str) -> Result<Vec<MeasuredRun>, MeasuredError> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let runs: Result<Vec<MeasuredRun>, csv::Error> = reader.deserialize().collect();
    let runs = runs.map_err(|source| MeasuredError::Table { file: file.to_owned(), source })?;
    if runs.is_empty() { Err(MeasuredError::Empty(file.to_owned())) } else { Ok(runs) }
}

impl MeasuredRun {
    /// Whether its client keeps connections: only then are connections a finding.
    pub fn keeps_alive(&self) -> bool {
        self.client != "lc-close"
    }
}

/// A number; an empty field is zero.
fn number<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<f64, D::Error> {
    Ok(maybe(deserializer)?.unwrap_or(0.0))
}

fn maybe<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(|_| serde::de::Error::custom(format!("expected a number, found \"{text}\"")))
}
