//! Mechanisms that can be switched off, to see what each contributes.

/// A mechanism with a name, for `model.without` and `--ablate`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mechanism {
    /// A hidden second attempt, of a client or of a balancer; without it the first failure counts.
    SilentRetry,
    /// A connection stays with its pod; without it every packet chooses among the current rules.
    ConntrackPinning,
    /// What makes a change wait: kube-proxy's minimum sync period, a balancer's batches, limits and polls of the API
    /// server; without it none.
    ProxyBatching,
    /// The way of a change through the EndpointSlice controller; without it the change takes no time to reach kube-proxy
    /// and balancers.
    EndpointSliceHop,
    /// The time kube-proxy needs to write rules, and a balancer to put an update in force, its workers' polls included;
    /// without it none.
    SyncTime,
    /// The time a process boots before it listens; without it none.
    BootBeforeListening,
}

impl Mechanism {
    /// All mechanisms, in the order of the ablation table.
    pub const ALL: [Mechanism; 6] = [
        Mechanism::SilentRetry,
        Mechanism::ConntrackPinning,
        Mechanism::ProxyBatching,
        Mechanism::EndpointSliceHop,
        Mechanism::SyncTime,
        Mechanism::BootBeforeListening,
    ];

    /// The name in a scenario file.
    pub const fn name(self) -> &'static str {
        match self {
            Mechanism::SilentRetry => "silent_retry",
            Mechanism::ConntrackPinning => "conntrack_pinning",
            Mechanism::ProxyBatching => "proxy_batching",
            Mechanism::EndpointSliceHop => "endpoint_slice_hop",
            Mechanism::SyncTime => "sync_time",
            Mechanism::BootBeforeListening => "boot_before_listening",
        }
    }

    /// The mechanism with this name.
    pub fn by_name(name: &str) -> Option<Mechanism> {
        Mechanism::ALL.into_iter().find(|mechanism| mechanism.name() == name)
    }
}

/// A set of mechanisms.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Mechanisms(u32);

impl Mechanisms {
    /// The empty set.
    pub const NONE: Mechanisms = Mechanisms(0);

    /// This set and one more.
    pub const fn with(self, mechanism: Mechanism) -> Mechanisms {
        Mechanisms(self.0 | 1 << mechanism as u32)
    }

    /// Whether the set holds `mechanism`.
    pub const fn has(self, mechanism: Mechanism) -> bool {
        self.0 & (1 << mechanism as u32) != 0
    }

    /// The names of the members.
    pub fn names(self) -> Vec<&'static str> {
        self.iter().map(Mechanism::name).collect()
    }

    /// The members in the order of [`Mechanism::ALL`].
    pub fn iter(self) -> impl Iterator<Item = Mechanism> {
        Mechanism::ALL.into_iter().filter(move |&mechanism| self.has(mechanism))
    }
}
