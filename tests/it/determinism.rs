//! The same scenario and seed give the same bytes, whatever the threads; and changing one mechanism leaves every other
//! draw where it was.

use rollsim::explain::traced;
use rollsim::model::spec::Scenario;
use rollsim::record::{Metric, PodEvent, RunOutput, Trace};
use rollsim::replications::{Plan, Replicated, replicate};
use rollsim::run::{Estimator, Options, run_once};
use rollsim::units::SimTime;

use crate::cli::Room;
use crate::common::{count, shipped};

const ARTICLE: [&str; 2] = ["article-no-hook", "article-with-hook"];

fn article() -> [Scenario; 2] {
    ARTICLE.map(|name| shipped(name, &[]))
}

/// Every fact and every request, not only the counts.
fn checked(scenario: &Scenario, replication: u64) -> RunOutput {
    run_once(scenario, replication, Options { trace: true, check: true, ..Options::default() })
}

#[test]
fn the_same_replication_twice_is_the_same_to_the_last_request() {
    for scenario in article() {
        for replication in 0..u64::from(count(20, 200)) {
            let (one, other) = (checked(&scenario, replication), checked(&scenario, replication));
            assert!(one == other, "{} {replication}: {}", scenario.name, first_difference(&one, &other));
            assert!(one.requests_digest.is_some());
        }
    }
}

/// Where two runs part, with the time.
fn first_difference(one: &RunOutput, other: &RunOutput) -> String {
    let metric = Metric::ALL.iter().find(|metric| one.metrics.get(**metric) != other.metrics.get(**metric));
    let lost = |output: &RunOutput| output.trace.clone().unwrap_or_default().lost;
    let (one, other) = (lost(one), lost(other));
    let request = one.iter().zip(&other).find(|(one, other)| one != other);
    format!("first metric {metric:?}, first lost request {request:?} of {} and {}", one.len(), other.len())
}

#[test]
fn replications_of_one_experiment_differ() {
    let [scenario, _] = article();
    assert_ne!(checked(&scenario, 0).requests_digest, checked(&scenario, 1).requests_digest);
    let other_seed = shipped(ARTICLE[0], &["run.seed=2"]);
    assert_ne!(checked(&scenario, 0).requests_digest, checked(&other_seed, 0).requests_digest);
}

#[test]
fn looking_at_a_run_changes_nothing_in_it() {
    for scenario in article() {
        let (seen, unseen) = (checked(&scenario, 3), run_once(&scenario, 3, Options::default()));
        assert_eq!((seen.metrics, seen.digest), (unseen.metrics, unseen.digest));
    }
}

fn on_threads(scenario: &Scenario, threads: usize) -> Replicated {
    let plan = Plan {
        replications: count(60, 600).into(),
        threads: Some(threads),
        precision: None,
        check: true,
        estimator: Estimator::EveryRequest,
        series: false,
    };
    replicate(scenario, &plan, &|_| ()).unwrap()
}

#[test]
fn two_threads_find_what_one_finds() {
    for scenario in article() {
        assert_eq!(on_threads(&scenario, 1), on_threads(&scenario, 2));
    }
}

/// What a run of the pair prints, and the rows it leaves.
fn pair(room: &Room, seed: &str, threads: &str) -> (String, [String; 2]) {
    let out = format!("seed-{seed}-threads-{threads}");
    let options = ["--replications", "40", "--format", "json", "--seed", seed, "--threads", threads, "--out", &out];
    let (stdout, _) = room.check(&[&["run"], &ARTICLE[..], &options].concat(), 0);
    (stdout, ARTICLE.map(|name| room.read(&format!("{out}/{name}/replications.csv"))))
}

#[test]
fn the_program_prints_and_writes_the_same_bytes_on_any_number_of_threads() {
    let room = Room::new("determinism");
    let one = pair(&room, "1", "1");
    assert!(one == pair(&room, "1", "2"), "threads change the bytes");
    let other = pair(&room, "2", "1");
    assert!(one.0 != other.0 && one.1[0] != other.1[0], "the seed changes nothing");
}

/// The life of the first new pod up to its process, which no hook of an old pod can touch.
fn beginning(trace: &Trace) -> (Option<SimTime>, Vec<Option<SimTime>>) {
    let events = [PodEvent::Created, PodEvent::Scheduled, PodEvent::SandboxReady, PodEvent::Started];
    let first = &trace.pods[trace.replicas as usize];
    (trace.template_changed, events.iter().map(|event| first.at(*event)).collect())
}

#[test]
fn a_hook_leaves_the_draws_of_everything_before_it_where_they_were() {
    let [without, _] = article();
    for sleep in ["1s", "5s"] {
        let with = shipped(ARTICLE[0], &[&format!("pod.pre_stop.sleep={sleep}")]);
        for replication in 0..20 {
            let (one, other) = (traced(&without, replication), traced(&with, replication));
            assert_eq!(beginning(&one), beginning(&other), "replication {replication}");
            assert!(beginning(&one).1.iter().all(Option::is_some));
            assert_ne!(one.pods, other.pods, "the hook does something");
        }
    }
}
