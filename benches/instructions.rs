//! What a request costs the whole program: instructions, counted by callgrind and the same on every machine of a kind,
//! and CPU time and memory of a thousand replications.
//!
//! Fails above the limits below, so that a change that slows the request path says so. What is not installed is skipped.

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "what is printed is the result")]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Output};

use rollsim::run::{Options, run_once};
use rollsim::scenario::{Source, read};

/// The article without a hook is the tightest loop there is: a request on an open connection, one wake. It takes about
/// 250 instructions, histogram, pacing and the control plane's share included; the limit leaves a few for another compiler.
const MOST_INSTRUCTIONS: u64 = 260;

/// What is left of the article's replication when quiet stretches are skipped: its control plane, the windows of requests before
/// its events, and the setting up of the world. Measured: 762,000; the limit leaves a few for another compiler.
const MOST_A_REPLICATION: u64 = 790_000;

/// Memory must not grow with the requests: 30 million of them pass here, a byte for each would be 29 MiB.
const MOST_MIB: u64 = 64;

/// Requests of one replication of each scenario.
const REQUESTS: u64 = 30_000;

/// Few and many replications: the difference is free of start-up, of the reading of the scenario and of the report, whose intervals
/// take two replications.
const FEW: u64 = 2;
const MANY: u64 = 7;

/// Through a load balancer with many connections under way: a request must not cost more because there are more of them.
const PROXIED: &str = "article-alb-ip";
const UNDER_WAY: [&str; 4] =
    ["run.duration=20s", "rollout.at=5s", "pod.server.service_time=100ms", "pod.server.workers=unlimited"];
const SECONDS: u64 = 20;

/// Requests a second: few and many, which cost at most so many per cent of the few.
const RATES: [u64; 2] = [500, 4_000];
const MOST_PERCENT: u64 = 150;

const LIMITED: &str = "article-no-hook";
const SCENARIOS: [&str; 3] = [LIMITED, "article-with-hook", "toy-rollout"];

/// What is left of a replication when quiet stretches are skipped: mostly the control plane.
const FAILURES_ONLY: [&str; 2] = ["--estimator", "failures-only"];

fn main() -> ExitCode {
    let outcome = instructions().and_then(|()| resources());
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("error: {message}");
            ExitCode::FAILURE
        }
    }
}

fn instructions() -> Result<(), String> {
    if !runs("valgrind") {
        println!("instructions: skipped, valgrind is not installed");
        return Ok(());
    }
    SCENARIOS.iter().filter(|name| file(name).exists()).try_for_each(|name| instructions_of(name))?;
    proxied()
}

/// What a request through a balancer costs, with few and with many connections.
fn proxied() -> Result<(), String> {
    let [few, many] = RATES.map(instructions_at);
    let (few, many) = (few?, many?);
    if many * 100 <= few * MOST_PERCENT {
        return Ok(());
    }
    Err(format!("{PROXIED}: {few} instructions a request grow to {many}, at most {MOST_PERCENT} % are allowed"))
}

fn instructions_at(rate: u64) -> Result<u64, String> {
    let settings = UNDER_WAY.map(str::to_owned).into_iter().chain([format!("clients.0.rate={rate}/s")]);
    let arguments: Vec<String> = settings.flat_map(|setting| ["--set".to_owned(), setting]).collect();
    let (few, many) = (counted(PROXIED, &arguments, 1)?, counted(PROXIED, &arguments, 2)?);
    let each = many.saturating_sub(few) / (rate * SECONDS);
    println!("{PROXIED} at {rate}/s: {each} instructions a request");
    Ok(each)
}

fn instructions_of(name: &str) -> Result<(), String> {
    let each = of_a_replication(name, &[])? / REQUESTS;
    println!("{name}: {each} instructions a request");
    let whole = of_a_replication(name, &FAILURES_ONLY.map(str::to_owned))?;
    let events = events_of_a_replication(name)?;
    println!(
        "{name}: {whole} instructions a replication of {REQUESTS} requests that estimates failures only, {} for each of \
         its {events} control events",
        whole / events.max(1)
    );
    if name == LIMITED && whole > MOST_A_REPLICATION {
        return Err(format!("{name}: {whole} instructions a replication, at most {MOST_A_REPLICATION} are allowed"));
    }
    if name == LIMITED && each > MOST_INSTRUCTIONS {
        return Err(format!("{name}: {each} instructions a request, at most {MOST_INSTRUCTIONS} are allowed"));
    }
    Ok(())
}

/// Instructions of one replication, free of start-up.
fn of_a_replication(name: &str, arguments: &[String]) -> Result<u64, String> {
    let (few, many) = (counted(name, arguments, FEW)?, counted(name, arguments, MANY)?);
    Ok(many.saturating_sub(few) / (MANY - FEW))
}

/// Control events of the same replications, on average.
fn events_of_a_replication(name: &str) -> Result<u64, String> {
    let path = file(name);
    let text = std::fs::read_to_string(&path).map_err(|error| format!("{}: {error}", path.display()))?;
    let Ok((scenario, _)) = read(&Source::new(format!("{name}.toml"), text.as_str()), &[]) else {
        return Err(format!("{}: is not read", path.display()));
    };
    let events = |replication| run_once(&scenario, replication, Options::default()).events;
    Ok((FEW..MANY).map(events).sum::<u64>() / (MANY - FEW))
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("scenarios/{name}.toml"))
}

/// Instructions of a whole run, from the `summary:` or `totals:` line of callgrind's file.
fn counted(name: &str, arguments: &[String], replications: u64) -> Result<u64, String> {
    let out = std::env::temp_dir().join(format!("rollsim-callgrind-{}-{name}", std::process::id()));
    let mut command = Command::new("valgrind");
    command.args(["--tool=callgrind", "--quiet", &format!("--callgrind-out-file={}", out.display())]);
    let ran = finish(command.arg(env!("CARGO_BIN_EXE_rollsim")).arg("run").args(arguments), name, replications);
    let text = std::fs::read_to_string(&out);
    drop(std::fs::remove_file(&out));
    ran?;
    let text = text.map_err(|error| format!("{}: {error}", out.display()))?;
    let total = ["summary: ", "totals: "].iter().find_map(|head| text.lines().find_map(|line| line.strip_prefix(head)));
    total.and_then(|total| total.trim().parse().ok()).ok_or_else(|| "callgrind gave no total".to_owned())
}

/// Adds the file and the arguments of a quiet run on one thread, runs it and checks that it ended well.
fn finish(command: &mut Command, name: &str, replications: u64) -> Result<Output, String> {
    let replications = replications.to_string();
    command.arg(file(name)).args(["--replications", &replications]);
    command.args(["--threads", "1", "--out", "none", "--quiet"]);
    let output = command.output().map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(output)
    } else {
        Err(format!("{command:?}: {}", String::from_utf8_lossy(&output.stderr)))
    }
}

/// Whether a program is there and knows its version; the `time` of other systems does not, nor the format used here.
fn runs(program: &str) -> bool {
    Command::new(program).arg("--version").output().is_ok_and(|output| output.status.success())
}

const TIME: &str = "/usr/bin/time";

/// CPU time and memory of 1,000 replications, as GNU time sees them.
fn resources() -> Result<(), String> {
    if !runs(TIME) {
        println!("1,000 replications: skipped, GNU time is not installed");
        return Ok(());
    }
    let mut command = Command::new(TIME);
    let output = finish(command.args(["-f", "%U %M"]).arg(env!("CARGO_BIN_EXE_rollsim")).arg("run"), LIMITED, 1_000)?;
    let text = String::from_utf8_lossy(&output.stderr);
    let (seconds, mib) = seconds_and_mib(&text).ok_or_else(|| format!("{TIME} printed {text}"))?;
    println!("{LIMITED}: {seconds} s of CPU time and {mib} MiB for 1,000 replications on one thread");
    if mib > MOST_MIB { Err(format!("{mib} MiB, at most {MOST_MIB} are allowed")) } else { Ok(()) }
}

/// The last line is `seconds kibibytes`; memory is rounded up.
fn seconds_and_mib(text: &str) -> Option<(f64, u64)> {
    let (seconds, kib) = text.trim().lines().last()?.split_once(' ')?;
    Some((seconds.parse().ok()?, kib.parse::<u64>().ok()?.div_ceil(1_024)))
}
