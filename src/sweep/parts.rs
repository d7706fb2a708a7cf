//! Shards: point `p` belongs to shard `p mod n`. A shard leaves one file, whole or not at all; parts that fit together are
//! joined to the files of the whole sweep.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Write};

use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Rows;
use super::lines::Lines;
use super::store::json;
use crate::report::sink::{Folder, SinkError};
use crate::report::sweep::Manifest;
use crate::scenario::MOST_POINTS;

const SCHEMA: &str = "rollsim/sweep-part/v1";

/// Numbers of missing parts that are told.
const MOST_MISSING: usize = 10;

/// One of `of` shards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// Which one, from 0.
    pub index: u64,
    /// How many there are.
    pub of: u64,
}

impl Shard {
    /// The most shards that a sweep is cut into: each has at least a point.
    pub const MOST: u64 = MOST_POINTS;

    /// The points of this shard among so many.
    pub fn points(self, all: u64) -> impl Iterator<Item = u64> {
        (self.index..all).step_by(self.of.max(1) as usize)
    }

    fn n_points(self, all: u64) -> usize {
        self.points(all).count()
    }
}

/// The first line of a part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Head {
    schema: String,
    shard: Shard,
    manifest: Manifest,
}

/// The file of a shard; digits enough that names sort.
pub fn part_name(shard: Shard) -> String {
    format!("{}.jsonl", stem(shard))
}

/// Where a shard keeps its rows until all are there.
pub(super) fn journal_name(shard: Shard) -> String {
    format!("{}.journal", stem(shard))
}

fn stem(shard: Shard) -> String {
    let digits = shard.of.saturating_sub(1).to_string().len();
    format!("part-{:0digits$}-of-{}", shard.index, shard.of)
}

/// Writes the part of a shard.
///
/// # Errors
///
/// If the file cannot be written; then there is none.
pub fn write_part(folder: &Folder, manifest: &Manifest, shard: Shard, rows: &mut dyn Rows) -> Result<(), SinkError> {
    let head = Head { schema: SCHEMA.to_owned(), shard, manifest: manifest.clone() };
    folder.write_with(&part_name(shard), |file| {
        let mut out = io::BufWriter::new(file);
        writeln!(out, "{}", json(&head))?;
        for point in shard.points(manifest.points) {
            writeln!(out, "{}", rows.row(point)?)?;
        }
        out.flush()
    })
}

/// Why parts cannot be joined.
#[derive(Debug, Error)]
pub enum MergeError {
    /// A file cannot be read.
    #[error("failed to read {0}: {1}")]
    Read(String, io::Error),
    /// They do not fit; a plain sentence.
    #[error("{0}")]
    Unfit(String),
}

/// One part.
#[derive(Debug)]
struct Part {
    name: String,
    head: Head,
    rows: Lines,
}

/// All parts of one sweep.
#[derive(Debug)]
pub struct Parts {
    /// What was swept.
    pub manifest: Manifest,
    /// In the order of their indices.
    parts: Vec<Part>,
}

impl Parts {
    /// Opens the parts with these names and checks that they are all parts of one sweep.
    ///
    /// # Errors
    ///
    /// If a file cannot be read, is no part, is not whole, is given twice, is missing, or belongs to another sweep.
    pub fn open(names: &[String]) -> Result<Parts, MergeError> {
        let mut parts = names.iter().map(|name| Part::open(name)).collect::<Result<Vec<Part>, MergeError>>()?;
        let Some(first) = parts.first() else { return Err(unfit("no parts are given")) };
        let manifest = first.head.manifest.clone();
        refuse_version(first)?;
        parts[1..].iter().try_for_each(|other| refuse_other_sweep(first, other))?;
        parts.sort_by_key(|part| part.head.shard.index);
        refuse_twice_or_missing(&parts)?;
        Ok(Parts { manifest, parts })
    }

    /// Whether the file is the whole part of this shard of this sweep; none if there is no such file.
    ///
    /// # Errors
    ///
    /// If it cannot be read, is no part, or belongs to another sweep.
    pub fn is_there(folder: &Folder, manifest: &Manifest, shard: Shard) -> Result<bool, MergeError> {
        if !folder.has(&part_name(shard)) {
            return Ok(false);
        }
        let name = folder.path().join(part_name(shard)).display().to_string();
        let part = Part::open(&name)?;
        if part.head.manifest == *manifest && part.head.shard == shard {
            return Ok(true);
        }
        Err(unfit(format!("{name} is a part of another sweep: remove it, or choose another folder with --out")))
    }
}

fn unfit(sentence: impl Into<String>) -> MergeError {
    MergeError::Unfit(sentence.into())
}

fn refuse_version(part: &Part) -> Result<(), MergeError> {
    let (theirs, ours) = (&part.head.manifest.version, env!("CARGO_PKG_VERSION"));
    if theirs == ours {
        return Ok(());
    }
    Err(unfit(format!(
        "{} was made by version {theirs} of rollsim, this is {ours}: merge with the same version",
        part.name
    )))
}

/// The first difference that explains the others.
fn refuse_other_sweep(first: &Part, other: &Part) -> Result<(), MergeError> {
    let (one, two) = (first.head.shard.of, other.head.shard.of);
    let shards = (one != two).then(|| format!("their numbers of shards differ: {one} and {two}"));
    match first.head.manifest.difference(&other.head.manifest).or(shards) {
        Some(difference) => {
            Err(unfit(format!("{} and {} do not belong together: {difference}", first.name, other.name)))
        }
        None => Ok(()),
    }
}

/// `parts` are in the order of their indices.
fn refuse_twice_or_missing(parts: &[Part]) -> Result<(), MergeError> {
    if let Some(pair) = parts.windows(2).find(|pair| pair[0].head.shard == pair[1].head.shard) {
        let index = pair[0].head.shard.index;
        return Err(unfit(format!("{} and {} are both part {index}: keep one", pair[0].name, pair[1].name)));
    }
    let of = parts.first().map_or(0, |part| part.head.shard.of);
    let there: BTreeSet<u64> = parts.iter().map(|part| part.head.shard.index).collect();
    let missing: Vec<String> = (0..of).filter(|index| !there.contains(index)).map(|index| index.to_string()).collect();
    match missing.as_slice() {
        [] => Ok(()),
        [one] => Err(unfit(format!("part {one} of {of} is missing (parts count from 0)"))),
        many => Err(unfit(format!("parts {} of {of} are missing (parts count from 0)", listed(many)))),
    }
}

fn listed(numbers: &[String]) -> String {
    match numbers.len().saturating_sub(MOST_MISSING) {
        0 => numbers.join(", "),
        more => format!("{} and {more} more", numbers[..MOST_MISSING].join(", ")),
    }
}

impl Part {
    fn open(name: &str) -> Result<Part, MergeError> {
        let read = |error| MergeError::Read(name.to_owned(), error);
        let file = File::open(name).map_err(read)?;
        let mut first = Vec::new();
        let skip = BufReader::new(&file).read_until(b'\n', &mut first).map_err(read)? as u64;
        let head = serde_json::from_slice(&first).ok().filter(Head::is_good);
        let head = head.ok_or_else(|| {
            unfit(format!("{name} is no part of a sweep of this version: rollsim sweep --shard I/N writes them"))
        })?;
        let shard = head.shard;
        let rows = Lines::scan(file, skip, |row| shard.index + row * shard.of).map_err(read)?;
        let rows = rows.map_err(|(row, why)| {
            unfit(format!("{name}:{} is not the row that belongs there: {why}; run its shard again", row + 2))
        })?;
        let expected = shard.n_points(head.manifest.points);
        if rows.len() != expected {
            return Err(unfit(format!("{name} is not whole: it has {} of its {expected} points", rows.len())));
        }
        Ok(Part { name: name.to_owned(), head, rows })
    }
}

impl Head {
    fn is_good(&self) -> bool {
        self.schema == SCHEMA && self.shard.index < self.shard.of && self.shard.of <= Shard::MOST
    }
}

impl Rows for Parts {
    fn row(&mut self, point: u64) -> io::Result<String> {
        let of = self.parts.len() as u64;
        self.parts[(point % of) as usize].rows.row((point / of) as usize)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_point_belongs_to_one_shard() {
        let shards = (0..3).map(|index| Shard { index, of: 3 });
        let all: Vec<Vec<u64>> = shards.map(|shard| shard.points(8).collect()).collect();
        assert_eq!(all, [vec![0, 3, 6], vec![1, 4, 7], vec![2, 5]]);
        assert_eq!(Shard { index: 5, of: 9 }.points(3).count(), 0);
    }

    #[test]
    fn names_of_parts_sort() {
        assert_eq!(part_name(Shard { index: 7, of: 12 }), "part-07-of-12.jsonl");
        assert_eq!(part_name(Shard { index: 0, of: 1 }), "part-0-of-1.jsonl");
        assert_eq!(part_name(Shard { index: 3, of: 10 }), "part-3-of-10.jsonl");
    }

    #[test]
    fn a_million_missing_parts_are_not_listed_one_by_one() {
        let numbers = |n: u32| (0..n).map(|number| number.to_string()).collect::<Vec<_>>();
        assert_eq!(listed(&numbers(3)), "0, 1, 2");
        assert_eq!(listed(&numbers(12)), "0, 1, 2, 3, 4, 5, 6, 7, 8, 9 and 2 more");
    }
}
