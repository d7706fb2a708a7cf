//! Integration tests: one crate, one file for each subject.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod cli;
