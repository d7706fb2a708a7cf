//! The readers on files in their true shapes, made from distributions that are known, and on broken ones.

mod broken;
mod kubectl;
mod load_tests;
mod samples;
