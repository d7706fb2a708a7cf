//! What the name of an image lets one guess about the server in it. A guess is marked as one wherever it is shown; the
//! sources are the images' own Dockerfiles and the servers' documentation.

/// What an image's name says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Guess {
    /// The server profile that stops like it.
    pub profile: &'static str,
    /// Process start to listening, as a distribution in TOML; none where the default will do.
    pub boot: Option<&'static str>,
    /// Why, after "the image …".
    pub why: &'static str,
}

/// A reference to an image, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reference<'a> {
    /// Registry and path.
    pub repository: &'a str,
    /// The last part of the path.
    pub name: &'a str,
    /// The tag; empty if there is none.
    pub tag: &'a str,
    /// Whether a digest says exactly which image it is.
    pub has_digest: bool,
}

impl<'a> Reference<'a> {
    /// Takes `registry:5000/path/name:tag@sha256:…` apart.
    pub fn new(image: &'a str) -> Reference<'a> {
        let (without_digest, has_digest) = match image.split_once('@') {
            Some((before, _)) => (before, true),
            None => (image, false),
        };
        let last = without_digest.rfind('/').map_or(0, |slash| slash + 1);
        let (repository, tag) = match without_digest[last..].find(':') {
            Some(colon) => (&without_digest[..last + colon], &without_digest[last + colon + 1..]),
            None => (without_digest, ""),
        };
        Reference { repository, name: &repository[last..], tag, has_digest }
    }

    /// Whether the tag may name another image tomorrow, so that nodes may run different ones.
    pub fn floats(&self) -> bool {
        !self.has_digest && matches!(self.tag, "" | "latest")
    }
}

const DRAINS: &str = "nginx-sigquit";
/// The profile of servers that cut requests when they stop.
pub const CUTS: &str = "nginx-sigterm";
const JVM: &str = "{ lognormal = { median = \"8s\", p99 = \"30s\" } }";
const NODE: &str = "{ lognormal = { median = \"500ms\", p99 = \"2s\" } }";

/// Names with what they mean, whatever the tag.
const NAMES: &[(&str, Guess)] = &[
    ("httpd", Guess { profile: DRAINS, boot: None, why: "stops by SIGWINCH: Apache finishes requests" }),
    ("haproxy", Guess { profile: DRAINS, boot: None, why: "stops by SIGUSR1: HAProxy finishes requests" }),
    ("envoy", Guess { profile: CUTS, boot: None, why: "runs Envoy, which exits at once on SIGTERM" }),
    ("http-echo", Guess { profile: CUTS, boot: None, why: "is a Go server that exits at once on SIGTERM" }),
    ("hello-app", Guess { profile: CUTS, boot: None, why: "is a Go server that exits at once on SIGTERM" }),
    ("whoami", Guess { profile: CUTS, boot: None, why: "is a Go server that exits at once on SIGTERM" }),
    ("tomcat", Guess { profile: DRAINS, boot: Some(JVM), why: "runs on a JVM, which boots for seconds" }),
    ("jetty", Guess { profile: DRAINS, boot: Some(JVM), why: "runs on a JVM, which boots for seconds" }),
    ("wildfly", Guess { profile: DRAINS, boot: Some(JVM), why: "runs on a JVM, which boots for seconds" }),
    ("keycloak", Guess { profile: DRAINS, boot: Some(JVM), why: "runs on a JVM, which boots for seconds" }),
    ("openjdk", Guess { profile: DRAINS, boot: Some(JVM), why: "runs on a JVM, which boots for seconds" }),
    ("eclipse-temurin", Guess { profile: DRAINS, boot: Some(JVM), why: "runs on a JVM, which boots for seconds" }),
    ("elasticsearch", Guess { profile: DRAINS, boot: Some(JVM), why: "runs on a JVM, which boots for seconds" }),
    ("node", Guess { profile: DRAINS, boot: Some(NODE), why: "runs on Node, which boots for half a second" }),
];

/// The official nginx image changed its stop signal twice (docker-nginx commits 16ec71e, 3fb70dd, c411fde).
const NGINX_OLD: Guess = Guess {
    profile: CUTS,
    boot: None,
    why: "is an nginx of 1.12.1 to 1.17 or 1.19.0 to 1.19.4, whose stop signal is SIGTERM: requests are cut",
};
const NGINX_NEW: Guess = Guess {
    profile: DRAINS,
    boot: None,
    why: "is an nginx whose stop signal is SIGQUIT: requests are finished (before 1.12.1, and since 1.18 was rebuilt in 2020)",
};

/// What can be guessed of this image.
pub fn guess(image: &str) -> Option<Guess> {
    let reference = Reference::new(image);
    match reference.name {
        "nginx" | "nginx-unprivileged" => Some(nginx(reference.tag)),
        name => NAMES.iter().find(|(known, _)| *known == name).map(|(_, guess)| *guess),
    }
}

/// A tag without a version is today's nginx.
fn nginx(tag: &str) -> Guess {
    let mut numbers = tag.split(['.', '-']).map(str::parse::<u32>);
    let (Some(Ok(1)), Some(Ok(minor))) = (numbers.next(), numbers.next()) else { return NGINX_NEW };
    let patch = numbers.next().and_then(Result::ok);
    let is_old = match (minor, patch) {
        (12, Some(0)) | (13, Some(0)) | (18, _) => false,
        (12..=17, _) => true,
        (19, Some(patch)) => patch < 5,
        _ => false,
    };
    if is_old { NGINX_OLD } else { NGINX_NEW }
}

/// The repositories of those servers' own images; elsewhere an image may be built on one of them, or only be called so.
const OFFICIAL: [&str; 11] = [
    "nginx",
    "library/nginx",
    "nginxinc/nginx-unprivileged",
    "envoyproxy/envoy",
    "library/httpd",
    "httpd",
    "hashicorp/http-echo",
    "traefik/whoami",
    "containous/whoami",
    "gcr.io/google-samples/hello-app",
    "us-docker.pkg.dev/google-samples/containers/gke/hello-app",
];

/// Whether the image is the server's own.
pub fn is_official(image: &str) -> bool {
    let repository = Reference::new(image).repository;
    let repository = repository.strip_prefix("docker.io/").unwrap_or(repository);
    OFFICIAL.contains(&repository)
}

/// Images that hold one program and nothing beside it: no shell, no `sleep`. Whole repositories: anybody may call an image
/// `static`.
const BARE: [&str; 11] = [
    "coredns/coredns",
    "registry.k8s.io/coredns/coredns",
    "k8s.gcr.io/coredns",
    "registry.k8s.io/pause",
    "k8s.gcr.io/pause",
    "hashicorp/http-echo",
    "registry.k8s.io/kube-state-metrics/kube-state-metrics",
    "cgr.dev/chainguard/static",
    "cgr.dev/chainguard/glibc-dynamic",
    "cgr.dev/chainguard/nginx",
    "cgr.dev/chainguard/jre",
];

/// What a base system has, and what holds one program lacks.
const TOOLS: [&str; 18] = [
    "sh", "bash", "ash", "dash", "busybox", "sleep", "echo", "true", "rm", "mv", "cat", "touch", "kill", "killall",
    "pkill", "curl", "wget", "env",
];

/// Where a base system keeps them. What stands elsewhere somebody has put there.
const FOLDERS: [&str; 4] = ["/bin", "/usr/bin", "/sbin", "/usr/sbin"];

/// How sure it is that an image lacks a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lack {
    /// The image is a public one of which it is known.
    Known,
    /// Its tag says that it has no base system.
    Likely,
}

/// Whether the image lacks this program: only a shell or a tool of a base system can be said to be missing, as nobody knows
/// what else is in an image.
pub fn lacks(image: &str, program: &str) -> Option<Lack> {
    let (folder, name) = program.rsplit_once('/').map_or(("/bin", program), |(folder, name)| (folder, name));
    let is_tool = TOOLS.contains(&name) && FOLDERS.contains(&folder);
    if is_tool { without_base(&Reference::new(image)) } else { None }
}

/// Whether there is no base system in the image. Variants for debugging have one.
fn without_base(reference: &Reference<'_>) -> Option<Lack> {
    let has_word = |word: &str| reference.tag.split(['-', '.', '_']).any(|part| part == word);
    let repository = reference.repository.strip_prefix("docker.io/").unwrap_or(reference.repository);
    if ["debug", "dev", "alpine", "busybox"].iter().any(|word| has_word(word)) {
        return None;
    }
    let is_distroless = repository.starts_with("gcr.io/distroless/");
    let is_envoy = repository == "envoyproxy/envoy" && has_word("distroless");
    if is_distroless || is_envoy || BARE.contains(&repository) {
        return Some(Lack::Known);
    }
    has_word("distroless").then_some(Lack::Likely)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_nginx(image: &str, profile: &str) {
        assert_eq!(guess(image).unwrap().profile, profile, "{image}");
    }

    #[test]
    fn nginx_stops_as_its_version_says() {
        for old in ["nginx:1.17.1", "nginx:1.15-alpine", "nginx:1.19.4", "docker.io/library/nginx:1.13.1", "nginx:1.12"]
        {
            check_nginx(old, CUTS);
        }
        for new in
            ["nginx", "nginx:alpine", "nginx:1.11", "nginx:1.13.0", "nginx:1.19.5", "nginx:1.27-alpine", "nginx:1"]
        {
            check_nginx(new, DRAINS);
        }
        assert_eq!(guess("quay.io/team/shop:v3"), None);
        assert_eq!(guess("nginx-exporter:1.17"), None);
    }

    #[test]
    fn references_are_taken_apart() {
        let reference = Reference::new("localhost:5000/team/nginx:1.17@sha256:abc");
        assert_eq!(
            (reference.repository, reference.name, reference.tag),
            ("localhost:5000/team/nginx", "nginx", "1.17")
        );
        assert!(reference.has_digest && !reference.floats());
        assert!(Reference::new("nginx").floats() && Reference::new("a/nginx:latest").floats());
    }

    #[test]
    fn images_without_a_shell_are_known_by_their_whole_names() {
        for image in [
            "gcr.io/distroless/static-debian12:nonroot",
            "envoyproxy/envoy:distroless-v1.30",
            "cgr.dev/chainguard/nginx:latest",
            "docker.io/coredns/coredns:1.11",
            "registry.k8s.io/pause:3.9",
        ] {
            assert_eq!(lacks(image, "/bin/sh"), Some(Lack::Known), "{image}");
        }
        for image in [
            "gcr.io/distroless/base:debug",
            "nginx:alpine",
            "ghcr.io/acme/static:1.4",
            "cgr.dev/chainguard/wolfi-base",
            "cgr.dev/chainguard/bash:latest",
            "cgr.dev/chainguard/busybox:latest",
            "cgr.dev/chainguard/nginx:latest-dev",
            "registry.acme.io/distroless-migration/web:1",
        ] {
            assert_eq!(lacks(image, "sh"), None, "{image}");
        }
        assert_eq!(lacks("ghcr.io/acme/api:1.4-distroless", "sleep"), Some(Lack::Likely));
    }

    #[test]
    fn an_images_own_program_cannot_be_missing() {
        for program in ["/app/api", "drain", "/busybox/sh", "/opt/tools/sleep"] {
            assert_eq!(lacks("gcr.io/distroless/static", program), None, "{program}");
        }
    }
}
