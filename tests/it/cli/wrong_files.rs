//! Wrong files through the program: exit code 2, the place, the way out, and never a panic.

use std::fs;

use super::Room;
use crate::scenario_files::WRONG;

/// What `rollsim run` says on stderr about a wrong file.
fn told(room: &Room, file: &[u8], sets: &[&str]) -> String {
    fs::write(room.0.join("wrong.toml"), file).unwrap();
    let sets = sets.iter().flat_map(|set| ["--set", set]);
    let arguments: Vec<&str> = ["run", "wrong.toml", "--out", "none"].into_iter().chain(sets).collect();
    let (stdout, stderr) = room.check(&arguments, 2);
    assert_eq!(stdout, "");
    assert!(!stderr.contains("panicked"), "{stderr}");
    stderr
}

/// Whether the text has `name:line:column`.
fn has_place(text: &str, name: &str) -> bool {
    let numbers = |rest: &str| {
        let mut parts = rest.split(|c: char| !c.is_ascii_digit() && c != ':').next().unwrap_or_default().split(':');
        (0..2).all(|_| parts.next().is_some_and(|part| part.parse::<u32>().is_ok_and(|number| number > 0)))
    };
    text.match_indices(name).any(|(place, name)| text[place + name.len()..].strip_prefix(':').is_some_and(numbers))
}

/// A help line, or what was expected in the message itself.
fn shows_the_way_out(text: &str) -> bool {
    ["help: ", " must be ", "expected ", "keep one"].iter().any(|way| text.contains(way))
}

#[test]
fn every_wrong_file_is_refused_with_its_place_and_the_way_out() {
    let room = Room::new("wrong");
    assert!(WRONG.len() >= 20);
    for (name, text, sets) in WRONG {
        let stderr = told(&room, text.as_bytes(), sets);
        let is_placed = ["wrong.toml", "--set[1]", "--set[2]"].iter().any(|name| has_place(&stderr, name));
        assert!(is_placed, "{name}: no place in\n{stderr}");
        assert!(shows_the_way_out(&stderr), "{name}: {stderr}");
    }
}

#[test]
fn what_is_no_text_is_refused_by_its_name() {
    let room = Room::new("binary");
    for file in [&b""[..], b"\x7fELF\x02\x01\x00\xff\xfe", b"\xff\xfen\x00a\x00", b"\0\0\0\0", &[b'['; 100_000]] {
        let stderr = told(&room, file, &[]);
        assert!(stderr.contains("wrong.toml") && shows_the_way_out(&stderr), "{stderr}");
    }
}

#[test]
fn a_place_has_line_and_column() {
    assert!(has_place("--> wrong.toml:3:12", "wrong.toml"));
    assert!(!has_place("--> wrong.toml:3", "wrong.toml"));
    assert!(!has_place("wrong.toml is wrong:3:12", "wrong.toml"));
}
