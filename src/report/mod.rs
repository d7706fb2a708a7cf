//! Results as bytes: one versioned result, and renderers that read nothing else.
//!
//! [`RunResult`] and [`RunsResult`] are the contract: JSON is their plain serialisation, and tables, CSV and Markdown can
//! be made from a saved one without simulating again. Renderers return text; [`sink`] alone writes files. Stories and
//! pictures read the trace of one replication instead.

pub mod ablation;
#[cfg(feature = "cli")]
pub mod against;
#[cfg(feature = "cli")]
pub mod article;
mod assumptions;
pub mod chain;
#[cfg(feature = "cli")]
pub mod csv;
#[cfg(feature = "cli")]
pub mod frequency;
pub mod gate;
#[cfg(feature = "cli")]
pub mod html;
pub mod json;
pub mod markdown;
#[cfg(feature = "cli")]
pub mod mermaid;
mod number;
#[cfg(feature = "cli")]
mod overview;
#[cfg(feature = "cli")]
pub mod perfetto;
#[cfg(feature = "cli")]
pub mod picture;
pub mod race;
pub mod result;
mod rows;
pub mod schema;
pub mod series;
#[cfg(feature = "cli")]
pub mod sink;
pub mod story;
#[cfg(feature = "cli")]
pub mod sweep;
#[cfg(feature = "cli")]
pub mod table;
mod times;
#[cfg(feature = "cli")]
pub mod watch;
#[cfg(feature = "cli")]
pub mod weighted;

#[cfg(test)]
pub(crate) mod sample;

pub use ablation::Ablation;
pub use gate::{Gate, Judged};
pub use number::{count, percent};
pub use result::{
    Assumption, Difference, FAILURES_ONLY, Named, Paired, RunResult, RunsResult, Share, Summary, Warning,
};
pub use series::SeriesResult;
