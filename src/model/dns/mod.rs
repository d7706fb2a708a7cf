//! The cluster's DNS server, and what clients remember of its answers: how a headless Service's pods are found.
//!
//! Models: records of the ready endpoints, changed when the server sees the slice; one TTL; the server's cache, which hands
//! out the time that is left; clients that resolve at each connect, by TTL, by a cache of their own, or once. A client
//! takes each address it knows with equal probability. Caches have run for long: what they hold at the start expires at a
//! uniform time. Leaves out: the time a query takes, several servers with caches of their own, node-local caches, clients
//! that try the next address when one refuses. Source: CoreDNS plugins kubernetes and cache (mechanics 4.2, 8.4).

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::engine::Streams;
use crate::ids::PodId;
use crate::model::api::{Endpoint, Object, Watcher};
use crate::model::spec::{ClientDns, DnsSpec, Scenario};
use crate::units::{SimDuration, SimTime};

/// Addresses and until when they may be used.
#[derive(Debug, Clone)]
struct Answer {
    pods: Arc<[PodId]>,
    until: SimTime,
}

/// The DNS server with its clients' caches.
#[derive(Debug)]
pub struct Dns {
    spec: DnsSpec,
    streams: Streams,
    /// The server's records.
    records: Arc<[PodId]>,
    cached: Answer,
    /// By client of the scenario.
    clients: BTreeMap<u32, Answer>,
}

impl Dns {
    /// A server that knows the endpoints of the start.
    pub fn new(scenario: &Scenario, mut streams: Streams, endpoints: &[Endpoint]) -> Self {
        let spec = scenario.dns;
        let records = ready_pods(endpoints);
        let until = uniform(&mut streams, "cache", 0, spec.resolver_cache.min(spec.ttl));
        let cached = Answer { pods: records.clone(), until };
        Dns { spec, streams, records, cached, clients: BTreeMap::new() }
    }

    /// The EndpointSlices changed.
    pub fn on_watch(&mut self, object: &Object) {
        let Object::EndpointSlice(slice) = object else { unreachable!("{:?} watches slices only", Watcher::Dns) };
        self.records = ready_pods(&slice.endpoints);
    }

    /// The addresses that a client uses for a connection it opens now; none if the name has none.
    pub fn resolve(&mut self, now: SimTime, client: u32, dns: ClientDns) -> &[PodId] {
        if self.clients.get(&client).is_none_or(|known| now >= known.until) {
            let answer = self.ask_anew(now, client, dns);
            self.clients.insert(client, answer);
        }
        &self.clients[&client].pods
    }

    fn ask_anew(&mut self, now: SimTime, client: u32, dns: ClientDns) -> Answer {
        let answer = self.query(now);
        let until = match dns {
            ClientDns::EachConnect => now,
            ClientDns::Ttl => self.first_expiry(client, self.spec.ttl).unwrap_or(answer.until),
            ClientDns::CachedFor(time) => self.first_expiry(client, time).unwrap_or(now + time),
            ClientDns::Once => SimTime::MAX,
        };
        // What a client was told with the time left in the server's cache ends with it.
        let until = if dns == ClientDns::Ttl { until.min(answer.until) } else { until };
        Answer { until, ..answer }
    }

    /// At the start of the run, when what a client has cached for long expires.
    fn first_expiry(&mut self, client: u32, lifetime: SimDuration) -> Option<SimTime> {
        let is_first = !self.clients.contains_key(&client);
        is_first.then(|| uniform(&mut self.streams, "client", client.into(), lifetime))
    }

    /// The server's answer, from its cache if that has one.
    fn query(&mut self, now: SimTime) -> Answer {
        if now < self.cached.until {
            return self.cached.clone();
        }
        let answer = |lifetime| Answer { pods: self.records.clone(), until: now + lifetime };
        if self.spec.resolver_cache.is_zero() {
            return answer(self.spec.ttl);
        }
        self.cached = answer(self.spec.resolver_cache.min(self.spec.ttl));
        self.cached.clone()
    }
}

fn ready_pods(endpoints: &[Endpoint]) -> Arc<[PodId]> {
    endpoints.iter().filter(|endpoint| endpoint.conditions.ready).map(|endpoint| endpoint.pod).collect()
}

fn uniform(streams: &mut Streams, purpose: &str, entity: u64, most: SimDuration) -> SimTime {
    let share = streams.get(purpose, entity).uniform();
    SimTime::ZERO + SimDuration::from_nanos_f64_rounded(most.as_nanos() as f64 * share)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::StreamKey;
    use crate::model::api::{Conditions, EndpointSliceObject, Hints};

    fn secs(value: u64) -> SimDuration {
        SimDuration::from_secs(value)
    }

    fn slice(pods: &[u32]) -> Object {
        let conditions = Conditions { ready: true, serving: true, terminating: false };
        let endpoint = |pod: &u32| Endpoint { pod: PodId(*pod), conditions, node: None, hints: Hints::default() };
        Object::EndpointSlice(EndpointSliceObject::new(pods.iter().map(endpoint).collect(), 1))
    }

    fn dns(ttl: u64, cache: u64) -> Dns {
        let streams = Streams::new(StreamKey { seed: 1, replication: 0 }, "dns");
        let records: Arc<[PodId]> = Arc::from([PodId(0)]);
        let cached = Answer { pods: records.clone(), until: SimTime::ZERO };
        let spec = DnsSpec { ttl: secs(ttl), resolver_cache: secs(cache) };
        Dns { spec, streams, records, cached, clients: BTreeMap::new() }
    }

    /// Pod 0 is replaced by pod 1 at 100 s, after the client has resolved at 99 s: how long it then sees pod 0.
    fn stale_for(mut dns: Dns, how: ClientDns) -> Option<u64> {
        dns.resolve(SimTime::ZERO, 0, how);
        let at = |time: u64| SimTime::ZERO + secs(time);
        for time in 1..100 {
            assert_eq!(dns.resolve(at(time), 0, how), [PodId(0)]);
        }
        dns.on_watch(&slice(&[1]));
        (100..1_000).find(|time| dns.resolve(at(*time), 0, how) == [PodId(1)]).map(|time| time - 100)
    }

    #[test]
    fn a_dead_address_is_used_up_to_the_ttl_and_the_clients_own_cache() {
        assert_eq!(stale_for(dns(30, 0), ClientDns::EachConnect), Some(0));
        assert!(stale_for(dns(30, 30), ClientDns::EachConnect).is_some_and(|time| (1..30).contains(&time)));
        assert!(stale_for(dns(30, 0), ClientDns::Ttl).is_some_and(|time| (1..30).contains(&time)));
        assert!(stale_for(dns(5, 30), ClientDns::Ttl).is_some_and(|time| time < 5));
        assert!(stale_for(dns(5, 0), ClientDns::CachedFor(secs(60))).is_some_and(|time| (1..60).contains(&time)));
        assert_eq!(stale_for(dns(5, 5), ClientDns::Once), None);
    }

    /// An answer out of the server's cache may be as old as the cache lets it, and a client's own cache adds to that.
    #[test]
    fn a_clients_own_cache_adds_to_the_servers() {
        let mut dns = dns(30, 30);
        let at = |time: u64| SimTime::ZERO + secs(time);
        dns.resolve(at(0), 0, ClientDns::EachConnect);
        dns.on_watch(&slice(&[1]));
        dns.clients.insert(1, Answer { pods: Arc::from([]), until: at(29) });
        assert_eq!(dns.resolve(at(29), 1, ClientDns::CachedFor(secs(10))), [PodId(0)]);
        assert_eq!(dns.resolve(at(38), 1, ClientDns::CachedFor(secs(10))), [PodId(0)]);
        assert_eq!(dns.resolve(at(39), 1, ClientDns::CachedFor(secs(10))), [PodId(1)]);
    }
}
