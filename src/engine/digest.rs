//! The trace digest: a sum of record hashes, so it does not depend on the order in which a driver wrote the records.

/// An order-free hash of the facts of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Digest(u64);

impl Digest {
    /// Adds one record, given as its words. Two records differ in the digest if their words do, in any place.
    pub fn add(&mut self, words: &[u64]) {
        let hash = words.iter().fold(0x9E37_79B9_7F4A_7C15, |hash, &word| mix(hash ^ word));
        self.0 = self.0.wrapping_add(hash);
    }

    /// Joins the digest of another part of the same run, or of another replication.
    pub fn join(&mut self, other: Digest) {
        self.0 = self.0.wrapping_add(other.0);
    }

    /// The digest as a number.
    pub fn value(self) -> u64 {
        self.0
    }
}

/// The finaliser of SplitMix64 (Steele, Lea and Flood 2014): every input bit reaches every output bit.
pub fn mix(word: u64) -> u64 {
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_order_of_records_does_not_matter_but_the_order_of_words_does() {
        let digest = |records: &[&[u64]]| {
            let mut digest = Digest::default();
            records.iter().for_each(|record| digest.add(record));
            digest
        };
        assert_eq!(digest(&[&[1, 2], &[3, 4]]), digest(&[&[3, 4], &[1, 2]]));
        assert_ne!(digest(&[&[1, 2]]), digest(&[&[2, 1]]));
        assert_ne!(digest(&[&[1], &[2]]), digest(&[&[1], &[3]]));
    }
}
