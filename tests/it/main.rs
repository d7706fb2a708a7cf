//! Integration tests, one crate so that it links once.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a test that fails says so by panicking")]
#![expect(clippy::float_cmp, reason = "counts are whole numbers")]
#![expect(clippy::disallowed_methods, reason = "expectations may be computed with std's maths")]

mod arrivals;
mod article;
mod availability;
mod balancers;
mod capacity;
mod cli;
mod clients;
mod closed_network;
mod common;
mod coverage;
mod data_plane;
mod determinism;
mod drivers;
mod estimators;
mod hedging;
mod load;
mod manifests;
mod mechanisms;
mod no_effect;
mod paths;
mod properties;
mod published;
mod rare;
mod readme;
mod recommend;
mod scenario_files;
mod series;
mod servers;
mod streams;
mod sweep;
mod theory;
mod tidy;
mod upstream;
mod validation;
mod vectors;
mod workloads;
