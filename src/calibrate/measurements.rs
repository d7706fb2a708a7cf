//! What a folder of measurements says, apart from how many requests failed: that is never looked at here.

use std::collections::BTreeMap;

use super::tables::{DataError, File, Row, rows};

/// The patch comes 5 to 6 s after the client starts, so a recording of `run_s` ends so many seconds less after it.
const PATCH_AT_S: f64 = 6.0;

/// The files of a folder of measurements.
#[derive(Debug, Clone, Copy)]
pub struct Files<'a> {
    /// `micro.csv`: latency samples.
    pub micro: File<'a>,
    /// `pods.csv`: a row a pod.
    pub pods: File<'a>,
    /// `proxy_sync.csv`: a row a sync.
    pub proxy_sync: File<'a>,
    /// `runs.csv`: only its settings are read.
    pub runs: File<'a>,
    /// `failures.csv`, if there is one: of resets when they were sent and when they came, of failed connects when they were
    /// made, never how many.
    pub failures: Option<File<'a>>,
    /// `syn_after_stop_summary.csv`, if there is one: what a pod's address answered around its end.
    pub syn_after_stop: Option<File<'a>>,
}

/// A value and where it was measured.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// Seconds.
    pub value: f64,
    /// The scenario.
    pub scenario: String,
    /// The run.
    pub run: String,
}

/// One pod's stamps, seconds after the patch.
#[derive(Debug, Clone, PartialEq)]
pub struct Pod {
    /// The scenario.
    pub scenario: String,
    /// The run.
    pub run: String,
    stamps: BTreeMap<&'static str, f64>,
}

impl Pod {
    /// Seconds from one stamp to another, if the pod has both.
    pub fn between(&self, from: &str, to: &str) -> Option<f64> {
        Some(self.stamps.get(to)? - self.stamps.get(from)?)
    }

    /// A stamp, seconds after the patch.
    pub fn at(&self, stamp: &str) -> Option<f64> {
        self.stamps.get(stamp).copied()
    }
}

/// How a run was set up.
#[derive(Debug, Clone, PartialEq)]
struct Settings {
    nginx: bool,
    /// Of `sleep N` and nothing else.
    hook_sleep: Option<f64>,
    recorded_until: f64,
}

/// A request that waited unread until its connection was reset, seconds after the patch.
#[derive(Debug, Clone, PartialEq)]
pub struct Reset {
    /// The run.
    pub run: String,
    /// When it was sent.
    pub sent: f64,
    /// When the client saw the reset.
    pub came: f64,
    /// Over a connection that had carried a request before.
    pub reused: bool,
}

/// A connect that failed.
#[derive(Debug, Clone, PartialEq)]
pub struct FailedConnect {
    /// The run.
    pub run: String,
    /// When its first SYN was sent, seconds after the patch.
    pub sent: f64,
    /// A RST answered it; else nothing did.
    pub refused: bool,
}

/// All latencies of a folder.
#[derive(Debug, Clone, PartialEq)]
pub struct Measurements {
    micro: BTreeMap<String, Vec<Sample>>,
    /// The pods, in the order of the file.
    pub pods: Vec<Pod>,
    /// Durations of the syncs of runs without preloaded Services, in the order of their ends within a run.
    pub syncs: Vec<Sample>,
    /// From rules in force to the end of the sync, of the same runs.
    pub tails: Vec<f64>,
    /// Resets, in the order of the file.
    pub resets: Vec<Reset>,
    /// Connects refused or timed out, in the order of the file.
    pub failed_connects: Vec<FailedConnect>,
    /// How much later the teardown of a network namespace is logged than its address falls silent, one value a pod, on a
    /// machine that does nothing else.
    pub teardown_log_lag: Vec<f64>,
    runs: BTreeMap<String, Settings>,
}

const STAMPS: [&str; 17] = [
    "created_s",
    "scheduled_s",
    "sandbox_begin_s",
    "sandbox_ready_s",
    "container_started_s",
    "probe_ok_s",
    "rule_in_s",
    "deletion_s",
    "kubelet_delete_s",
    "eps_out_s",
    "prestop_begin_s",
    "stopcontainer_s",
    "sigterm_s",
    "exit_s",
    "net_down_s",
    "rule_out_s",
    "removed_s",
];

impl Measurements {
    /// Reads the files; of scenarios whose name contains one of `with`, or all if there is none.
    pub fn read(files: &Files<'_>, with: &[String]) -> Result<Measurements, DataError> {
        let pods = pods(files.pods)?;
        let mut measured = Measurements {
            micro: micro(files.micro)?,
            syncs: syncs(files.proxy_sync)?,
            tails: tails(files.proxy_sync, &pods, with)?,
            pods,
            resets: files.failures.map_or(Ok(Vec::new()), resets)?,
            failed_connects: files.failures.map_or(Ok(Vec::new()), failed_connects)?,
            teardown_log_lag: files.syn_after_stop.map_or(Ok(Vec::new()), teardown_log_lag)?,
            runs: settings(files.runs)?,
        };
        measured.retain(|scenario| wanted(scenario, with));
        Ok(measured)
    }

    fn retain(&mut self, wanted: impl Fn(&str) -> bool) {
        let pods = &self.pods;
        let scenario_of = |run: &str| pods.iter().find(|pod| pod.run == run).map_or("", |pod| pod.scenario.as_str());
        self.resets.retain(|reset| wanted(scenario_of(&reset.run)));
        self.failed_connects.retain(|connect| wanted(scenario_of(&connect.run)));
        self.micro.values_mut().for_each(|samples| samples.retain(|sample| wanted(&sample.scenario)));
        self.pods.retain(|pod| wanted(&pod.scenario));
        self.syncs.retain(|sync| wanted(&sync.scenario));
    }

    /// The samples of one name, none if the file has no such name.
    pub fn micro(&self, name: &str) -> &[Sample] {
        self.micro.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether the server of the run is nginx, as it is where nothing else is said.
    pub fn nginx(&self, run: &str) -> bool {
        self.runs.get(run).is_none_or(|settings| settings.nginx)
    }

    /// The seconds of a run's hook, if that is `sleep N`.
    pub fn hook_sleep(&self, run: &str) -> Option<f64> {
        self.runs.get(run)?.hook_sleep
    }

    /// At least until so many seconds after the patch the run was recorded, if that is known.
    pub fn recorded_until(&self, run: &str) -> Option<f64> {
        Some(self.runs.get(run)?.recorded_until)
    }
}

fn wanted(scenario: &str, with: &[String]) -> bool {
    with.is_empty() || with.iter().any(|part| scenario.contains(part.as_str()))
}

fn sample(file: File<'_>, row: &Row, column: &str) -> Result<Sample, DataError> {
    let value = row.required(file, column)?;
    Ok(Sample { value, scenario: row.text("scenario").to_owned(), run: row.text("run").to_owned() })
}

fn micro(file: File<'_>) -> Result<BTreeMap<String, Vec<Sample>>, DataError> {
    let mut samples: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
    for row in rows(file, &["name", "value_s", "scenario", "run"])? {
        samples.entry(row.text("name").to_owned()).or_default().push(sample(file, &row, "value_s")?);
    }
    Ok(samples)
}

fn pods(file: File<'_>) -> Result<Vec<Pod>, DataError> {
    let pod = |row: &Row| {
        let mut stamps = BTreeMap::new();
        for stamp in STAMPS {
            stamps.extend(row.number(file, stamp)?.map(|at| (stamp, at)));
        }
        Ok(Pod { scenario: row.text("scenario").to_owned(), run: row.text("run").to_owned(), stamps })
    };
    rows(file, &["run", "scenario"])?.iter().map(pod).collect()
}

fn syncs(file: File<'_>) -> Result<Vec<Sample>, DataError> {
    plain_syncs(file)?.iter().map(|row| sample(file, row, "sync_took_s")).collect()
}

/// The rows of runs without preloaded Services.
fn plain_syncs(file: File<'_>) -> Result<Vec<Row>, DataError> {
    let mut rows = rows(file, &["run", "scenario", "preloaded_services", "sync_end_s", "sync_took_s"])?;
    rows.retain(|row| ["", "0"].contains(&row.text("preloaded_services")));
    Ok(rows)
}

/// Each change of a pod's rule against the sync during which it was seen.
fn tails(file: File<'_>, pods: &[Pod], with: &[String]) -> Result<Vec<f64>, DataError> {
    let mut tails = Vec::new();
    for row in plain_syncs(file)?.iter().filter(|row| wanted(row.text("scenario"), with)) {
        let (end, took) = (row.required(file, "sync_end_s")?, row.required(file, "sync_took_s")?);
        let of_run = pods.iter().filter(|pod| pod.run == row.text("run"));
        let changes = of_run.flat_map(|pod| [pod.at("rule_in_s"), pod.at("rule_out_s")]).flatten();
        let mut during: Vec<f64> = changes.map(|at| end - at).filter(|tail| (0.0..took).contains(tail)).collect();
        // A sync that changes two rules changes them at once.
        during.truncate(1);
        tails.extend(during);
    }
    Ok(tails)
}

fn resets(file: File<'_>) -> Result<Vec<Reset>, DataError> {
    let rows = rows(file, &["run", "start_s", "end_s", "reused", "result"])?;
    let waited = rows.iter().filter(|row| ["read_reset", "connect_reset"].contains(&row.text("result")));
    let reset = |row: &Row| {
        let (sent, came) = (row.required(file, "start_s")?, row.required(file, "end_s")?);
        Ok(Reset { run: row.text("run").to_owned(), sent, came, reused: row.text("reused") == "1" })
    };
    waited.map(reset).collect()
}

fn failed_connects(file: File<'_>) -> Result<Vec<FailedConnect>, DataError> {
    let rows = rows(file, &["run", "start_s", "result"])?;
    let failed = rows.iter().filter(|row| ["connect_refused", "connect_timeout"].contains(&row.text("result")));
    let connect = |row: &Row| {
        let sent = row.required(file, "start_s")?;
        Ok(FailedConnect { run: row.text("run").to_owned(), sent, refused: row.text("result") == "connect_refused" })
    };
    failed.map(connect).collect()
}

/// Silence began between the last refused connect and the first one without an answer.
fn teardown_log_lag(file: File<'_>) -> Result<Vec<f64>, DataError> {
    let columns = ["teardown_logged_after_exit_s", "last_refused_s", "first_timeout8s_start_s"];
    let one = |row: &Row| {
        let [logged, refused, silent] = columns.map(|column| row.required(file, column));
        Ok(logged? - f64::midpoint(refused?, silent?))
    };
    rows(file, &columns)?.iter().map(one).collect()
}

fn settings(file: File<'_>) -> Result<BTreeMap<String, Settings>, DataError> {
    let one = |row: &Row| {
        let settings = Settings {
            nginx: row.text("handler") == "nginx",
            hook_sleep: row.text("prestop").strip_prefix("sleep ").and_then(|seconds| seconds.parse().ok()),
            recorded_until: row.required(file, "run_s")? - PATCH_AT_S,
        };
        Ok((row.text("run").to_owned(), settings))
    };
    rows(file, &["run", "handler", "prestop", "run_s"])?.iter().map(one).collect()
}
