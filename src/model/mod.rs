//! The rooms: each models one part of a cluster, its clients or its servers, and knows no other room.
//!
//! A room is sans-IO: it is given the time and an input (a message, a watch event or one of its own timers) and
//! writes what it wants done into an [`Out`](crate::engine::Out) buffer. `api` and `msg` are shared by all rooms;
//! `world` carries what passes between them.

pub mod api;
pub mod msg;
pub mod spec;

pub mod autoscaler;
pub mod balancer;
pub mod client;
pub mod daemonset;
pub mod deployment;
pub mod disruption;
pub mod dns;
pub mod drain;
pub mod endpoints;
pub mod kube_proxy;
pub mod kubelet;
pub mod network;
pub mod replicaset;
pub mod scheduler;
pub mod server;
pub mod statefulset;
