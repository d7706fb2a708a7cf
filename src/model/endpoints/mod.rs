//! The EndpointSlice controller, for one Service.
//!
//! Models: which pod events start a sync; batching; conditions ready, serving and terminating by version; one write a
//! sync that changes something; the stale-cache rule. Leaves out: the split into slices of 100 (all endpoints are one
//! object here, so a change is one write), hints in proportion to CPUs (topology mode Auto), the Endpoints controller. Source: kubernetes/endpointslice
//! utils.go at daa4d010, endpointslice_controller.go at v1.20.2 and 9e8be126 (mechanics 4.1, 4.2).

mod conditions;
mod controller;
mod hints;

pub use conditions::conditions;
pub use controller::{EndpointSliceController, Timer};
pub use hints::hints;
