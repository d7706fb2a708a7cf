//! Files that users have: kube-proxy's metrics and streams of `kubectl`.

pub mod kube_proxy;
pub mod kubectl_pods;
