//! `[pod.server]`: each profile is a row of defaults (mechanics 7.3 and 7.4), each parameter can be overridden.

use crate::dist::Dist;
use crate::model::spec::{
    Accepts, CpuLimit, Discipline, IdlePolicy, InFlightPolicy, LameDuck, NewConnections, QueuedPolicy, ServerProfile,
    ServerSpec, StopBehaviour, WarmUp,
};
use crate::scenario::dist::dist;
use crate::scenario::log::Fault;
use crate::scenario::names;
use crate::scenario::reader::Fields;
use crate::scenario::tree::{Node, Value};
use crate::scenario::values::{duration, number, period, truth, whole};
use crate::units::SimDuration;

pub(super) fn server(fields: &mut Fields<'_>) -> ServerSpec {
    let profile = fields.or("profile", |node| names::SERVER_PROFILE.parse(node), ServerProfile::NginxSigquit);
    let row = profile_defaults(profile);
    ServerSpec {
        profile,
        workers: fields.or("workers", workers, row.workers),
        service_time: fields.or("service_time", dist, row.service_time),
        response_time: fields.or("response_time", duration, row.response_time),
        stall: fields.or("stall", dist, row.stall),
        discipline: fields.or("discipline", |node| names::DISCIPLINE.parse(node), row.discipline),
        cpu_limit: cpu_limit(fields),
        in_flight_limit: fields.or("in_flight_limit", in_flight_limit, row.in_flight_limit),
        backlog: fields.or("backlog", whole(1..=65_535), row.backlog),
        accepts: fields.or("accepts", |node| names::ACCEPTS.parse(node), row.accepts),
        warm_up: fields.optional("warm_up", warm_up).unwrap_or(row.warm_up),
        max_streams: fields.or("max_streams", in_flight_limit, row.max_streams),
        keep_alive_requests: fields.or("keep_alive_requests", whole(1..=1_000_000_000), row.keep_alive_requests),
        keep_alive_timeout: fields.or("keep_alive_timeout", period, row.keep_alive_timeout),
        on_stop: fields.or("on_stop", |node| names::STOP_BEHAVIOUR.parse(node), row.on_stop),
        lame_duck: fields.optional("lame_duck", |fields| lame_duck(fields, row.lame_duck)).unwrap_or(row.lame_duck),
        new_connections: fields.or("new_connections", |node| names::NEW_CONNECTIONS.parse(node), row.new_connections),
        idle: fields.or("idle", |node| names::IDLE.parse(node), row.idle),
        in_flight: fields.or("in_flight", |node| names::IN_FLIGHT.parse(node), row.in_flight),
        queued: fields.or("queued", |node| names::QUEUED.parse(node), row.queued),
        connection_close: fields.or("connection_close", truth, row.connection_close),
        drain_poll: fields.or("drain_poll", drain_poll, row.drain_poll),
        keeps_new: fields.or("keeps_new", duration, row.keeps_new),
        drain_limit: fields.or("drain_limit", drain_limit, row.drain_limit),
        probe_service_time: fields.or("probe_service_time", probe_service_time, None),
    }
}

/// The product's row. What the table leaves open is nginx's default; service times are the scenario's business.
fn profile_defaults(profile: ServerProfile) -> ServerSpec {
    use ServerProfile as P;
    let (one, many) = (Some(1), None);
    match profile {
        P::NginxSigterm => cuts(server_row(profile, one, 1_000, 75)),
        P::NginxSigquit => ServerSpec { queued: QueuedPolicy::Reset, ..server_row(profile, one, 1_000, 75) },
        P::IgnoresSignal | P::ShellWrapper => ignores(server_row(profile, one, 1_000, 75)),
        // The event MPM's MaxRequestWorkers.
        P::ApacheSigwinch => silent(server_row(profile, Some(400), 100, 5)),
        P::ApacheSigterm => cuts(server_row(profile, Some(400), 100, 5)),
        P::Go => cuts(server_row(profile, many, UNLIMITED_REQUESTS, UNLIMITED_SECONDS)),
        P::GoShutdown => ServerSpec {
            drain_poll: Some(SimDuration::from_millis(500)),
            keeps_new: SimDuration::from_secs(5),
            ..server_row(profile, many, UNLIMITED_REQUESTS, UNLIMITED_SECONDS)
        },
        P::Node => ignores(server_row(profile, one, UNLIMITED_REQUESTS, 5)),
        P::NodeClose => ServerSpec { queued: QueuedPolicy::Reset, ..server_row(profile, one, UNLIMITED_REQUESTS, 5) },
        P::NodeClose18 => {
            ServerSpec { idle: IdlePolicy::Serve, ..silent(server_row(profile, one, UNLIMITED_REQUESTS, 5)) }
        }
        // HTTP/1.0: a connection for each request.
        P::PythonHttpServer => cuts(server_row(profile, many, 1, 75)),
        // A connection waits in the listener's backlog until its worker is free, and is not kept.
        P::GunicornSync => ServerSpec {
            queued: QueuedPolicy::Reset,
            accepts: Accepts::WhenFree,
            ..limited(server_row(profile, one, 1, 2), seconds(30))
        },
        P::GunicornGthread => limited(server_row(profile, one, UNLIMITED_REQUESTS, 2), seconds(30)),
        P::GunicornSigquit => {
            let hardly = Dist::Constant(SimDuration::from_millis(100));
            silent(limited(server_row(profile, one, UNLIMITED_REQUESTS, 2), hardly))
        }
        P::Uvicorn => {
            ServerSpec { queued: QueuedPolicy::Reset, ..silent(server_row(profile, one, UNLIMITED_REQUESTS, 5)) }
        }
        P::SpringBootGraceful => {
            ServerSpec { idle: IdlePolicy::Reject, ..limited(server_row(profile, Some(200), 100, 60), seconds(30)) }
        }
        P::SpringBootImmediate => silent(limited(server_row(profile, Some(200), 100, 60), up_to_two_seconds())),
        P::Jetty => limited(server_row(profile, Some(200), UNLIMITED_REQUESTS, 30), seconds(30)),
        P::ReactorNetty => limited(server_row(profile, many, UNLIMITED_REQUESTS, UNLIMITED_SECONDS), seconds(30)),
        P::Undertow => ServerSpec {
            new_connections: NewConnections::Reject,
            idle: IdlePolicy::Reject,
            ..silent(limited(server_row(profile, Some(64), UNLIMITED_REQUESTS, 60), seconds(30)))
        },
        P::Kestrel => limited(server_row(profile, many, UNLIMITED_REQUESTS, 130), seconds(30)),
        P::Puma => server_row(profile, Some(5), UNLIMITED_REQUESTS, 20),
        P::Envoy => cuts(server_row(profile, many, UNLIMITED_REQUESTS, 3_600)),
        P::HaproxySigusr1 => ServerSpec { idle: IdlePolicy::Last, ..server_row(profile, many, UNLIMITED_REQUESTS, 75) },
        P::HaproxySigterm => cuts(server_row(profile, many, UNLIMITED_REQUESTS, 75)),
        P::LameDuck => ServerSpec { lame_duck: Some(LAME_DUCK), ..server_row(profile, one, UNLIMITED_REQUESTS, 75) },
    }
}

/// The most that the key takes.
const UNLIMITED_REQUESTS: u32 = 1_000_000_000;
/// What the product gives `listen(2)` unless it is told otherwise, as documented: nginx `listen … backlog=511`, Apache ListenBacklog,
/// Node `server.listen`, Python socketserver `request_queue_size`, gunicorn and uvicorn `--backlog`, Tomcat `acceptCount`, the JDK's 50
/// where Jetty asks for 0, Undertow `Options.BACKLOG`, Kestrel `SocketTransportOptions.Backlog`, puma's binder. Go, Netty and Envoy
/// read `net.core.somaxconn`, `HAProxy` asks for its `maxconn`, which is more; of an unknown application nothing is known.
fn backlog(profile: ServerProfile) -> u32 {
    use ServerProfile as P;
    match profile {
        P::NginxSigterm | P::NginxSigquit => 511,
        P::ApacheSigwinch | P::ApacheSigterm => 511,
        P::Node | P::NodeClose | P::NodeClose18 => 511,
        P::PythonHttpServer => 5,
        P::GunicornSync | P::GunicornGthread | P::GunicornSigquit | P::Uvicorn => 2_048,
        P::SpringBootGraceful | P::SpringBootImmediate => 100,
        P::Jetty => 50,
        P::Undertow => 1_000,
        P::Kestrel => 512,
        P::Puma => 1_024,
        P::Go | P::GoShutdown | P::ReactorNetty | P::Envoy | P::HaproxySigusr1 | P::HaproxySigterm => SOMAXCONN,
        P::IgnoresSignal | P::ShellWrapper | P::LameDuck => SOMAXCONN,
    }
}

/// Streams of a connection at once, as documented: nginx `http2_max_concurrent_streams`, Apache `H2MaxSessionStreams`, Go's http2
/// `MaxConcurrentStreams`, Tomcat's and Jetty's `maxConcurrentStreams`, Kestrel's `MaxStreamsPerConnection`, `HAProxy`'s
/// `tune.h2.max-concurrent-streams`. Of the others no limit is known.
fn max_streams(profile: ServerProfile) -> Option<u32> {
    use ServerProfile as P;
    match profile {
        P::NginxSigterm | P::NginxSigquit | P::Jetty => Some(128),
        P::ApacheSigwinch | P::ApacheSigterm | P::Kestrel | P::HaproxySigusr1 | P::HaproxySigterm => Some(100),
        P::SpringBootGraceful | P::SpringBootImmediate => Some(100),
        P::Go | P::GoShutdown => Some(250),
        _ => None,
    }
}

/// Whatever a server asks for, `net.core.somaxconn` of the node's kernel bounds it.
const SOMAXCONN: u32 = 4_096;
/// Longer than runs last.
const UNLIMITED_SECONDS: u64 = 86_400;

const LAME_DUCK: LameDuck =
    LameDuck { wait: SimDuration::from_secs(10), fails_readiness: true, connection_close: true };

/// A server that stops gracefully: it closes its listener and idle connections at once and answers what it has.
fn server_row(profile: ServerProfile, workers: Option<u32>, requests: u32, idle_seconds: u64) -> ServerSpec {
    ServerSpec {
        profile,
        workers,
        service_time: Dist::Constant(SimDuration::from_millis(1)),
        response_time: SimDuration::ZERO,
        stall: Dist::ZERO,
        discipline: Discipline::Fifo,
        cpu_limit: None,
        in_flight_limit: None,
        backlog: backlog(profile),
        accepts: Accepts::AtOnce,
        warm_up: None,
        max_streams: max_streams(profile),
        keep_alive_requests: requests,
        keep_alive_timeout: SimDuration::from_secs(idle_seconds),
        on_stop: StopBehaviour::Stops,
        lame_duck: None,
        new_connections: NewConnections::Refuse,
        idle: IdlePolicy::Close,
        in_flight: InFlightPolicy::Drain,
        queued: QueuedPolicy::Serve,
        connection_close: true,
        drain_poll: None,
        keeps_new: SimDuration::ZERO,
        drain_limit: None,
        probe_service_time: None,
    }
}

fn cuts(row: ServerSpec) -> ServerSpec {
    ServerSpec { in_flight: InFlightPolicy::Cut, queued: QueuedPolicy::Reset, ..row }
}

/// It closes connections without a word in the last response.
fn silent(row: ServerSpec) -> ServerSpec {
    ServerSpec { connection_close: false, ..row }
}

/// What would happen if it stopped: its end is SIGKILL.
fn ignores(row: ServerSpec) -> ServerSpec {
    ServerSpec { on_stop: StopBehaviour::Ignores, ..cuts(row) }
}

fn limited(row: ServerSpec, limit: Dist) -> ServerSpec {
    ServerSpec { drain_limit: Some(limit), ..row }
}

fn seconds(seconds: u64) -> Dist {
    Dist::Constant(SimDuration::from_secs(seconds))
}

/// Closing the application's context takes 0 to 2 s; what is not answered by then is cut.
fn up_to_two_seconds() -> Dist {
    Dist::Uniform(SimDuration::ZERO, SimDuration::from_secs(2))
}

fn lame_duck(fields: &mut Fields<'_>, row: Option<LameDuck>) -> Option<LameDuck> {
    let row = row.unwrap_or(LAME_DUCK);
    let duck = LameDuck {
        wait: fields.or("wait", duration, row.wait),
        fails_readiness: fields.or("fails_readiness", truth, row.fails_readiness),
        connection_close: fields.or("connection_close", truth, row.connection_close),
    };
    (!duck.wait.is_zero()).then_some(duck)
}

/// A table without a slowdown is none.
fn warm_up(fields: &mut Fields<'_>) -> Option<WarmUp> {
    let warm_up = WarmUp {
        slowdown: fields.or("slowdown", number(1.0..=1_000.0), 1.0),
        age: fields.or("age", duration, SimDuration::ZERO),
        requests: fields.or("requests", whole(0..=1_000_000_000), 0),
    };
    let never_warm = warm_up.slowdown > 1.0 && warm_up.age.is_zero() && warm_up.requests == 0;
    if never_warm {
        let fault = Fault::new("missing-key", "needs an `age` or a number of `requests` after which a process is warm");
        fields.complain(fault.help("write warm_up = { slowdown = 5.0, age = \"30s\" }"));
    }
    (warm_up.slowdown > 1.0).then_some(warm_up)
}

fn cpu_limit(fields: &mut Fields<'_>) -> Option<CpuLimit> {
    let cores = fields.or("cpu_limit", cores, None);
    let period = fields.or("cpu_period", period, SimDuration::from_millis(100));
    cores.map(|cores| CpuLimit { cores, period })
}

/// A quantity of CPUs as Kubernetes writes it, or none.
fn cores(node: &Node) -> Result<Option<f64>, Fault> {
    let wrong = || {
        let fault =
            Fault::new("wrong-type", format!("must be a quantity of CPUs or \"none\", found {}", node.describe()));
        fault.help("write 0.5, \"500m\" or \"none\"")
    };
    let cores = match &node.value {
        Value::Text(text) if text == "none" => return Ok(None),
        Value::Text(text) => {
            let milli = text.strip_suffix('m').and_then(|milli| milli.parse::<u32>().ok()).ok_or_else(wrong)?;
            f64::from(milli) / 1_000.0
        }
        _ => number(0.001..=1_000.0)(node)?,
    };
    if cores > 0.0 { Ok(Some(cores)) } else { Err(wrong()) }
}

fn in_flight_limit(node: &Node) -> Result<Option<u32>, Fault> {
    match &node.value {
        Value::Text(text) if text == "none" => Ok(None),
        Value::Whole(..) => whole(1..=1_000_000)(node).map(Some),
        _ => Err(Fault::new("wrong-type", format!("must be a whole number or \"none\", found {}", node.describe()))),
    }
}

fn drain_poll(node: &Node) -> Result<Option<SimDuration>, Fault> {
    match &node.value {
        Value::Text(text) if text == "none" => Ok(None),
        _ => period(node).map(Some).map_err(|fault| fault.help_unless("or \"none\"")),
    }
}

fn drain_limit(node: &Node) -> Result<Option<Dist>, Fault> {
    match &node.value {
        Value::Text(text) if text == "none" => Ok(None),
        _ => dist(node).map(Some).map_err(|fault| fault.help_unless("or \"none\"")),
    }
}

fn probe_service_time(node: &Node) -> Result<Option<Dist>, Fault> {
    match &node.value {
        Value::Text(text) if text == "apart" => Ok(None),
        _ => dist(node).map(Some).map_err(|fault| fault.help_unless("or \"apart\"")),
    }
}

fn workers(node: &Node) -> Result<Option<u32>, Fault> {
    match &node.value {
        Value::Text(text) if text == "unlimited" => Ok(None),
        Value::Whole(..) => whole(1..=1_000_000)(node).map(Some),
        _ => {
            Err(Fault::new("wrong-type", format!("must be a whole number or \"unlimited\", found {}", node.describe())))
        }
    }
}
