//! The rows of the client table (mechanics 7.2): what each load generator, library or person does unless the scenario says
//! otherwise. A time-out of a day stands for none: then the system's limits decide.

use crate::dist::{Dist, Factor};
use crate::model::spec::{
    Arrivals, BurstSpec, ClientBalancing, ClientDns, ClientProfile, ClientProtocol, ClientSpec, EntryNode, Failures,
    LatencyFrom, Method, PoolSpec, RetriesSpec, Retry, ServiceKind, ShapeSpec, Traffic, Via,
};
use crate::scenario::values::{DAY, Names};
use crate::scenario::{client_rules, names};
use crate::units::{Rate, SimDuration};

/// The ways of arriving that a profile can have: load generators are built as one kind of loop, services may be either.
pub(super) const fn arrival_names(profile: ClientProfile) -> Names<Arrivals> {
    use ClientProfile::{Go, Grpc, OkHttp, Open, PythonRequests, Vegeta};
    match profile {
        Open | Vegeta | Grpc => names::OPEN_ARRIVALS,
        Go | PythonRequests | OkHttp => names::ANY_ARRIVALS,
        _ => names::CLOSED_ARRIVALS,
    }
}

/// The client table's row.
pub(super) fn row(profile: ClientProfile, service: ServiceKind) -> ClientSpec {
    let paced = ClientSpec { profile, ..paced(service) };
    let fortio = ClientSpec {
        connections: 4,
        rate: per_second(8),
        arrivals: Arrivals::Together,
        warm_up: true,
        spread_to_end: true,
        ..paced.clone()
    };
    match profile {
        ClientProfile::Paced => paced,
        // It opens what it needs; the number is not read.
        ClientProfile::Open => ClientSpec { connections: 1, arrivals: Arrivals::Poisson, ..paced },
        ClientProfile::Fortio => ClientSpec {
            retry: Retry::ReusedOnce,
            notices_close: false,
            honours_connection_close: false,
            closes_after_error: true,
            ..fortio
        },
        ClientProfile::FortioStd => go_transport(fortio),
        ClientProfile::Hey => go_transport(ClientSpec { catch_up: false, ..at_full_speed(50, patience(paced, 20)) }),
        ClientProfile::Wrk => ClientSpec { notices_close: false, ..at_full_speed(10, endless(paced)) },
        ClientProfile::Wrk2 => {
            let latency_from = LatencyFrom::Due;
            let wrk2 = ClientSpec { arrivals: Arrivals::Together, notices_close: false, ..endless(paced) };
            ClientSpec { connections: 10, latency_from, ..wrk2 }
        }
        ClientProfile::Ab => ClientSpec { stops_on: fatal_to_ab(), ..at_full_speed(1, patience(paced, 30)) },
        ClientProfile::Vegeta => vegeta(paced),
        ClientProfile::K6 => {
            let think_time = Dist::Constant(SimDuration::from_secs(1));
            go_transport(ClientSpec { think_time, ..at_full_speed(10, dialling(patience(paced, 60))) })
        }
        ClientProfile::Go | ClientProfile::PythonRequests | ClientProfile::OkHttp => library(profile, paced),
        ClientProfile::Curl => {
            let connect_timeout = SimDuration::from_secs(300);
            let curl = ClientSpec { keep_alive: false, retry: Retry::ReusedClosed, ..endless(paced) };
            at_full_speed(1, ClientSpec { connect_timeout, ..curl })
        }
        ClientProfile::Browser => browser(paced),
        ClientProfile::Grpc => grpc(paced),
        ClientProfile::Session => sessions(paced),
    }
}

fn paced(service: ServiceKind) -> ClientSpec {
    ClientSpec {
        profile: ClientProfile::Paced,
        users: 1,
        connections: 8,
        rate: per_second(500),
        arrivals: Arrivals::Staggered,
        think_time: Dist::Exponential(SimDuration::from_secs(1)),
        burst: BurstSpec { on: SimDuration::from_secs(1), off: SimDuration::from_secs(4), quiet: 0.0 },
        shape: ShapeSpec::day(),
        trace: Vec::new(),
        traffic: if service.is_externally_accessible() { Traffic::External } else { Traffic::Internal },
        protocol: ClientProtocol::Http1,
        balancing: ClientBalancing::PickFirst,
        via: Via::Service,
        method: Method::Get,
        idempotent: 1.0,
        work: Factor::ONE,
        node: EntryNode::Spread,
        addresses: 1,
        // Of 32768 to 60999, connect() takes the even ones in turn while it can (Linux 4.2 and later).
        local_ports: 14_116,
        dns: ClientDns::EachConnect,
        keep_alive: true,
        warm_up: false,
        catch_up: true,
        latency_from: LatencyFrom::Sent,
        spread_to_end: false,
        retry: Retry::None,
        retries: None,
        hedging: None,
        reconnect: None,
        stops_on: Failures::NONE,
        pool: PoolSpec::UNLIMITED,
        notices_close: true,
        honours_connection_close: true,
        closes_after_error: false,
        free_connect: false,
        connect_timeout: SimDuration::from_secs(3),
        request_timeout: SimDuration::from_secs(3),
    }
}

/// A closed loop that sends its next request as soon as it has the answer.
fn at_full_speed(connections: u32, base: ClientSpec) -> ClientSpec {
    ClientSpec { connections, arrivals: Arrivals::Think, think_time: Dist::ZERO, ..base }
}

/// One limit for connecting and for the response.
fn patience(base: ClientSpec, secs: u64) -> ClientSpec {
    let timeout = SimDuration::from_secs(secs);
    ClientSpec { connect_timeout: timeout, request_timeout: timeout, ..base }
}

fn endless(base: ClientSpec) -> ClientSpec {
    ClientSpec { connect_timeout: DAY, request_timeout: DAY, ..base }
}

/// `net.Dialer` with the 30 s of `http.DefaultTransport`.
fn dialling(base: ClientSpec) -> ClientSpec {
    ClientSpec { connect_timeout: SimDuration::from_secs(30), ..base }
}

/// Go's transport removes a connection from its pool when it reads the end, and tries a replayable request again.
fn go_transport(base: ClientSpec) -> ClientSpec {
    ClientSpec { retry: Retry::ReusedIdempotent, notices_close: true, honours_connection_close: true, ..base }
}

/// `apr_socket_recv: Connection reset by peer` and a refused connect end the program, without `-r`.
fn fatal_to_ab() -> Failures {
    let fatal = ["reset", "connect_refused"].into_iter().filter_map(Failures::by_name);
    fatal.fold(Failures::NONE, Failures::and)
}

/// 50 a second whatever becomes of them, 10,000 idle connections, 30 s in all.
fn vegeta(base: ClientSpec) -> ClientSpec {
    let pool = PoolSpec { max_idle: Some(10_000), ..PoolSpec::UNLIMITED };
    let arrivals = Arrivals::Constant;
    go_transport(ClientSpec { connections: 1, rate: per_second(50), arrivals, pool, ..patience(base, 30) })
}

/// Services that call others when they are called, with the defaults of their library.
fn library(profile: ClientProfile, base: ClientSpec) -> ClientSpec {
    let base = ClientSpec { connections: 1, arrivals: Arrivals::Poisson, ..base };
    let pool = |max_idle, idle_secs: Option<u64>| PoolSpec {
        max_idle: Some(max_idle),
        idle_timeout: idle_secs.map(SimDuration::from_secs),
        ..PoolSpec::UNLIMITED
    };
    match profile {
        // DefaultTransport: MaxIdleConnsPerHost 2, IdleConnTimeout 90 s, no limit for a response.
        ClientProfile::Go => go_transport(ClientSpec { pool: pool(2, Some(90)), ..dialling(endless(base)) }),
        // urllib3: ten connections in the pool, looked at before they are used again, no retry, no limit.
        ClientProfile::PythonRequests => ClientSpec { pool: pool(10, None), ..endless(base) },
        // ConnectionPool: five idle ones for five minutes; 10 s to connect and 10 s to read.
        _ => ClientSpec { pool: pool(5, Some(300)), retry: Retry::ReusedIdempotent, ..patience(base, 10) },
    }
}

/// Ten people with six connections to a host each, who read for a while between requests.
fn browser(base: ClientSpec) -> ClientSpec {
    let pool = PoolSpec { idle_timeout: Some(SimDuration::from_secs(300)), ..PoolSpec::UNLIMITED };
    let think_time = Dist::Exponential(SimDuration::from_secs(10));
    let base = ClientSpec { users: 10, retry: Retry::ReusedIdempotent, pool, ..dialling(patience(base, 300)) };
    ClientSpec { think_time, ..at_full_speed(6, base) }
}

/// A channel of grpc-go: no limit for a call, 20 s to connect, the name asked every 30 s at most.
fn grpc(base: ClientSpec) -> ClientSpec {
    ClientSpec {
        connections: 1,
        arrivals: Arrivals::Poisson,
        protocol: ClientProtocol::Http2,
        method: Method::Post,
        idempotent: 0.0,
        dns: ClientDns::CachedFor(SimDuration::from_secs(30)),
        connect_timeout: SimDuration::from_secs(20),
        request_timeout: DAY,
        ..base
    }
}

/// A thousand sessions with a message every ten seconds, which begin again within a second of their end.
fn sessions(base: ClientSpec) -> ClientSpec {
    let reconnect = Some(client_rules::reconnect_row());
    let retries = Some(RetriesSpec { attempts: 100, non_idempotent: true, ..client_rules::retries_row() });
    ClientSpec { users: 1_000, connections: 1, rate: per_second(100), retries, reconnect, ..base }
}

fn per_second(number: u32) -> Rate {
    Rate::per_second(f64::from(number)).unwrap_or(Rate::ZERO)
}
