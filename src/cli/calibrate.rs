//! `rollsim calibrate`: measured latencies in, the delays of a scenario out.

use std::io::{self, Read};
use std::path::Path;

use serde::Serialize;

use super::args::{CalibrateArgs, CalibrateFormat};
use super::failure::Failure;
use super::print;
use crate::calibrate::formats::{
    Reading, fortio, k6, kube_proxy, kubectl_endpointslices, kubectl_events, kubectl_pods, load_test, vegeta,
};
use crate::calibrate::tables::place;
use crate::calibrate::{Calibration, DataError, Estimate, File, Files, Measurements, calibrate, render};
use crate::report::json;

const FILES: [&str; 4] = ["micro.csv", "pods.csv", "proxy_sync.csv", "runs.csv"];
/// Read if they are there.
const MORE_FILES: [&str; 2] = ["failures.csv", "syn_after_stop_summary.csv"];

/// The file that stands for stdin.
const STDIN: &str = "-";

/// Runs the command.
pub(super) fn run(args: &CalibrateArgs) -> Result<(), Failure> {
    refuse_stdin_twice(args)?;
    let mut found = args.data.as_deref().map_or(Ok(Calibration::default()), |folder| folder_of(folder, args))?;
    estimates_of(args)?.into_iter().for_each(|estimate| found.add(estimate));
    if found.estimates.is_empty() {
        return Err(Failure::BadRequest("no delay can be fitted to these data".to_owned()));
    }
    if let Some(out) = &args.out {
        write(out, &render::toml(&found))?;
    }
    print::result(&rendered(&found, args.format))
}

fn refuse_stdin_twice(args: &CalibrateArgs) -> Result<(), Failure> {
    let kubectl = [&args.kubectl_pods, &args.kubectl_events, &args.kubectl_endpointslices];
    let files = kubectl.into_iter().chain([&args.kube_proxy, &args.fortio, &args.k6, &args.vegeta]);
    if files.flatten().filter(|file| *file == STDIN).count() > 1 {
        return Err(Failure::BadRequest("stdin (-) can be read only once".to_owned()));
    }
    Ok(())
}

/// The delays of all files but the measurements. The same delay may be there twice: the last one says most.
fn estimates_of(args: &CalibrateArgs) -> Result<Vec<Estimate>, Failure> {
    let syncs = read(args.kube_proxy.as_ref(), kube_proxy::read)?;
    let pods = read(args.kubectl_pods.as_ref(), kubectl_pods::read)?;
    let events = read(args.kubectl_events.as_ref(), kubectl_events::read)?;
    let slices = read(args.kubectl_endpointslices.as_ref(), kubectl_endpointslices::read)?;
    let readings: Vec<Reading> = events.into_iter().chain(slices).collect();
    readings.iter().flat_map(|reading| &reading.notes).for_each(|note| print::note(note));
    let of_readings = readings.into_iter().flat_map(|reading| reading.estimates);
    Ok(syncs.into_iter().chain(pods.into_iter().flatten()).chain(of_readings).chain(round_trip(args)?).collect())
}

fn round_trip(args: &CalibrateArgs) -> Result<Option<Estimate>, Failure> {
    let tests = [
        read(args.fortio.as_ref(), |file| fortio::read(file, args.service_time))?,
        read(args.k6.as_ref(), |file| k6::read(file, args.service_time))?,
        read(args.vegeta.as_ref(), |file| vegeta::read(file, args.service_time))?,
    ];
    Ok(load_test::rtt_pod(&tests.into_iter().flatten().collect::<Vec<_>>()))
}

fn read<T>(path: Option<&String>, reader: impl Fn(File<'_>) -> Result<T, DataError>) -> Result<Option<T>, Failure> {
    let Some(path) = path else { return Ok(None) };
    Ok(Some(reader(File { name: shown_name(path), text: &text(path)? })?))
}

fn folder_of(folder: &str, args: &CalibrateArgs) -> Result<Calibration, Failure> {
    let names = FILES.map(|name| Path::new(folder).join(name).display().to_string());
    let texts = [text(&names[0])?, text(&names[1])?, text(&names[2])?, text(&names[3])?];
    let file = |index: usize| File { name: &names[index], text: &texts[index] };
    let more_names = MORE_FILES.map(|name| Path::new(folder).join(name).display().to_string());
    let more_texts = [if_there(&more_names[0])?, if_there(&more_names[1])?];
    let more = |index: usize| more_texts[index].as_deref().map(|text| File { name: &more_names[index], text });
    let files = Files {
        micro: file(0),
        pods: file(1),
        proxy_sync: file(2),
        runs: file(3),
        failures: more(0),
        syn_after_stop: more(1),
    };
    Ok(calibrate(&Measurements::read(&files, &args.scenarios_with)?))
}

fn if_there(path: &str) -> Result<Option<String>, Failure> {
    Path::new(path).exists().then(|| text(path)).transpose()
}

fn text(path: &str) -> Result<String, Failure> {
    let bytes = bytes(path).map_err(|error| environment("read", shown_name(path), &error))?;
    decoded(shown_name(path), bytes)
}

fn bytes(path: &str) -> io::Result<Vec<u8>> {
    if path != STDIN {
        return std::fs::read(path);
    }
    let mut bytes = Vec::new();
    io::stdin().read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn shown_name(path: &str) -> &str {
    if path == STDIN { "<stdin>" } else { path }
}

/// Some editors and shells begin a text with a mark of its encoding.
fn decoded(name: &str, bytes: Vec<u8>) -> Result<String, Failure> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let (line, column) = place(error.as_bytes(), at);
        let is_utf16 = error.as_bytes().starts_with(b"\xff\xfe") || error.as_bytes().starts_with(b"\xfe\xff");
        let hint = if is_utf16 { " (it seems to be UTF-16)" } else { "" };
        Failure::BadRequest(format!("{name}:{line}:{column}: byte {} is not text, expected UTF-8{hint}", at + 1))
    })?;
    Ok(text.strip_prefix('\u{feff}').map(str::to_owned).unwrap_or(text))
}

fn write(path: &str, text: &str) -> Result<(), Failure> {
    std::fs::write(path, text).map_err(|error| environment("write", path, &error))
}

fn environment(verb: &str, path: &str, error: &std::io::Error) -> Failure {
    Failure::Environment(vec![format!("failed to {verb} {path}: {error}")])
}

#[derive(Serialize)]
struct Document<'a> {
    schema: &'static str,
    /// What the p-values are worth.
    ks_p: &'static str,
    #[serde(flatten)]
    found: &'a Calibration,
}

fn rendered(found: &Calibration, format: CalibrateFormat) -> String {
    match format {
        CalibrateFormat::Table => render::table(found),
        CalibrateFormat::Toml => render::toml(found),
        CalibrateFormat::Json => {
            json::render(&Document { schema: "rollsim/calibrate/v1", ks_p: render::FITTED, found })
        }
    }
}

impl From<DataError> for Failure {
    fn from(error: DataError) -> Self {
        Failure::BadRequest(error.to_string())
    }
}
