//! HTTP/2: requests of one client share connections as streams. A channel holds the connection; a stream has a copy of it
//! while it lasts, so that what happens to a request is decided on the same path as over HTTP/1.1.
//!
//! The stream that finds its channel without a connection makes it, and others wait for it. A connection that the client
//! knows to be ended, or that is too old, takes no new streams; those on it go on. With `round_robin` there is a channel for
//! each address of the name; the name is asked again only when a connection ended (grpc-go's `dns` resolver), so that new pods
//! are not seen before; connections to all are made without a request, and streams take turns over those that are connected
//! (grpc's doc/load-balancing.md). A connection carries as many streams at once as the server allows (`SETTINGS_MAX_CONCURRENT_STREAMS`), more
//! wait; without streams it ends after its idle time. A grace after the maximal age cuts what is still on it. Leaves out: a
//! second connection when the first is full (grpc-go has none), wait-for-ready, connecting before the first request.

use std::collections::BTreeSet;

use crate::engine::Stream;
use crate::ids::PodId;
use crate::model::spec::{ClientBalancing, ClientSpec, ServiceKind};
use crate::units::{SimDuration, SimTime};
use crate::world::path::{After, Path, View};
use crate::world::requests::Requests;
use crate::world::slot::{Call, Slot, Socket, State};

/// gRPC's first back-off after a connect that failed; the model does not go beyond it.
const CONNECT_AGAIN: SimDuration = SimDuration::from_secs(1);

/// A server's maximal age of connections is spread by this share to both sides (gRPC proposal A9).
const AGE_JITTER: f64 = 0.1;

/// One connection that streams share, or the place for it.
#[derive(Debug, Default)]
struct Channel {
    /// The address it is for; none is whatever the rules or the name give.
    pod: Option<PodId>,
    socket: Option<Socket>,
    /// When it takes no more streams.
    expires: SimTime,
    /// Since then no stream is on it.
    idle_since: SimTime,
    /// The slots whose streams are on it.
    streams: BTreeSet<u32>,
    /// The slot whose stream makes the connection, and those whose streams wait for it or for room on it.
    connector: Option<u32>,
    waiting: Vec<u32>,
    /// A connect failed: the address is left alone until then.
    alone_until: SimTime,
    /// The name does not have the address any more.
    retired: bool,
}

/// The channels of one client.
#[derive(Debug)]
pub(super) struct Channels {
    /// The first has no address of its own.
    list: Vec<Channel>,
    /// There is one for each address.
    by_address: bool,
    turn: usize,
    /// A connection has ended since the name was asked.
    asks: bool,
    ages: Stream,
}

impl Channels {
    pub(super) fn new(client: &ClientSpec, service: ServiceKind, ages: Stream) -> Self {
        let by_address = client.balancing == ClientBalancing::RoundRobin && service == ServiceKind::Headless;
        Channels { list: vec![Channel::default()], by_address, turn: 0, asks: true, ages }
    }

    /// How many connections are open.
    pub(super) fn open(&self) -> u64 {
        self.list.iter().filter(|channel| channel.socket.is_some()).count() as u64
    }

    /// The server of `pod` ends its connections; `backlog` those that nobody accepted, too. Says how many were open.
    pub(super) fn sever(&mut self, now: SimTime, pod: PodId, backlog: bool) -> u64 {
        let sockets = self.list.iter_mut().filter_map(|channel| channel.socket.as_mut());
        let its =
            sockets.filter(|socket| socket.pod == pod && socket.closed_at.is_none() && (backlog || socket.accepted));
        its.map(|socket| socket.closed_at = Some(now)).count() as u64
    }

    /// When the last connection to `pod` ends that its stopping server keeps, if no stream comes and it is idle for `kept`.
    pub(super) fn last_end(&self, pod: PodId, kept: SimDuration) -> Option<SimTime> {
        let its = self.list.iter().filter(|channel| channel.streams.is_empty());
        let ends = |channel: &Channel| {
            let socket = channel.socket.filter(|socket| socket.pod == pod)?;
            Some(socket.closed_at.unwrap_or(channel.idle_since.saturating_add(kept)))
        };
        its.filter_map(ends).max()
    }

    /// The channel of the next stream.
    fn choose(&mut self, now: SimTime) -> usize {
        if !self.by_address {
            return 0;
        }
        let count = self.list.len();
        let in_turn = || (1..=count).map(|step| (self.turn + step) % count);
        let is_ready = |place: &usize| self.list[*place].is_usable(now) && self.list[*place].socket.is_some();
        let next = in_turn().find(is_ready).or_else(|| in_turn().find(|place| self.list[*place].is_usable(now)));
        self.turn = next.unwrap_or(0);
        self.turn
    }

    /// Addresses that want a connection which nobody makes.
    fn unconnected(&self, now: SimTime) -> Vec<usize> {
        let wants =
            |channel: &Channel| channel.is_usable(now) && channel.socket.is_none() && channel.connector.is_none();
        (0..self.list.len()).filter(|place| wants(&self.list[*place])).collect()
    }

    /// The name has these addresses now.
    fn resolved(&mut self, pods: &[PodId]) -> u64 {
        self.asks = false;
        for pod in pods {
            if !self.list.iter().any(|channel| channel.pod == Some(*pod) && !channel.retired) {
                self.list.push(Channel { pod: Some(*pod), ..Channel::default() });
            }
        }
        let gone = |channel: &&mut Channel| channel.pod.is_some_and(|pod| !pods.contains(&pod));
        let retire = |channel: &mut Channel| {
            channel.retired = true;
            u64::from(channel.socket.take().is_some())
        };
        self.list.iter_mut().filter(gone).map(retire).sum()
    }

    fn draw_expiry(&mut self, spec: &ClientSpec, now: SimTime) -> SimTime {
        let spread = |age: SimDuration, u: f64| age.as_secs_f64() * (1.0 + AGE_JITTER * (2.0 * u - 1.0));
        spec.pool
            .max_age
            .map_or(SimTime::MAX, |age| now + SimDuration::from_secs_f64_rounded(spread(age, self.ages.uniform())))
    }
}

impl Channel {
    /// It has an address that may be tried.
    fn is_usable(&self, now: SimTime) -> bool {
        !self.retired && self.pod.is_some() && self.alone_until <= now
    }

    /// Drops a connection that takes no more streams, as far as the client knows. Says whether there was one.
    fn drop_ended(&mut self, now: SimTime, one_way: SimDuration, longest_idle: SimDuration) -> bool {
        let is_idle = self.streams.is_empty() && now.saturating_since(self.idle_since) > longest_idle;
        let ended = |socket: &Socket| socket.closed_at.is_some_and(|closed| closed + one_way <= now);
        let drops = self.socket.as_ref().is_some_and(|socket| ended(socket) || self.expires <= now || is_idle);
        if drops {
            self.socket = None;
            // Those on it go on, but take no room on the next.
            self.streams.clear();
        }
        drops
    }
}

impl Channel {
    /// When the server cuts what is still on the connection.
    fn cut_at(&self, spec: &ClientSpec) -> SimTime {
        let grace = self.socket.and(spec.pool.max_age_grace);
        grace.map_or(SimTime::MAX, |grace| self.expires.saturating_add(grace))
    }
}

/// How long a connection without streams is kept, by the client or by a server that keeps it for `kept`.
fn longest_idle(spec: &ClientSpec, kept: SimDuration) -> SimDuration {
    spec.pool.idle_timeout.map_or(kept, |timeout| timeout.min(kept))
}

/// The copy of a connection that a stream has from `now` on.
fn stream_on(socket: Socket, now: SimTime) -> Socket {
    Socket { carried: 1, idle_since: now, severed: false, shared: true, ..socket }
}

/// The slot's stream begins at `now`: over the connection, or by making one.
fn send<'s>(slot: &mut Slot<'s>, socket: Option<Socket>, now: SimTime, path: &mut Path<'s>) {
    slot.call.attempt_sent = now;
    slot.socket = socket.map(|socket| stream_on(socket, now));
    slot.state = State::Packet;
    path.wake_at(slot, now + slot.call.one_way());
}

impl<'s> Requests<'s> {
    /// A stream begins, or begins again: it joins a channel.
    pub(super) fn join(&mut self, client: usize, index: u32, now: SimTime, view: &mut View<'_, 's>) {
        let (spec, slot) = (self.clients[client].spec, &mut self.slots[index as usize]);
        let Some(channels) = &mut self.clients[client].channels else { return };
        let one_way = slot.call.one_way();
        let longest_idle = longest_idle(spec, self.path.keep_alive_timeout);
        let drop = |channel: &mut Channel| channel.drop_ended(now, one_way, longest_idle).then_some(());
        let ended = channels.list.iter_mut().filter_map(drop).count();
        channels.asks |= ended > 0;
        self.path.closed += ended as u64;
        let asked = channels.by_address && channels.asks;
        if asked {
            self.path.closed += channels.resolved(view.routes.dns.resolve(now, client as u32, spec.dns));
        }
        let call = slot.call;
        let unconnected = if channels.by_address { channels.unconnected(now) } else { Vec::new() };
        for place in unconnected {
            self.dial(client, place, call, now);
        }
        let slot = &mut self.slots[index as usize];
        let Some(channels) = &mut self.clients[client].channels else { return };
        let place = channels.choose(now);
        let channel = &mut channels.list[place];
        (slot.channel, slot.address) = (Some(place as u32), channel.pod);
        let is_full = channel.streams.len() >= self.path.most_streams;
        match (channel.socket, channel.connector) {
            (socket, connector) if socket.is_none() && connector.is_some() || socket.is_some() && is_full => {
                channel.waiting.push(index);
                self.path.rest(slot);
            }
            (socket, connector) => {
                channel.connector = connector.or(socket.is_none().then_some(index));
                channel.streams.insert(index);
                slot.cut_at = channel.cut_at(spec);
                send(slot, socket, now, &mut self.path);
            }
        }
        if asked || ended > 0 {
            self.wake_waiting(client, now);
        }
    }

    /// A connection is made without a request; its round trip is that of `call`.
    fn dial(&mut self, client: usize, place: usize, call: Call, now: SimTime) {
        let dialler = self.free_slot(client);
        let slot = &mut self.slots[dialler as usize];
        slot.call = Call { warm_up: true, attempt: 1, sent: now, ..call };
        let Some(channels) = &mut self.clients[client].channels else { return };
        let channel = &mut channels.list[place];
        channel.connector = Some(dialler);
        (slot.channel, slot.address, slot.cut_at) = (Some(place as u32), channel.pod, SimTime::MAX);
        send(slot, None, now, &mut self.path);
    }

    /// The slot that made a connection for others has done its work.
    fn hang_up(&mut self, client: usize, index: u32) {
        let slot = &mut self.slots[index as usize];
        slot.socket = None;
        self.path.rest(slot);
        if let Some(source) = &mut self.clients[client].source {
            source.bare.push(index);
        }
    }

    /// Whoever waits for a connection that is still made looks at all addresses again.
    fn wait_no_longer(&mut self, client: usize, now: SimTime) {
        let Some(channels) = self.clients[client].channels.as_mut().filter(|channels| channels.by_address) else {
            return;
        };
        for channel in channels.list.iter_mut().filter(|channel| channel.socket.is_none()) {
            for index in channel.waiting.drain(..) {
                let slot = &mut self.slots[index as usize];
                slot.state = State::Rejoins;
                self.path.wake_at(slot, now);
            }
        }
    }

    /// Connections have ended: those who wait for room on them go on.
    fn wake_waiting(&mut self, client: usize, now: SimTime) {
        let channels = self.clients[client].channels.as_ref().map_or(0, |channels| channels.list.len());
        (0..channels).for_each(|place| self.send_waiting(client, place, now));
    }

    /// The slot's stream is not wanted any more, unless it is the one that makes a connection for all: then it goes on. Says
    /// whether it is cancelled.
    pub(super) fn leave_channel(&mut self, client: usize, index: u32) -> bool {
        let place = self.slots[index as usize].channel;
        let channels = self.clients[client].channels.as_mut();
        let Some(channel) = channels.zip(place).map(|(channels, place)| &mut channels.list[place as usize]) else {
            return true;
        };
        channel.waiting.retain(|waiting| *waiting != index);
        channel.connector != Some(index)
    }

    /// A stream's slot has woken: perhaps its connection is made, or cannot be, or the stream has ended.
    pub(super) fn after_stream(&mut self, client: usize, index: u32, after: After, now: SimTime) {
        // Who only dials has no request that could be answered.
        let after = if after == After::WarmedUp { After::Free } else { after };
        let slot = &mut self.slots[index as usize];
        let Some(channels) = &mut self.clients[client].channels else { return };
        let Some(place) = slot.channel.map(|place| place as usize) else { return };
        let (is_connector, known) = (channels.list[place].connector == Some(index), now + slot.call.one_way());
        match &mut slot.socket {
            Some(socket) if is_connector => {
                socket.shared = true;
                let made = *socket;
                let dials = slot.call.warm_up;
                self.connected(client, place, made, known);
                if dials {
                    self.hang_up(client, index);
                    return;
                }
            }
            None if is_connector && (after == After::Free || slot.state == State::Rejoins) => {
                self.cannot_connect(client, place, now);
            }
            _ => {}
        }
        self.note_goodbye(client, place, index);
        if after == After::Free || self.slots[index as usize].state == State::Rejoins {
            self.leave_stream(client, index, now);
        }
        if after == After::Free {
            self.slots[index as usize].socket = None;
            if let Some(source) = &mut self.clients[client].source {
                source.bare.push(index);
            }
        }
    }

    /// The connection of a channel is made; who waits for it sends when the client knows.
    fn connected(&mut self, client: usize, place: usize, socket: Socket, known: SimTime) {
        let spec = self.clients[client].spec;
        let Some(channels) = &mut self.clients[client].channels else { return };
        let expires = channels.draw_expiry(spec, known);
        let channel = &mut channels.list[place];
        channel.connector = None;
        if channel.retired {
            self.path.closed += 1;
            self.send_waiting(client, place, known);
            return;
        }
        (channel.socket, channel.expires) = (Some(socket), expires);
        channel.idle_since = known;
        for index in &channel.streams {
            self.slots[*index as usize].cut_at = channel.cut_at(spec);
        }
        self.send_waiting(client, place, known);
        self.wait_no_longer(client, known);
    }

    /// A server that says in an answer that it ends the connection gets no new streams over it.
    fn note_goodbye(&mut self, client: usize, place: usize, index: u32) {
        let Some(stream) = self.slots[index as usize].socket else { return };
        let channel = self.clients[client].channels.as_mut().and_then(|channels| channels.list.get_mut(place));
        let Some(socket) = channel.and_then(|channel| channel.socket.as_mut()) else { return };
        if (stream.pod, stream.opened) == (socket.pod, socket.opened) {
            let ends = [stream.closed_at, socket.closed_at];
            socket.closed_at = ends.into_iter().flatten().min();
        }
    }

    /// The slot's stream has ended, or its attempt: there is room for another.
    pub(super) fn leave_stream(&mut self, client: usize, index: u32, now: SimTime) {
        let place = self.slots[index as usize].channel.map(|place| place as usize);
        let channels = self.clients[client].channels.as_mut();
        let Some((channel, place)) = channels.zip(place).map(|(channels, place)| (&mut channels.list[place], place))
        else {
            return;
        };
        if channel.streams.remove(&index) {
            channel.idle_since = channel.idle_since.max(now);
            self.send_waiting(client, place, now);
        }
    }

    /// Those who wait send at `now`, as far as there is room; over a connection that has ended the first makes another.
    fn send_waiting(&mut self, client: usize, place: usize, now: SimTime) {
        let (spec, most) = (self.clients[client].spec, self.path.most_streams);
        let longest_idle = longest_idle(spec, self.path.keep_alive_timeout);
        let Some(channels) = &mut self.clients[client].channels else { return };
        let channel = &mut channels.list[place];
        while let Some(first) = channel.waiting.first().copied() {
            let slot = &mut self.slots[first as usize];
            if channel.retired {
                slot.state = State::Rejoins;
                self.path.wake_at(slot, now);
                channel.waiting.remove(0);
                continue;
            }
            let drops = channel.drop_ended(now, slot.call.one_way(), longest_idle);
            self.path.closed += u64::from(drops);
            channels.asks |= drops;
            let is_full = channel.socket.is_some() && channel.streams.len() >= most;
            if is_full || channel.connector.is_some() {
                return;
            }
            channel.waiting.remove(0);
            channel.streams.insert(first);
            channel.connector = channel.socket.is_none().then_some(first);
            slot.cut_at = channel.cut_at(spec);
            send(slot, channel.socket, now, &mut self.path);
        }
    }

    /// The connection of a channel could not be made: the next who waits tries, or the address is left alone for a while.
    fn cannot_connect(&mut self, client: usize, place: usize, now: SimTime) {
        let Some(channels) = &mut self.clients[client].channels else { return };
        channels.asks = true;
        channels.list[place].alone_until = now + CONNECT_AGAIN;
        if channels.list.iter().any(|channel| channel.is_usable(now)) {
            channels.list[place].connector = None;
            self.wait_no_longer(client, now);
            return;
        }
        let channel = &mut channels.list[place];
        channel.connector = (!channel.waiting.is_empty()).then(|| channel.waiting.remove(0));
        if let Some(next) = channel.connector {
            channel.streams.insert(next);
            send(&mut self.slots[next as usize], None, now, &mut self.path);
        }
    }
}
