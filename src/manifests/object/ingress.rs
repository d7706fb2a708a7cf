//! Ingresses.

use super::Meta;
use crate::manifests::fields::{At, Fields};

/// An Ingress.
#[derive(Debug, Clone)]
pub struct Ingress {
    /// Name and place.
    pub meta: Meta,
    /// `spec.ingressClassName`, or the annotation `kubernetes.io/ingress.class`.
    pub class: Option<At<String>>,
    /// The Services it sends to, each where it is named.
    pub services: Vec<At<String>>,
}

pub(in crate::manifests) fn ingress(fields: &Fields<'_>, meta: Meta) -> Option<Ingress> {
    let spec = fields.map("spec")?;
    let class = spec.text("ingressClassName").or_else(|| meta.annotation("kubernetes.io/ingress.class").cloned());
    let mut services: Vec<At<String>> =
        ["defaultBackend", "backend"].iter().filter_map(|name| spec.map(name)).filter_map(|it| backend(&it)).collect();
    for rule in spec.maps("rules") {
        let paths = rule.map("http").map(|http| http.maps("paths")).unwrap_or_default();
        services.extend(paths.iter().filter_map(|path| path.map("backend")).filter_map(|it| backend(&it)));
    }
    Some(Ingress { meta, class, services })
}

/// `service.name`, or `serviceName` as before networking.k8s.io/v1.
fn backend(fields: &Fields<'_>) -> Option<At<String>> {
    match fields.map("service") {
        Some(service) => service.text("name"),
        None => fields.text("serviceName"),
    }
}
