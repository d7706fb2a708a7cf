//! The balancing policies by name. A new one is one line of the list here, and its file in `model/balancer/policy/`.

/// Hands the list of policies to a macro: `Variant = "name": what it does`.
macro_rules! balancing_policies {
    ($declare:ident) => {
        $declare! {
            RoundRobin = "round_robin": "each target in turn",
            Random = "random": "each with equal probability",
            LeastRequest = "least_request": "of two random ones the one with fewer requests under way",
            SourceHash = "source_hash": "the client's address decides",
            Maglev = "maglev": "the client's address decides, by a table that changes little when targets do",
            Ewma = "ewma": "of two random ones the one that answered faster lately",
        }
    };
}
pub(crate) use balancing_policies;

macro_rules! declare {
    ($($id:ident = $name:literal: $what:literal,)*) => {
        /// How a balancer chooses among its targets.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum BalancingPolicy { $(#[doc = $what] $id,)* }

        impl BalancingPolicy {
            /// All policies with their names in scenario files.
            pub const NAMES: &[(&str, BalancingPolicy)] = &[$(($name, BalancingPolicy::$id),)*];
        }
    };
}
balancing_policies!(declare);
