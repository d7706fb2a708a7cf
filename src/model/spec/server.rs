//! The server in the pods: which product, what it does on the stop signal, how it serves.

use crate::dist::Dist;
use crate::units::SimDuration;

/// Declares the profiles with their names in scenario files and what they are.
macro_rules! profiles {
    ($($id:ident = $name:literal: $what:literal,)*) => {
        /// Rows of the server table (mechanics 7.4).
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum ServerProfile { $(#[doc = $what] $id,)* }

        impl ServerProfile {
            /// All profiles with their names in scenario files.
            pub const NAMES: &[(&str, ServerProfile)] = &[$(($name, ServerProfile::$id),)*];
        }
    };
}

profiles! {
    NginxSigterm = "nginx-sigterm": "nginx on SIGTERM: fast shutdown, in-flight requests cut.",
    NginxSigquit = "nginx-sigquit": "nginx on SIGQUIT: graceful, idle connections closed at once.",
    IgnoresSignal = "ignores-signal": "PID 1 without a handler: serves on until SIGKILL.",
    ShellWrapper = "shell-wrapper": "`sh -c app` as PID 1: the signal does not reach the application.",
    ApacheSigwinch = "apache-sigwinch": "Apache httpd, graceful-stop, which the official image asks for by SIGWINCH.",
    ApacheSigterm = "apache-sigterm": "Apache httpd on SIGTERM.",
    Go = "go": "Go net/http without a handler: SIGTERM ends the process.",
    GoShutdown = "go-shutdown": "Go http.Server.Shutdown on SIGTERM, without a deadline.",
    Node = "node": "Node as PID 1 without a handler: the signal is ignored.",
    NodeClose = "node-close": "Node 19 and later, server.close() on SIGTERM.",
    NodeClose18 = "node-close-18": "Node before 19, server.close(): idle connections are kept and served.",
    PythonHttpServer = "python-http-server": "Python's http.server, Flask's development server.",
    GunicornSync = "gunicorn-sync": "gunicorn with sync workers on SIGTERM.",
    GunicornGthread = "gunicorn-gthread": "gunicorn with gthread workers on SIGTERM.",
    GunicornSigquit = "gunicorn-sigquit": "gunicorn with gthread workers on SIGINT or SIGQUIT.",
    Uvicorn = "uvicorn": "uvicorn on SIGTERM or SIGINT.",
    SpringBootGraceful = "spring-boot-graceful": "Spring Boot on Tomcat, graceful: the default since 3.4.",
    SpringBootImmediate = "spring-boot-immediate": "Spring Boot on Tomcat, immediate: the default before 3.4.",
    Jetty = "jetty": "Jetty, graceful.",
    ReactorNetty = "reactor-netty": "Reactor Netty, graceful.",
    Undertow = "undertow": "Undertow, graceful: accepts, and answers 503.",
    Kestrel = "kestrel": "Kestrel in the .NET host.",
    Puma = "puma": "puma on SIGTERM.",
    Envoy = "envoy": "Envoy on SIGTERM, nothing drained before.",
    HaproxySigusr1 = "haproxy-sigusr1": "HAProxy, soft stop.",
    HaproxySigterm = "haproxy-sigterm": "HAProxy, hard stop.",
    LameDuck = "lame-duck": "A server that first fails its readiness and says `Connection: close` for a while, then stops.",
}

/// What the server does on the stop signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopBehaviour {
    /// Stops by the policies below and exits.
    Stops,
    /// Serves on until it is killed.
    Ignores,
}

/// What happens to requests in service when the server stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InFlightPolicy {
    /// Finished and answered.
    Drain,
    /// Cut: the client sees the connection end without a response.
    Cut,
}

/// What happens to requests that have arrived but wait for a worker when the server stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum QueuedPolicy {
    /// Unread bytes in a closed socket: the client sees a reset.
    Reset,
    /// They are served like those in service.
    Serve,
}

/// What happens to connections without a request when the server stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum IdlePolicy {
    /// Closed at once.
    Close,
    /// Kept as before: requests on them are served, until each ends by itself.
    Serve,
    /// Kept; the next response on each says `Connection: close` and ends it.
    Last,
    /// Kept; a request on one is answered 503, which ends it.
    Reject,
}

impl IdlePolicy {
    /// Whether the process waits for the end of such connections, not only for requests in service.
    pub fn holds_the_process(self) -> bool {
        matches!(self, IdlePolicy::Serve | IdlePolicy::Last)
    }
}

/// What a connection attempt meets once the server stops.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NewConnections {
    /// The listener is closed.
    Refuse,
    /// The listener stays; requests are answered 503.
    Reject,
}

/// `[pod.server.lame_duck]`: what comes between the stop signal and the stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LameDuck {
    /// How long it serves on.
    pub wait: SimDuration,
    /// Its readiness probe and the health checks of balancers fail from the signal on.
    pub fails_readiness: bool,
    /// Responses say `Connection: close` and end their connection from the signal on.
    pub connection_close: bool,
}

/// `pod.server.discipline`: how requests share the workers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Discipline {
    /// First in, first out: each worker serves one request, the others wait.
    Fifo,
    /// All are in service and share the workers, which stand for cores: of n requests each gets at most `workers / n`.
    ProcessorSharing,
}

/// `pod.server.accepts`: when a process takes a connection from its listener's accept queue.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Accepts {
    /// At once (an event loop, a thread that only accepts).
    AtOnce,
    /// When a worker is free: until then it waits in the accept queue.
    WhenFree,
}

/// `pod.server.cpu_limit` and `cpu_period`: CPU time in each period, as of Linux' CFS bandwidth control.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct CpuLimit {
    /// CPU time a period, in periods: `resources.limits.cpu`.
    pub cores: f64,
    /// `cpu.cfs_period_us`.
    pub period: SimDuration,
}

/// `[pod.server.warm_up]`: a new process is slower at first. How much slower falls in a straight line with its age and with
/// the requests it has taken up, and it is warm when either is reached.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WarmUp {
    /// How many times longer its first request takes.
    pub slowdown: f64,
    /// Warm when it has listened so long; zero means that age does not matter.
    pub age: SimDuration,
    /// Warm after so many requests; zero means that they do not matter.
    pub requests: u32,
}

/// `[pod.server]`.
#[derive(Debug, Clone, PartialEq)]
pub struct ServerSpec {
    /// Which row of the table gave the defaults.
    pub profile: ServerProfile,
    /// Requests served at the same time by one pod; `None` is without limit.
    pub workers: Option<u32>,
    /// Time a worker spends on a request before the first byte of the response.
    pub service_time: Dist,
    /// First to last byte of the response.
    pub response_time: SimDuration,
    /// From listening until the process answers: it takes connections and requests and lets them wait (a proxy without its
    /// configuration yet). A readiness probe gets no answer either.
    pub stall: Dist,
    /// How requests share the workers.
    pub discipline: Discipline,
    /// CPU time that all workers of a pod together may use.
    pub cpu_limit: Option<CpuLimit>,
    /// Requests in service and waiting, beyond which a pod answers 503.
    pub in_flight_limit: Option<u32>,
    /// Connections that wait in the accept queue of the listener: `listen(2)`'s backlog, of which the kernel takes at most
    /// [`ClusterSpec::somaxconn`](super::ClusterSpec::somaxconn), and then one more before it drops SYNs (`sk_acceptq_is_full` in
    /// include/net/sock.h; `tcp_abort_on_overflow` is 0).
    pub backlog: u32,
    /// When a process takes a connection from there.
    pub accepts: Accepts,
    /// A new process is slower at first.
    pub warm_up: Option<WarmUp>,
    /// Over HTTP/2: streams of a connection at once (`SETTINGS_MAX_CONCURRENT_STREAMS`).
    pub max_streams: Option<u32>,
    /// Requests after which the server closes a connection.
    pub keep_alive_requests: u32,
    /// Idle time after which the server closes a connection.
    pub keep_alive_timeout: SimDuration,
    /// On the stop signal.
    pub on_stop: StopBehaviour,
    /// Between the stop signal and the stop.
    pub lame_duck: Option<LameDuck>,
    /// For new connections once it stops.
    pub new_connections: NewConnections,
    /// For idle connections.
    pub idle: IdlePolicy,
    /// For requests in service.
    pub in_flight: InFlightPolicy,
    /// For requests waiting for a worker.
    pub queued: QueuedPolicy,
    /// Requests that are drained are answered with `Connection: close`. If not, their connection ends after the response all the
    /// same, unless idle connections are kept, but the client is not told.
    pub connection_close: bool,
    /// While it drains it looks whether all is done: at once, after 1 ms, then after twice as long each time up to this, and each
    /// time up to a tenth more (`Shutdown` in Go's net/http/server.go). Else it ends with the last of what it drains.
    pub drain_poll: Option<SimDuration>,
    /// A connection that has not carried a request yet is not idle for so long (Go: 5 s): its first request is served.
    pub keeps_new: SimDuration,
    /// From the stop until what is still drained is cut and the process ends; `None` waits as long as it takes.
    pub drain_limit: Option<Dist>,
    /// How long a worker is at a probe, which waits for one like a request; `None` answers probes beside the workers.
    pub probe_service_time: Option<Dist>,
}

impl ServerSpec {
    /// Whether a request changes when those before it are done.
    pub fn shares(&self) -> bool {
        self.discipline == Discipline::ProcessorSharing || self.cpu_limit.is_some()
    }

    /// Workers that can be at work together in the long run: all it has, or as many as its CPU limit feeds. None without limit.
    pub fn cores(&self) -> Option<f64> {
        let limits = [self.workers.map(f64::from), self.cpu_limit.map(|limit| limit.cores)];
        limits.into_iter().flatten().reduce(f64::min)
    }

    /// Whether a request meets a queue of workers and nothing else, so that when it is done is known when it arrives.
    pub fn only_queues(&self) -> bool {
        let takes_all = self.in_flight_limit.is_none() && self.accepts == Accepts::AtOnce;
        takes_all && self.warm_up.is_none() && !self.shares()
    }
}
