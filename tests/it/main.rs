//! Integration tests.

mod scenario_files;
