//! Integration tests, one crate so that it links once.

mod cli;
mod scenario_files;
mod vectors;
