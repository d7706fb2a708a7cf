//! Balancers: the ingress and the cloud load balancer, one room with two sets of parameters.
//!
//! Models: replicas that each watch the EndpointSlices (or poll them) and put changes in force in their own time
//! (debounce, batch window, rate limit, throttle, time to apply by size of the configuration, worker polls, registration and
//! deregistration), reloads that replace the workers, active health checks with thresholds and the choice among all if none
//! is healthy, ejection of targets that fail requests, a pool of upstream connections for each worker, which tries are
//! repeated, and the policies. What a request meets on its way is decided in `world`. Leaves out: roll-outs and crashes of
//! the balancer itself, sticky cookies, slow start, HTTP/2, old workers choosing by their old list, connections lost in the
//! accept queue of an old worker (reuseport). Source: mechanics 6.1 to 6.5; nginx src/http/ngx_http_upstream.c at
//! 3f6f7824; kubernetes/ingress-nginx at dbb11b92.

mod health;
mod policy;
mod pool;
mod replica;
mod retry;
mod room;
mod updates;

pub use policy::{Active, AnyPolicy, Choice, Policy};
pub use pool::{Connection, Pool};
pub use replica::{Place, Replica};
pub use retry::{FailedTry, gives_back, pauses, status_for, stays, tries_again};
pub use room::{Balancer, Timer};
pub use updates::Updates;

pub use crate::ids::Target;
