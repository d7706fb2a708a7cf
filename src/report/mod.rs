//! Reports: text and pictures made from records.

pub mod chain;
pub mod picture;
pub mod story;

#[cfg(test)]
pub(crate) mod sample;
