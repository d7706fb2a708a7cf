//! `rollsim run --watch`: plays one replication of each scenario in the terminal before the result. Where stderr is no terminal
//! only the last picture is printed.

use std::io::IsTerminal;
use std::thread::sleep;
use std::time::Duration;

use console::Term;

use super::print;
use crate::explain::traced;
use crate::model::spec::Scenario;
use crate::record::Trace;
use crate::report::watch::{Room, frame, frames};

/// A race takes about a quarter of a minute.
const FRAMES: usize = 300;
const PAUSE: Duration = Duration::from_millis(50);
/// Where there is no terminal to ask.
const ROOM: Room = Room { columns: 100, lines: 40 };

const CLEAR: &str = "\u{1b}[2J";
const HOME: &str = "\u{1b}[H";
/// To the end of the line, and to the end of the screen.
const REST_OF_LINE: &str = "\u{1b}[K";
const REST_OF_SCREEN: &str = "\u{1b}[J";

/// Plays `replication` of `scenario`.
pub(super) fn play(scenario: &Scenario, replication: u64) {
    let trace = traced(scenario, replication);
    let title = format!("{}, replication {replication}", scenario.name);
    if std::io::stderr().is_terminal() {
        play_live(&trace, &title);
    } else if let Some(last) = frames(&trace, FRAMES).last() {
        print::note(&frame(&trace, &title, *last, ROOM));
    }
}

fn play_live(trace: &Trace, title: &str) {
    print::raw(CLEAR);
    for now in frames(trace, FRAMES) {
        let text = frame(trace, title, now, room()).replace('\n', &format!("{REST_OF_LINE}\n"));
        print::raw(&format!("{HOME}{text}{REST_OF_SCREEN}"));
        sleep(PAUSE);
    }
    print::note("");
}

/// Asked for each frame: windows change their size.
fn room() -> Room {
    let size = Term::stderr().size_checked();
    size.map_or(ROOM, |(lines, columns)| Room { columns: columns.into(), lines: lines.into() })
}
