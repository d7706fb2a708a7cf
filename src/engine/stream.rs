//! Named random streams: one for each purpose and entity, so that one more draw here moves nothing there.
//!
//! A stream is ChaCha8 (20 years of cryptanalysis, portable, counter-based) keyed by seed and replication, with the
//! stream number a fixed hash of its label `room/purpose#entity`. Changing one mechanism of a scenario therefore
//! leaves every other draw where it was: differences between two scenarios come from the scenarios.

#[cfg(debug_assertions)]
use std::collections::BTreeMap;

use rand::rngs::ChaCha8Rng;
use rand::{Rng, SeedableRng};

use crate::engine::{Places, mix};

/// What every stream of one replication is keyed by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StreamKey {
    /// The seed of the experiment.
    pub seed: u64,
    /// Which replication.
    pub replication: u64,
}

/// One stream of random numbers.
#[derive(Debug)]
pub struct Stream(ChaCha8Rng);

impl StreamKey {
    /// The stream of `room` for `purpose` and the entity with ordinal `entity`.
    pub fn stream(self, room: &str, purpose: &str, entity: u64) -> Stream {
        self.numbered(label_hash(room, purpose, entity))
    }

    /// The stream with this number.
    fn numbered(self, number: u64) -> Stream {
        let mut key = [0u8; 32];
        key[..8].copy_from_slice(&self.seed.to_le_bytes());
        key[8..16].copy_from_slice(&self.replication.to_le_bytes());
        key[16..].copy_from_slice(b"rollsim/stream/1");
        let mut generator = ChaCha8Rng::from_seed(key);
        generator.set_stream(number);
        Stream(generator)
    }
}

impl Stream {
    /// A uniform number in the open interval (0, 1), on a grid of 2^-53.
    #[inline]
    pub fn uniform(&mut self) -> f64 {
        to_uniform(self.0.next_u64())
    }

    /// The next `N` uniform numbers.
    #[inline]
    pub fn uniforms<const N: usize>(&mut self) -> [f64; N] {
        let mut bytes = [[0; size_of::<u64>()]; N];
        self.0.fill_bytes(bytes.as_flattened_mut());
        bytes.map(|word| to_uniform(u64::from_le_bytes(word)))
    }

    /// Leaves out the next `count` numbers.
    pub fn skip(&mut self, count: u64) {
        // The generator's words have 32 bits.
        let next = self.0.get_word_pos() + u128::from(count) * 2;
        self.0.set_word_pos(next);
    }

    /// A uniform whole number in `0..count`, by multiplication; the bias is below `count` / 2^64.
    #[inline]
    pub fn below(&mut self, count: usize) -> usize {
        ((u128::from(self.0.next_u64()) * count as u128) >> 64) as usize
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.0.next_u64()
    }

    /// The generator itself, for samplers of other crates.
    pub fn generator(&mut self) -> &mut ChaCha8Rng {
        &mut self.0
    }
}

#[inline]
fn to_uniform(bits: u64) -> f64 {
    ((bits >> 11) as f64 + 0.5) * (1.0 / (1u64 << 53) as f64)
}

/// The fixed 64-bit hash of the label `room/purpose#entity`: FNV-1a over its bytes, then mixed, since FNV's high bits
/// know little of the last bytes.
pub fn label_hash(room: &str, purpose: &str, entity: u64) -> u64 {
    hash_within(hash_of_room(room), purpose, entity)
}

fn hash_of_room(room: &str) -> u64 {
    fnv(fnv(0xCBF2_9CE4_8422_2325, room.as_bytes()), b"/")
}

fn hash_within(room: u64, purpose: &str, entity: u64) -> u64 {
    mix(fnv(fnv(fnv(room, purpose.as_bytes()), b"#"), &entity.to_le_bytes()))
}

#[inline]
fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01B3))
}

/// Streams for which a room has space from its first on.
const FEW: usize = 16;

/// The streams of one room, opened at first use and kept, so that successive draws for one purpose and entity go on
/// in one stream.
#[derive(Debug)]
pub struct Streams {
    key: StreamKey,
    room_hash: u64,
    /// Where among the open streams is the one with this hash.
    places: Places,
    open: Vec<Stream>,
    #[cfg(debug_assertions)]
    labels: BTreeMap<u64, (String, u64)>,
}

impl Streams {
    /// No stream of `room` open yet.
    pub fn new(key: StreamKey, room: &'static str) -> Self {
        Streams {
            key,
            room_hash: hash_of_room(room),
            places: Places::default(),
            open: Vec::new(),
            #[cfg(debug_assertions)]
            labels: BTreeMap::new(),
        }
    }

    /// The stream of `purpose` for `entity`.
    pub fn get(&mut self, purpose: &str, entity: u64) -> &mut Stream {
        let place = self.open(purpose, entity);
        &mut self.open[place]
    }

    /// A stream by its place.
    pub fn at(&mut self, place: usize) -> &mut Stream {
        &mut self.open[place]
    }

    /// The place, for all the time, of the stream of `purpose` for `entity`.
    fn open(&mut self, purpose: &str, entity: u64) -> usize {
        let hash = hash_within(self.room_hash, purpose, entity);
        match self.places.get(hash) {
            Some(place) => place as usize,
            None => {
                let place = self.open_apart(purpose, entity);
                self.places.insert(hash, place as u32);
                place
            }
        }
    }

    /// The place of the stream of `purpose` for `entity`, for one who remembers it: it is opened once, and not by its name too.
    ///
    /// # Panics
    /// In debug builds if it is, or if its number is that of another stream.
    pub fn open_apart(&mut self, purpose: &str, entity: u64) -> usize {
        let hash = hash_within(self.room_hash, purpose, entity);
        #[cfg(debug_assertions)]
        {
            let before = self.labels.insert(hash, (purpose.to_owned(), entity));
            assert!(before.is_none(), "stream {purpose}#{entity} has the number of {before:?}");
        }
        if self.open.is_empty() {
            // Streams are large, and few rooms have only one.
            self.open.reserve(FEW);
        }
        self.open.push(self.key.numbered(hash));
        self.open.len() - 1
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: StreamKey = StreamKey { seed: 1, replication: 0 };

    #[test]
    fn streams_are_fixed_for_all_time() {
        assert_eq!(KEY.stream("kubelet", "pleg", 3).bits(), 6_201_293_743_465_803_544);
        assert_eq!(KEY.stream("kubelet", "pleg", 4).bits(), 3_390_729_479_150_779_194);
    }

    #[test]
    fn streams_of_other_names_seeds_and_replications_differ() {
        let first = |key: StreamKey, purpose: &str, entity| key.stream("room", purpose, entity).bits();
        let all = [
            first(KEY, "a/b", 0),
            first(KEY, "a/b", 1),
            first(KEY, "a/c", 0),
            first(StreamKey { seed: 2, replication: 0 }, "a/b", 0),
            first(StreamKey { seed: 1, replication: 1 }, "a/b", 0),
        ];
        let distinct: std::collections::BTreeSet<_> = all.into_iter().collect();
        assert_eq!(distinct.len(), all.len());
    }

    #[test]
    fn what_is_skipped_is_left_out_wherever_the_stream_stands() {
        let mut plain = KEY.stream("room", "y", 7);
        let all: Vec<u64> = (0..500).map(|_| plain.bits()).collect();
        for taken in [0, 1, 31, 32, 40] {
            for skipped in [0, 1, 2, 31, 32, 33, 299] {
                let mut stream = KEY.stream("room", "y", 7);
                (0..taken).for_each(|_| _ = stream.bits());
                stream.skip(skipped);
                let rest = &all[taken + skipped as usize..];
                assert!(rest.iter().all(|number| stream.bits() == *number), "{taken}, {skipped}");
            }
        }
    }

    #[test]
    fn successive_draws_go_on_in_one_stream() {
        let mut streams = Streams::new(KEY, "room");
        let mut plain = KEY.stream("room", "y", 7);
        for _ in 0..5 {
            assert_eq!(streams.get("y", 7).bits(), plain.bits());
            streams.get("z", 7).bits();
        }
    }

    #[test]
    fn uniform_stays_inside_the_open_interval_and_below_is_fair() {
        let mut stream = KEY.stream("test", "uniform", 0);
        let mut counts = [0u32; 5];
        for _ in 0..50_000 {
            let value = stream.uniform();
            assert!(value > 0.0 && value < 1.0);
            counts[stream.below(5)] += 1;
        }
        // Chi-square with 4 degrees of freedom: 18.5 is the 99.9 % point.
        let chi: f64 = counts.iter().map(|&count| (f64::from(count) - 10_000.0).powi(2) / 10_000.0).sum();
        assert!(chi < 18.5, "{chi}");
    }
}
