use super::*;
use crate::dist::Dist;
use crate::model::spec::*;
use crate::record::Metric;
use crate::units::{IntOrPercent, Version};

fn article(hook: bool) -> Scenario {
    let version = Version::minor(13);
    let size = ClusterSize::Small;
    let mut delays = Delays::new(NodeDelays::defaults(size, version), "0.2/s".parse().unwrap());
    delays.set_everywhere(DelayId::Sandbox, &Dist::uniform_ms(2400, 4200));
    let s = SimDuration::from_secs;
    Scenario {
        name: "article".into(),
        description: String::new(),
        run: RunSpec { end: End::Duration(s(60)), replications: 100, seed: 1 },
        rollout_at: Dist::uniform_ms(10_000, 30_000),
        cluster: ClusterSpec { version, nodes: 1, size, services: 0, cni: Cni::Bridge },
        deployment: DeploymentSpec {
            replicas: 3,
            max_surge: IntOrPercent::Int(1),
            max_unavailable: IntOrPercent::Int(0),
            min_ready: s(0),
            progress_deadline: s(600),
        },
        pod: PodSpec {
            termination_grace_period: s(10),
            boot: Dist::lognormal_ms(20, 80),
            readiness_probe: hook.then(|| ProbeSpec {
                initial_delay: s(0),
                period: s(1),
                timeout: s(1),
                success_threshold: 1,
                failure_threshold: 2,
            }),
            pre_stop: hook.then(|| PreStop {
                action: PreStopAction::Exec,
                duration: s(10),
                fails_readiness: true,
                fails: false,
            }),
            server: ServerSpec {
                profile: ServerProfile::NginxSigterm,
                workers: Some(1),
                service_time: Dist::Constant(SimDuration::from_millis(1)),
                response_time: s(0),
                keep_alive_requests: 1_000_000,
                keep_alive_timeout: s(75),
                on_stop: StopBehaviour::Stops,
                in_flight: InFlightPolicy::Cut,
                queued: QueuedPolicy::Reset,
            },
        },
        service: ServiceSpec { kind: ServiceKind::NodePort },
        kube_proxy: KubeProxySpec {
            mode: ProxyMode::Iptables,
            iptables_backend: IptablesBackend::Legacy,
            min_sync_period: s(0),
            sync_period: s(30),
            initial_tokens: (2.0, 2.0),
        },
        clients: vec![ClientSpec {
            profile: ClientProfile::Fortio,
            connections: 8,
            rate: "500/s".parse().unwrap(),
            arrivals: Arrivals::Together,
            node: EntryNode::Spread,
            keep_alive: true,
            warm_up: true,
            spread_to_end: true,
            retry: Retry::ReusedOnce,
            notices_close: false,
            honours_connection_close: false,
            free_connect: false,
            connect_timeout: s(3),
            request_timeout: s(3),
        }],
        delays,
        without: Mechanisms::NONE,
    }
}

#[test]
fn quick() {
    for hook in [false, true] {
        let scenario = article(hook);
        let n = 1000;
        let mut rows = vec![];
        for replication in 0..n {
            let out = crate::run::run_once(&scenario, replication, Options { trace: false, check: true });
            rows.push(out.metrics);
        }
        for m in Metric::ALL {
            let mut v: Vec<f64> = rows.iter().filter_map(|r| r.get(*m)).collect();
            v.sort_by(f64::total_cmp);
            if v.is_empty() {
                println!("{} none", m.name());
                continue;
            }
            let q = |p: f64| v[((v.len() - 1) as f64 * p) as usize];
            println!(
                "{:24} n {} mean {:.4} p05 {:.4} p50 {:.4} p95 {:.4} max {:.4}",
                m.name(),
                v.len(),
                v.iter().sum::<f64>() / v.len() as f64,
                q(0.05),
                q(0.5),
                q(0.95),
                q(1.0)
            );
        }
        let c = |k: f64| rows.iter().filter(|r| r.get(Metric::ConnectionsOpened) == Some(k)).count();
        println!("P16 {} P17 {}", c(16.0), c(17.0));
    }
}
