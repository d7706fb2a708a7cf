//! Results as bytes.

pub mod picture;
pub mod story;
