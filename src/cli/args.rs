//! The arguments, as they are typed. What they mean together is settled by the commands.

use clap::{Arg, ArgGroup, Args as ClapArgs, Parser, Subcommand, ValueEnum};

pub(super) use super::manifest_args::ManifestArgs;
use crate::report::Gate;
use crate::sweep::Shard;
use crate::units::SimDuration;

const EXAMPLES: &str = "\
Examples:
  rollsim                                          the article's rollout, without and with a hook
  rollsim run my.toml                              how many requests does this rollout lose?
  rollsim run my.toml --set pod.pre_stop.sleep=5s  and with a hook of five seconds?
  rollsim run a.toml b.toml                        two scenarios side by side, with the same luck
  rollsim run my.toml --fail-if 'failed.p95 > 0'   exit code 3 for a pipeline
  rollsim explain my.toml                          one rollout told as a story: what was lost, and why
  rollsim sweep my.toml                            the [sweep] of a scenario: many points, resumable
  kubectl get deploy,svc,ingress,hpa,pdb -o yaml | rollsim run -      your cluster's rollout

Exit codes: 0 done, 1 environment (path, permission, full disk), 2 bad input, 3 a --fail-if held.";

const RUN_EXAMPLES: &str = "\
Examples:
  rollsim run my.toml --replications 5000 --seed 7
  rollsim run my.toml --precision 0.05             stop when the mean failed count is known to 5 %
  rollsim run a.toml b.toml --format markdown
  rollsim run my.toml --ablate                     what does each mechanism contribute?
  rollsim run my.toml --fail-if 'any_failed > 1%' --fail-if 'rollout_duration_s.p95 > 120'
  cat my.toml | rollsim run - --format json --out none

A gate compares METRIC.STATISTIC with a number: mean, ci95_lo, ci95_hi, min, p05, p25, p50, p75, p95, max, n of any
metric of the result, or any_failed, the share of rollouts that lose a request. A gate on a metric that did not happen
counts as held.";

const IMPORT_EXAMPLES: &str = "\
Examples:
  kubectl get deploy,svc,ingress,hpa,pdb -o yaml | rollsim import - > shop.toml
  rollsim import k8s/ --workload web > web.toml    a folder of manifests, one workload of it
  helm template . | rollsim import - --format settled

rollsim run, explain, recommend and check take manifests, too.";

const CHECK_EXAMPLES: &str = "\
Examples:
  rollsim check k8s/                               what loses requests here, why, and the patch
  kubectl get deploy,svc,ingress,hpa,pdb -o yaml | rollsim check - --deny warning
  rollsim check k8s/ --format sarif > rollsim.sarif

# rollsim:ignore CODE reason    in an object silences a finding there. rollsim check --list prints all codes.";

const SWEEP_EXAMPLES: &str = "\
Examples:
  rollsim sweep scenarios/sweep-hook-and-sync-period.toml
  rollsim sweep my.toml --precision 0.05           each point until its mean failed count is known to 5 %
  rollsim sweep my.toml --resume                   after Ctrl-C or a crash: no finished point is run again
  rollsim sweep my.toml --shard 0/4 --out parts    one of four shares; then: rollsim merge parts/*.jsonl
  rollsim sweep my.toml --fail-if 'failed.p95 > 0' exit code 3 if it holds at any point
  rollsim sweep my.toml --shards 16 --emit k8s-job | kubectl apply -f -

The [sweep] of the scenario says what varies:
  [sweep]
  replications = 200
  [sweep.vary]
  \"pod.pre_stop.sleep\" = { from = \"0s\", to = \"5s\", step = \"250ms\" }
  \"kube_proxy.min_sync_period\" = [\"0s\", \"1s\", \"5s\"]";

const RECOMMEND_EXAMPLES: &str = "\
Examples:
  rollsim recommend my.toml                        at most 1 of 100,000 lost, 99 % sure
  rollsim recommend my.toml --target 1e-6 --confidence 0.999
  rollsim recommend my.toml --container web --format yaml --out none > patch.yaml
  kubectl patch deployment web --patch-file patch.yaml

The exit code is 0 whether a hook meets the target or not; --format json says `answer: null` if none does.";

const SENSITIVITY_EXAMPLES: &str = "\
Examples:
  rollsim sensitivity my.toml                      which delays decide how many requests are lost?
  rollsim sensitivity my.toml --method morris --metric rollout_duration_s
  rollsim sensitivity my.toml --vary kube_proxy.min_sync_period=0s..10s --vary delays.kp_sync=x0.25..x4

Inputs are independent and uniform between their ends. xA..xB multiplies the file's distribution of a delay; two durations
or two numbers set the key.";

const REPORT_EXAMPLES: &str = "\
Examples:
  rollsim run my.toml                              writes output/my/report.html, too
  rollsim report output/a output/b --out pair      two results side by side
  rollsim report output/a --format markdown        for a pull request";

const CALIBRATE_EXAMPLES: &str = "\
Examples:
  kubectl get events -w -o json > events.json      while a rollout runs; stop it with Ctrl-C
  rollsim calibrate --kubectl-events events.json --fortio load.json --service-time 2ms --out delays.toml
  curl -s localhost:10249/metrics | rollsim calibrate --kube-proxy -

A FILE of - is stdin, for one of them. Sources combine. The delays of a file take the place of those of --data, and of --kubectl-pods if the events have them,
too; several load tests are pooled. How many requests failed is never used.";

/// A flight simulator for Kubernetes rollouts: how many requests will this rolling update lose, why, and what loses none?
///
/// Without a command it simulates the article's rollout without and with a preStop hook and compares them.
#[derive(Debug, Parser)]
#[command(name = "rollsim", version, after_help = EXAMPLES)]
pub(super) struct Args {
    #[command(subcommand)]
    pub(super) command: Option<Command>,
}

#[derive(Debug, Subcommand)]
pub(super) enum Command {
    /// Simulate one or more scenarios many times and compare them
    Run(RunArgs),
    /// Make a scenario of Kubernetes manifests, and say what was assumed
    Import(ImportArgs),
    /// Look for hazards in Kubernetes manifests, without simulating
    Check(CheckArgs),
    /// Tell one replication as a story: why was each request lost?
    Explain(ExplainArgs),
    /// Simulate the [sweep] of a scenario: many points, each many times
    Sweep(SweepArgs),
    /// Join the parts of a sweep that shards wrote
    Merge(MergeArgs),
    /// Score the model against measured rollouts or published experiments
    Validate(ValidateArgs),
    /// Find the smallest preStop sleep that loses little enough, with the grace period it needs, and print a patch
    Recommend(RecommendArgs),
    /// Say which inputs decide a metric: Morris screening or Sobol indices
    Sensitivity(SensitivityArgs),
    /// Fit the delays of the simulator to measured latencies, and print the [delays] of a scenario
    Calibrate(CalibrateArgs),
    /// Render saved results as one page that can be sent, without simulating again
    Report(ReportArgs),
    /// Write one page with the simulator inside: a guided lesson and a playground
    Teach(TeachArgs),
    /// Print the JSON Schema of a format
    Schema {
        /// Of which format
        what: SchemaOf,
    },
    /// Print a completion script for a shell
    Completions {
        /// For which shell
        shell: clap_complete::Shell,
    },
}

#[derive(Debug, ClapArgs)]
#[command(after_help = REPORT_EXAMPLES)]
pub(super) struct ReportArgs {
    /// Folders that rollsim run wrote, or their result.json
    #[arg(required = true, value_name = "RESULT")]
    pub(super) results: Vec<String>,
    /// Where to write report.html [default: the folder of the first result]
    #[arg(long, value_name = "DIR", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(super) out: Option<String>,
    /// Print the results in this format, too
    #[arg(long, value_name = "FORMAT")]
    pub(super) format: Option<Format>,
    /// No notes
    #[arg(long, short)]
    pub(super) quiet: bool,
}

#[derive(Debug, ClapArgs)]
pub(super) struct TeachArgs {
    /// Where to write the page
    #[arg(long, value_name = "FILE", default_value = "output/teach.html")]
    pub(super) out: std::path::PathBuf,
    /// Open it in the browser
    #[arg(long)]
    pub(super) open: bool,
    /// No notes
    #[arg(long, short)]
    pub(super) quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SchemaOf {
    /// What `run --format json` prints and result.json holds
    Result,
    /// What `run --estimator importance --format json` prints
    Importance,
    /// What `recommend --format json` prints
    Recommend,
    /// What `sensitivity --format json` prints
    Sensitivity,
}

/// What changes a scenario before it runs.
#[derive(Debug, ClapArgs)]
pub(super) struct Changes {
    /// Set a key of the scenario, such as pod.pre_stop.sleep=5s (repeatable; checked like the file)
    #[arg(long = "set", value_name = "KEY=VALUE")]
    pub(super) sets: Vec<String>,
    /// Seed of the experiment: the same seed, the same bytes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(..=i64::MAX as u64))]
    pub(super) seed: Option<u64>,
}

#[derive(Debug, ClapArgs)]
#[command(after_help = IMPORT_EXAMPLES)]
pub(super) struct ImportArgs {
    /// Kubernetes manifests: files, folders; - is stdin
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<String>,
    #[command(flatten)]
    pub(super) manifests: ManifestArgs,
    /// How to print the scenario
    #[arg(long, value_name = "FORMAT", default_value = "toml")]
    pub(super) format: ImportFormat,
    /// No notes
    #[arg(long, short)]
    pub(super) quiet: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ImportFormat {
    /// The keys with where each comes from, as a scenario file
    Toml,
    /// The whole scenario with all defaults, as a scenario file
    Settled,
    /// The keys as data
    Json,
}

/// On how many threads.
#[derive(Debug, ClapArgs)]
pub(super) struct Threads {
    /// Threads; the result does not depend on it [default: as many as processors]
    #[arg(long = "threads", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    number: Option<u16>,
}

impl Threads {
    pub(super) fn number(&self) -> Option<usize> {
        self.number.map(usize::from)
    }
}

/// What a command leaves, and what it says meanwhile.
#[derive(Debug, ClapArgs)]
pub(super) struct Output {
    // Each command says in its own words what it writes.
    #[arg(long, value_name = "DIR", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(super) out: Option<String>,
    /// No progress and no notes
    #[arg(long, short)]
    pub(super) quiet: bool,
}

/// The help of `--out` where a scenario names the folder.
fn writes(out: Arg, what: &str) -> Arg {
    out.help(format!("Where to write {what}; none to skip [default: output/<scenario>/]"))
}

#[derive(Debug, ClapArgs)]
#[command(after_help = CHECK_EXAMPLES)]
pub(super) struct CheckArgs {
    /// Kubernetes manifests (files, folders) or scenario files; - is stdin
    #[arg(required_unless_present = "list", value_name = "FILE")]
    pub(super) files: Vec<String>,
    /// How to print what is found
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: CheckFormat,
    /// Exit with code 3 if there is anything as bad as this
    #[arg(long, value_name = "LEVEL")]
    pub(super) deny: Option<Deny>,
    /// Print all hazards that are looked for, with their sources, as Markdown
    #[arg(long)]
    pub(super) list: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CheckFormat {
    /// For people
    Text,
    /// For programs
    Json,
    /// SARIF 2.1.0, for code hosts
    Sarif,
    /// JUnit XML, for CI servers
    Junit,
    /// Workflow commands of GitHub Actions
    Github,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Deny {
    /// Warnings and errors
    Warning,
    /// Errors
    Error,
}

#[derive(Debug, ClapArgs)]
#[command(mut_arg("out", |out| writes(out, "report.html and what it is made of (result.json, scenario.toml, replications.csv, race.json, failed.svg)")))]
#[command(after_help = RUN_EXAMPLES)]
pub(super) struct RunArgs {
    /// Scenario files, names of built-in scenarios, or Kubernetes manifests (files, folders); - is stdin
    #[arg(required = true, value_name = "FILE")]
    pub(super) files: Vec<String>,
    #[command(flatten)]
    pub(super) manifests: ManifestArgs,
    #[command(flatten)]
    pub(super) changes: Changes,
    /// Number of replications (with --precision: at most)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) replications: Option<u32>,
    /// Stop when the 95 % interval of the mean failed count is this narrow: half-width / mean, such as 0.05
    #[arg(long, value_name = "SHARE", value_parser = precision)]
    pub(super) precision: Option<f64>,
    #[command(flatten)]
    pub(super) threads: Threads,
    /// How to print the result
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(super) format: Format,
    #[command(flatten)]
    pub(super) output: Output,
    /// Switch each mechanism off in turn, with the same luck, and show what it contributes
    #[arg(long)]
    pub(super) ablate: bool,
    /// Play one rollout as text in the terminal first: the race, slowed down where it is close
    #[arg(long)]
    pub(super) watch: bool,
    /// A number of failed requests that was measured: marked in the picture of their distribution (repeatable)
    #[arg(long, value_name = "N")]
    pub(super) observed: Vec<u64>,
    /// Show how it went second by second: `series` in the result, and series.csv
    #[arg(long)]
    pub(super) series: bool,
    /// Exit with code 3 if this holds, such as 'failed.p95 > 0' (repeatable)
    #[arg(long, value_name = "GATE")]
    pub(super) fail_if: Vec<Gate>,
    /// The scenarios or manifests before a change (repeatable): exit with code 3 only where the new ones lose more
    #[arg(long, value_name = "OLD")]
    pub(super) against: Vec<String>,
    /// Run the checkers of invariants in every replication (slower)
    #[arg(long)]
    pub(super) check: bool,
    /// How to estimate: failures-only skips the time in which nothing can fail, and knows no latencies; importance is for
    /// losses too rare for plain replications
    #[arg(long, value_name = "ESTIMATOR", default_value = "every-request")]
    pub(super) estimator: EstimatorName,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum EstimatorName {
    /// Every request is simulated, every replication counts the same
    #[value(alias = "plain")]
    EveryRequest,
    /// The same counts of failures, much faster; refused where it would not be exact
    #[value(alias = "failures_only")]
    FailuresOnly,
    /// Importance sampling: a delay on the way to the rules is forced, replications are weighted
    Importance,
}

#[derive(Debug, ClapArgs)]
#[command(mut_arg("out", |out| writes(out, "the pictures")))]
pub(super) struct ExplainArgs {
    /// Scenario file, name of a built-in scenario, or Kubernetes manifests; - is stdin
    #[arg(value_name = "FILE")]
    pub(super) file: String,
    #[command(flatten)]
    pub(super) manifests: ManifestArgs,
    #[command(flatten)]
    pub(super) changes: Changes,
    /// Which replication [default: the first of 200 that loses a request]
    #[arg(long, value_name = "N")]
    pub(super) replication: Option<u64>,
    /// How to tell it
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: StoryFormat,
    /// Another scenario, drawn beside this one with the same seed and replication
    #[arg(long, value_name = "FILE")]
    pub(super) beside: Option<String>,
    #[command(flatten)]
    pub(super) output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum StoryFormat {
    /// A story
    Text,
    /// A Mermaid sequence diagram of the pod that lost most, for a README
    Mermaid,
    /// Trace events, for ui.perfetto.dev or chrome://tracing
    Perfetto,
}

#[derive(Debug, ClapArgs)]
#[command(mut_arg("out", |out| writes(out, "sweep.csv, sweep.jsonl and manifest.json")))]
#[command(after_help = SWEEP_EXAMPLES)]
pub(super) struct SweepArgs {
    /// Scenario file with a [sweep]; - is stdin
    #[arg(value_name = "FILE")]
    pub(super) file: String,
    #[command(flatten)]
    pub(super) changes: Changes,
    /// Replications of each point (with --precision: at most)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) replications: Option<u32>,
    /// A point stops when the 95 % interval of its mean failed count is this narrow: half-width / mean, such as 0.05
    #[arg(long, value_name = "SHARE", value_parser = sweep_precision)]
    pub(super) precision: Option<f64>,
    /// How to estimate: failures-only skips the time in which nothing can fail, and knows no latencies
    #[arg(long, value_name = "ESTIMATOR")]
    pub(super) estimator: Option<SweepEstimator>,
    #[command(flatten)]
    pub(super) threads: Threads,
    /// How to print the result
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(super) format: SweepFormat,
    /// Exit with code 3 if this holds at any point, such as 'failed.p95 > 0' (repeatable)
    #[arg(long, value_name = "GATE", conflicts_with_all = ["shard", "shards", "emit"])]
    pub(super) fail_if: Vec<Gate>,
    #[command(flatten)]
    pub(super) output: Output,
    /// Go on with a sweep that was interrupted: its finished points are in the output folder
    #[arg(long, conflicts_with_all = ["shard", "shards", "emit"])]
    pub(super) resume: bool,
    /// Simulate share I of N only (I from 0) and write its part, unless it is there
    #[arg(long, value_name = "I/N", value_parser = shard, conflicts_with = "shards")]
    pub(super) shard: Option<Shard>,
    /// The same with I from JOB_COMPLETION_INDEX or SLURM_ARRAY_TASK_ID; with --emit the number of shards
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=Shard::MOST as i64))]
    pub(super) shards: Option<u32>,
    /// Print what runs the shards on an engine, instead of simulating
    #[arg(long, value_name = "ENGINE", requires = "shards")]
    pub(super) emit: Option<Engine>,
    /// Container image with rollsim in it, for --emit k8s-job
    #[arg(long, value_name = "IMAGE", requires = "emit", default_value = concat!("rollsim:", env!("CARGO_PKG_VERSION")))]
    pub(super) image: String,
    /// Run the checkers of invariants in every replication (slower)
    #[arg(long)]
    pub(super) check: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SweepEstimator {
    /// Every request is simulated
    EveryRequest,
    /// The same counts of failures, much faster; refused where it would not be exact
    #[value(alias = "failures_only")]
    FailuresOnly,
}

impl SweepEstimator {
    /// As `sweep.estimator` has it.
    pub(super) fn key(self) -> &'static str {
        match self {
            SweepEstimator::EveryRequest => "every_request",
            SweepEstimator::FailuresOnly => "failures_only",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SweepFormat {
    /// For people: the first points
    Table,
    /// For programs: a line of JSON for each point, as in sweep.jsonl
    Json,
    /// For spreadsheets: a row for each point, as in sweep.csv
    Csv,
    /// For a pull request: the first points
    Markdown,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Engine {
    /// A Kubernetes Indexed Job, for kubectl apply -f -
    K8sJob,
    /// A Slurm array script, for sbatch
    Slurm,
}

#[derive(Debug, ClapArgs)]
#[command(mut_arg("out", |out| writes(out, "the files of the whole sweep")))]
pub(super) struct MergeArgs {
    /// The files that rollsim sweep --shard wrote, all of them
    #[arg(required = true, value_name = "PART")]
    pub(super) parts: Vec<String>,
    /// How to print the result
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(super) format: SweepFormat,
    /// Exit with code 3 if this holds at any point, such as 'failed.p95 > 0' (repeatable)
    #[arg(long, value_name = "GATE")]
    pub(super) fail_if: Vec<Gate>,
    #[command(flatten)]
    pub(super) output: Output,
}

#[derive(Debug, ClapArgs)]
#[command(mut_arg("out", |out| writes(out, "recommend.json, patch.yaml and the pictures")))]
#[command(after_help = RECOMMEND_EXAMPLES)]
pub(super) struct RecommendArgs {
    /// Scenario file, name of a built-in scenario, or Kubernetes manifests; - is stdin
    #[arg(value_name = "FILE")]
    pub(super) file: String,
    #[command(flatten)]
    pub(super) manifests: ManifestArgs,
    #[command(flatten)]
    pub(super) changes: Changes,
    /// Largest share of a rollout's requests that may be lost on average
    #[arg(long, value_name = "SHARE", default_value = "1e-5", value_parser = share)]
    pub(super) target: f64,
    /// How sure the answer has to be
    #[arg(long, value_name = "P", default_value = "0.99", value_parser = share)]
    pub(super) confidence: f64,
    /// Longest hook to try
    #[arg(long, value_name = "DURATION", default_value = "10m")]
    pub(super) longest: SimDuration,
    /// The container that gets the hook, in the patch; by default the manifest's that answers requests, else app
    #[arg(long, value_name = "NAME", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    pub(super) container: Option<String>,
    /// Keep surge, unavailable and min_ready as they are and do not compare others
    #[arg(long)]
    pub(super) hook_only: bool,
    #[command(flatten)]
    pub(super) threads: Threads,
    /// How to print the answer
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: RecommendFormat,
    #[command(flatten)]
    pub(super) output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum RecommendFormat {
    /// For people
    Text,
    /// For programs; `rollsim schema recommend` documents it
    Json,
    /// The patch alone
    Yaml,
}

#[derive(Debug, ClapArgs)]
#[command(mut_arg("out", |out| writes(out, "sensitivity.json and the picture")))]
#[command(after_help = SENSITIVITY_EXAMPLES)]
pub(super) struct SensitivityArgs {
    /// Scenario file, or name of a built-in scenario; - is stdin
    #[arg(value_name = "FILE")]
    pub(super) file: String,
    #[command(flatten)]
    pub(super) changes: Changes,
    /// How to look
    #[arg(long, value_name = "METHOD", default_value = "sobol")]
    pub(super) method: SensitivityMethod,
    /// An input with its range, such as kube_proxy.min_sync_period=0s..10s or delays.kp_sync=x0.5..x2 (repeatable)
    /// [default: each delay that is not constant, from half to twice, and kube-proxy's minimum sync period, 0 s to 10 s]
    #[arg(long, value_name = "KEY=LOW..HIGH")]
    pub(super) vary: Vec<String>,
    /// The metric that is explained: its mean over the replications of a point
    #[arg(long, value_name = "NAME", default_value = "failed")]
    pub(super) metric: String,
    /// Rows of the Sobol design, or trajectories of the Morris design [default: 256, or 20]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(4..=1_000_000))]
    pub(super) points: Option<u32>,
    /// Replications of each point, with the same luck at all points
    #[arg(long, value_name = "N", default_value_t = 8, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) replications: u32,
    #[command(flatten)]
    pub(super) threads: Threads,
    /// How to print the result
    #[arg(long, value_name = "FORMAT", default_value = "text")]
    pub(super) format: SensitivityFormat,
    #[command(flatten)]
    pub(super) output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SensitivityMethod {
    /// Shares of the variance: first order and total, with bootstrap intervals
    Sobol,
    /// Elementary effects: fewer runs, an order of the inputs
    Morris,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum SensitivityFormat {
    /// For people
    Text,
    /// For programs; `rollsim schema sensitivity` documents it
    Json,
}

#[derive(Debug, ClapArgs)]
#[command(mut_arg("out", |out| out.help("Where to write validate.json, score.svg and score.png; none to skip [default: output/validate/]")))]
pub(super) struct ValidateArgs {
    /// Folder of measurements (runs.csv, pods.csv) [default: those that come with the program]
    #[arg(long, value_name = "DIR")]
    pub(super) data: Option<String>,
    /// File with a [delays] table, as calibrate prints it [default: that of the measured machine]
    #[arg(long, value_name = "FILE")]
    pub(super) delays: Option<String>,
    /// Replications of each scenario
    #[arg(long, value_name = "N", default_value_t = 500, value_parser = clap::value_parser!(u32).range(1..))]
    pub(super) replications: u32,
    /// Seed of the experiment
    #[arg(long, value_name = "N", default_value_t = 1)]
    pub(super) seed: u64,
    #[command(flatten)]
    pub(super) threads: Threads,
    /// Exit with code 3 if a 90 % band of failed, sockets or rollout duration covers less than this share of the runs
    #[arg(long, value_name = "SHARE", value_parser = precision)]
    pub(super) min_coverage: Option<f64>,
    /// Score against published experiments instead: one row each, hit, miss or not modelled
    #[arg(long, conflicts_with_all = ["data", "delays", "min_coverage", "out"])]
    pub(super) published: bool,
    /// How to print the score
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(super) format: ValidateFormat,
    #[command(flatten)]
    pub(super) output: Output,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum ValidateFormat {
    /// For people
    Table,
    /// For programs
    Json,
}

#[derive(Debug, ClapArgs)]
#[command(
    after_help = CALIBRATE_EXAMPLES,
    group(ArgGroup::new("source").required(true).multiple(true)),
    group(ArgGroup::new("load_test").multiple(true)),
)]
pub(super) struct CalibrateArgs {
    /// Folder with micro.csv, pods.csv, proxy_sync.csv and runs.csv
    #[arg(long, value_name = "DIR", group = "source")]
    pub(super) data: Option<String>,
    /// kube-proxy's metrics, as its /metrics prints them: gives kp_sync
    #[arg(long, value_name = "FILE", group = "source")]
    pub(super) kube_proxy: Option<String>,
    /// What kubectl get pods -w -o json printed: gives sandbox and create_start
    #[arg(long, value_name = "FILE", group = "source")]
    pub(super) kubectl_pods: Option<String>,
    /// What kubectl get events -w -o json printed: gives sandbox, pull and create_start
    #[arg(long, value_name = "FILE", group = "source")]
    pub(super) kubectl_events: Option<String>,
    /// What kubectl get endpointslices -w -o json --show-managed-fields printed: gives eps_batch of a second or more
    #[arg(long, value_name = "FILE", group = "source")]
    pub(super) kubectl_endpointslices: Option<String>,
    /// What fortio load -json FILE wrote: gives rtt_pod
    #[arg(long, value_name = "FILE", groups = ["source", "load_test"])]
    pub(super) fortio: Option<String>,
    /// What k6 run --summary-export FILE wrote, or handleSummary's data as JSON: gives rtt_pod
    #[arg(long, value_name = "FILE", groups = ["source", "load_test"])]
    pub(super) k6: Option<String>,
    /// What vegeta report -type=json printed: gives rtt_pod
    #[arg(long, value_name = "FILE", groups = ["source", "load_test"])]
    pub(super) vegeta: Option<String>,
    /// Time the server took for each request of the load test, which is no part of rtt_pod
    #[arg(long, value_name = "DURATION", default_value = "0", requires = "load_test")]
    pub(super) service_time: SimDuration,
    /// Only scenarios whose name contains this (repeatable)
    #[arg(long, value_name = "TEXT")]
    pub(super) scenarios_with: Vec<String>,
    /// How to print the result
    #[arg(long, value_name = "FORMAT", default_value = "table")]
    pub(super) format: CalibrateFormat,
    /// Where to write the lines of [delays]
    #[arg(long, value_name = "FILE")]
    pub(super) out: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum CalibrateFormat {
    /// For people
    Table,
    /// For programs
    Json,
    /// The lines of [delays]
    Toml,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people
    Table,
    /// For programs; `rollsim schema result` documents it
    Json,
    /// For spreadsheets: a row for each scenario and metric
    Csv,
    /// For a pull request
    Markdown,
    /// A short comment in Markdown
    Comment,
}

fn share(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|value| *value > 0.0 && *value < 1.0);
    value.ok_or_else(|| "expected a share between 0 and 1, such as 1e-5 or 0.99".to_owned())
}

fn precision(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|value| *value > 0.0 && value.is_finite());
    value.ok_or_else(|| "expected a share above 0, such as 0.05".to_owned())
}

/// As `sweep.precision` has it.
fn sweep_precision(text: &str) -> Result<f64, String> {
    let value = text.parse::<f64>().ok().filter(|value| (1e-4..=1.0).contains(value));
    value.ok_or_else(|| "expected a share from 0.0001 to 1, such as 0.05".to_owned())
}

fn shard(text: &str) -> Result<Shard, String> {
    let numbers = text.split_once('/').and_then(|(index, of)| Some((index.parse().ok()?, of.parse().ok()?)));
    let shard = numbers.map(|(index, of)| Shard { index, of });
    let shard = shard.filter(|shard| shard.index < shard.of && shard.of <= Shard::MOST);
    shard.ok_or_else(|| format!("expected I/N with I from 0 to N - 1 and N to {}, such as 0/4", Shard::MOST))
}

impl Changes {
    /// All changes as `--set`, so that they pass the same checks and show in the settled scenario.
    pub(super) fn as_sets(&self, replications: Option<u32>) -> Vec<String> {
        let mut sets = self.sets.clone();
        sets.extend(self.seed.map(|seed| format!("run.seed={seed}")));
        sets.extend(replications.map(|replications| format!("run.replications={replications}")));
        sets
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_arguments_are_consistent() {
        Args::command().debug_assert();
    }

    fn parse(line: &str) -> Result<Args, clap::Error> {
        Args::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn bad_values_are_refused() {
        for line in [
            "rollsim run",
            "rollsim run a --replications 0",
            "rollsim run a --precision 0",
            "rollsim run a --threads 0",
            "rollsim run a --format yaml",
            "rollsim run a --fail-if faild.p95>0",
            "rollsim explain a b",
            "rollsim fly",
            "rollsim sweep a --shard 4/4",
            "rollsim sweep a --shard 1",
            "rollsim sweep a --shard 0/100001",
            "rollsim sweep a --shard 0/18446744073709551615",
            "rollsim sweep a --precision 5",
            "rollsim sweep a --shard 0/4 --fail-if failed.p95>0",
            "rollsim sweep a --shard 0/4 --shards 4",
            "rollsim sweep a --emit slurm",
            "rollsim sweep a --resume --shard 0/4",
            "rollsim merge",
        ] {
            assert!(parse(line).is_err(), "{line}");
        }
    }

    #[test]
    fn seed_and_replications_are_changes_like_any_other() {
        let Ok(Args { command: Some(Command::Run(args)) }) =
            parse("rollsim run a --set x=1 --seed 7 --replications 20 --fail-if failed.p95>0")
        else {
            panic!("these arguments are good")
        };
        assert_eq!(args.changes.as_sets(args.replications), ["x=1", "run.seed=7", "run.replications=20"]);
    }
}
