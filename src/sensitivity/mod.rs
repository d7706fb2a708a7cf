//! Which inputs decide an output: Morris screening and Sobol indices of any function of numbers between 0 and 1.
//!
//! A design says at which points the function has to be evaluated; whoever has the function evaluates them, in any order and
//! on any number of threads; an estimator turns the values, in the order of the design, into indices with intervals. Nothing
//! here knows scenarios: `inputs` alone says what a point means for one, and `missing` refuses values that are not there. Inputs are
//! independent and uniform.

pub mod design;
pub mod inputs;
pub mod missing;
pub mod morris;
mod result;
pub mod sobol;
mod text;

pub use result::{InputResult, SCHEMA, Sensitivity, tornado};
pub use text::render;
