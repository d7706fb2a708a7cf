//! Whole rollouts, step by step: the Deployment controller of the simulation, without delays, over ReplicaSets whose pods
//! become available as the suite says.

use rollsim::engine::{Calendar, Effect, StreamKey};
use rollsim::ids::Revision;
use rollsim::model::api::{DeploymentObject, Object, ReplicaSetObject, ReplicaSetStatus, ResourceVersion, Write};
use rollsim::model::deployment::{DeploymentController, Fenceposts, Timer, resolve_fenceposts};
use rollsim::model::msg::{Draws, Msg, RoomOut};
use rollsim::model::spec::{DelayId, Scenario};
use rollsim::scenario;
use rollsim::units::SimTime;
use serde_json::{Value, json};

use super::{amount, each, number, text};

/// The controller and the two ReplicaSets it works on. An old pod is available until it is condemned.
struct Rollout<'s> {
    controller: DeploymentController<'s>,
    out: RoomOut<Timer>,
    calendar: Calendar<Timer>,
    now: SimTime,
    sets: [ReplicaSetObject; 2],
    steps: Vec<Value>,
}

impl<'s> Rollout<'s> {
    fn new(scenario: &'s Scenario, surge: u32) -> Self {
        let replicas = scenario.deployment.replicas;
        let set = |revision, size| ReplicaSetObject {
            revision,
            replicas: size,
            desired: replicas,
            max_replicas: replicas + surge,
            number: 1 + revision as u32,
            status: ReplicaSetStatus { replicas: size, ready: size, available: size, terminating: 0 },
            version: ResourceVersion::default(),
        };
        let sets = [set(Revision::Old, replicas), set(Revision::New, 0)];
        let draws = Draws::new(&scenario.delays.cluster, StreamKey { seed: 1, replication: 0 }, "deployment");
        let controller = DeploymentController::new(scenario, draws, sets[0], &[]);
        Rollout {
            controller,
            out: RoomOut::new(1),
            calendar: Calendar::default(),
            now: SimTime::ZERO,
            sets,
            steps: Vec::new(),
        }
    }

    fn tell(&mut self, object: &Object) {
        self.controller.on_watch(self.now, object, &mut self.out);
        self.settle();
    }

    fn tell_of(&mut self, revision: Revision) {
        let set = self.sets[revision as usize];
        self.tell(&Object::ReplicaSet(set));
    }

    /// Lets the controller sync until it has nothing to do.
    fn settle(&mut self) {
        self.carry_out();
        while let Some((now, timer)) = self.calendar.pop() {
            self.now = now;
            self.controller.on_timer(now, timer, &mut self.out);
            self.carry_out();
        }
    }

    fn carry_out(&mut self) {
        let effects: Vec<_> = self.out.drain().collect();
        let mut changed = Vec::new();
        for effect in effects {
            match effect {
                Effect::Timer(at, tie, timer) => self.calendar.schedule(at, tie, timer),
                Effect::Cancel(tie) => self.calendar.cancel(tie),
                Effect::Send(_, _, Msg::Write(write)) => changed.extend(self.commit(&write)),
                other => panic!("unexpected {other:?}"),
            }
        }
        for revision in changed {
            let set = self.sets[revision as usize];
            self.controller.on_watch(self.now, &Object::ReplicaSet(set), &mut self.out);
        }
    }

    fn commit(&mut self, write: &Write) -> Option<Revision> {
        let (revision, replicas) = match *write {
            Write::CreateReplicaSet { revision, replicas: 0, .. } => return Some(revision),
            Write::CreateReplicaSet { revision, replicas, .. } | Write::ScaleReplicaSet { revision, replicas, .. } => {
                (revision, replicas)
            }
            _ => return None,
        };
        let set = &mut self.sets[revision as usize];
        set.replicas = replicas;
        set.status.replicas = replicas;
        set.status.available = set.status.available.min(replicas);
        self.step(if revision == Revision::New { "scale_new" } else { "scale_old" }, replicas);
        Some(revision)
    }

    fn step(&mut self, action: &str, to: u32) {
        let [old, new] = self.sets;
        let (new_available, available) = (new.status.available, old.status.available + new.status.available);
        let state = json!({
            "old": old.replicas, "new": new.replicas, "new_available": new_available, "available": available,
        });
        self.steps.push(json!({ "action": action, "to": to, "state": state }));
    }

    /// All pending new pods become available, or one; false if there is none.
    fn pods_come(&mut self, all: bool) -> bool {
        let new = &mut self.sets[Revision::New as usize];
        let pending = new.replicas - new.status.available;
        if pending == 0 {
            return false;
        }
        new.status.available += if all { pending } else { 1 };
        let available = new.status.available;
        self.step("new_available", available);
        self.tell_of(Revision::New);
        true
    }
}

fn without_delays(case: &Value) -> Scenario {
    let mut scenario = scenario::defaults("vectors");
    let get = |key: &str| amount(&case[key]).unwrap().unwrap();
    scenario.deployment.replicas = number(&case["replicas"]);
    (scenario.deployment.max_surge, scenario.deployment.max_unavailable) = (get("max_surge"), get("max_unavailable"));
    for id in DelayId::ALL {
        scenario.delays.set_everywhere(*id, &rollsim::dist::Dist::ZERO);
    }
    scenario
}

#[test]
fn vectors_rollout_sequences() {
    each("rollout_sequences", |_, case| {
        let scenario = without_delays(case);
        let (surge, unavailable) = (number(&case["resolved_surge"]), number(&case["resolved_unavailable"]));
        let spec = &scenario.deployment;
        let fenceposts = resolve_fenceposts(Some(spec.max_surge), Some(spec.max_unavailable), spec.replicas);
        assert_eq!(fenceposts, Fenceposts { surge, unavailable });
        let all_at_once = match text(&case["mode"]) {
            "wave" => true,
            "serial" => false,
            other => panic!("unknown mode {other}"),
        };
        let mut rollout = Rollout::new(&scenario, surge);
        let changed = DeploymentObject { template: Revision::New, ..DeploymentObject::settled(spec.replicas) };
        rollout.tell(&Object::Deployment(changed));
        while rollout.pods_come(all_at_once) {}
        check_steps(case, &rollout.steps);
    });
}

fn check_steps(case: &Value, steps: &[Value]) {
    assert_eq!(steps, case["steps"].as_array().unwrap());
    let state = |step: &Value, key: &str| number(&step["state"][key]);
    let least = steps.iter().map(|step| state(step, "available")).min();
    let most = steps.iter().map(|step| state(step, "old") + state(step, "new")).max();
    assert_eq!((least, most), (Some(number(&case["min_available"])), Some(number(&case["max_total_spec"]))));
}
