//! Results as bytes: one versioned result, and renderers that read nothing else.
//!
//! [`RunResult`] and [`RunsResult`] are the contract: JSON is their plain serialisation, and tables, CSV and Markdown can
//! be made from a saved one without simulating again. Renderers return text; [`sink`] alone writes files. Stories and
//! pictures read the trace of one replication instead.

pub mod ablation;
pub mod against;
pub mod article;
mod assumptions;
pub mod chain;
pub mod csv;
pub mod frequency;
pub mod gate;
pub mod json;
pub mod markdown;
mod number;
mod overview;
pub mod picture;
pub mod result;
mod rows;
pub mod schema;
pub mod series;
pub mod sink;
pub mod story;
pub mod sweep;
pub mod table;
pub mod weighted;

#[cfg(test)]
pub(crate) mod sample;

pub use ablation::Ablation;
pub use gate::Gate;
pub use number::{count, percent};
pub use result::{
    Assumption, Difference, FAILURES_ONLY, Named, Paired, RunResult, RunsResult, Share, Summary, Warning,
};
pub use series::SeriesResult;
