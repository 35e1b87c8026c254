//! What is let through, what is refused, what is rewritten: the lists.

mod bounds;
mod dockerfile;

use super::*;
use crate::submission::compose::{Request, load};

const IMAGES: &[String] = &[];

fn allowed(images: &[String]) -> Allowance<'_> {
    Allowance {
        images,
        add_urls: IMAGES,
        api: "api",
    }
}

fn review_of(files: &[(&str, &str)], shell: &[(&str, &str)]) -> Review {
    let mut snapshot = Snapshot::default();
    for (path, text) in files {
        snapshot.insert(path, (*text).to_owned(), false);
    }
    reviewed(&snapshot, shell)
}

fn reviewed(snapshot: &Snapshot, shell: &[(&str, &str)]) -> Review {
    let shell = shell
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect();
    let request = Request {
        snapshot,
        shell: &shell,
        files: &[],
        env_files: &[],
        profiles: &[],
        project: "p",
    };
    let images = ["python:3.11-slim".to_owned()];
    review(snapshot, &load(&request), &allowed(&images))
}

/// A project of one service with these lines, and the rest behind it.
fn project(service: &str, rest: &str) -> Review {
    let text = format!("services:\n  api:\n    image: python:3.11-slim\n    {service}\n{rest}\n");
    let files = [
        ("compose.yaml", text.as_str()),
        ("clave.txt", "x"),
        ("datos/a", "x"),
        ("vars.env", "A=1"),
        ("Dockerfile", "FROM python:3.11-slim\n"),
    ];
    let mut snapshot = Snapshot::default();
    for (path, text) in files {
        snapshot.insert(path, text.to_owned(), false);
    }
    let request = Request {
        snapshot: &snapshot,
        shell: &BTreeMap::new(),
        files: &[],
        env_files: &[],
        profiles: &[],
        project: "p",
    };
    let loaded = load(&request);
    assert!(
        !matches!(loaded, Err(ComposeError::Invalid { .. })),
        "{service}: {loaded:?}"
    );
    reviewed(&snapshot, &[])
}

fn dockerfile(text: &str) -> Review {
    review_of(&[("Dockerfile", text)], &[])
}

#[test]
fn a_right_but_unusual_service_is_let_through() {
    for service in [
        "x-nota: cualquiera",
        "stop_grace_period: 3s",
        "stop_signal: SIGINT",
        "init: true",
        "hostname: iris",
        "domainname: ejemplo.org",
        "working_dir: /app",
        "stdin_open: true",
        "tty: true",
        "attach: false",
        "profiles: [depura]",
        "platform: linux/amd64",
        "pull_policy: never",
        "labels: {a: b}",
        "annotations: {a: b}",
        "user: '1000:1000'",
        "group_add: ['44']",
        "read_only: true",
        "tmpfs: [/tmp, '/run:size=10m']",
        "shm_size: 64m",
        "ulimits: {nofile: 1024}",
        "mem_limit: 256m",
        "mem_swappiness: 10",
        "cpus: 0.5",
        "cpu_shares: 512",
        "cpuset: '0'",
        "pids_limit: 100",
        "oom_score_adj: 100",
        "mac_address: 02:42:ac:11:65:43",
        "dns: [9.9.9.9]",
        "extra_hosts: ['otro:10.0.0.1']",
        "cap_drop: [ALL]\n    cap_add: [CAP_NET_BIND_SERVICE, chown]",
        "security_opt: [no-new-privileges:true]",
        "network_mode: none",
        "privileged: false",
        "ipc: private",
        "runtime: runc",
        "logging: {driver: json-file, options: {max-size: 1m}}",
        "logging: {driver: local}",
        "logging: {driver: none}",
        "env_file: vars.env",
        "env_file: [{path: no-esta.env, required: false}]",
        "volumes: ['./datos:/d:ro', './nuevo:/n', {type: tmpfs, target: /t}, /anonimo]",
        "volumes: ['.:/app', 'v:/app/datos']\nvolumes: {v: {}}",
        "develop: {watch: [{path: ., action: rebuild}]}",
        "deploy: {mode: replicated, replicas: 2, labels: {a: b}, resources: {limits: {cpus: '1', memory: 1g, pids: 50}}, restart_policy: {condition: on-failure}, update_config: {parallelism: 1}, placement: {constraints: ['node.role==worker']}, endpoint_mode: vip}",
        "healthcheck: {test: [CMD, 'true'], interval: 5s, x-nota: 1}",
        "build: {context: ., target: '', args: {A: b}, labels: {a: b}, tags: ['yo/x:1'], platforms: [linux/amd64], shm_size: 64m, network: none, no_cache: true, pull: true, cache_from: ['yo/x:cache', 'type=registry,ref=yo/x'], provenance: false}",
    ] {
        assert_eq!(project(service, ""), Ok(()), "{service}");
    }
}

#[test]
fn a_right_but_unusual_project_is_let_through() {
    for rest in [
        "version: '3.8'",
        "name: iris",
        "x-comun: &comun {restart: always}",
        "networks: {n: {driver: bridge, internal: true, attachable: true, labels: {a: b}, name: mia}}",
        "networks: {n: {ipam: {config: [{subnet: 172.28.0.0/16, gateway: 172.28.0.1}]}}}",
        "volumes: {v: {name: mio, driver: local, labels: {a: b}}}",
        "secrets: {s: {file: ./clave.txt}, t: {environment: CLAVE}}",
        "configs: {c: {content: 'hola'}, d: {file: clave.txt}}",
    ] {
        assert_eq!(project("init: true", rest), Ok(()), "{rest}");
    }
}

#[test]
fn what_is_rewritten_is_let_through() {
    for service in [
        "container_name: fijo",
        "ports: ['8080:8000', '127.0.0.1:9000:9000/udp', '8000']",
        "restart: always",
    ] {
        assert_eq!(project(service, ""), Ok(()), "{service}");
    }
}

#[test]
fn what_reaches_out_of_the_lab_is_refused_at_its_line() {
    for service in [
        "privileged: true",
        "privileged: ${SIN_DEFINIR:-true}",
        "network_mode: host",
        "network_mode: bridge",
        "network_mode: container:otro",
        "network_mode: service:otro\n  otro: {image: python:3.11-slim}",
        "pid: host",
        "pid: container:otro",
        "ipc: host",
        "ipc: shareable",
        "uts: host",
        "userns_mode: host",
        "cgroup: host",
        "cgroup_parent: /x",
        "runtime: runsc",
        "sysctls: {net.core.somaxconn: 1}",
        "cap_add: [SYS_TIME]",
        "cap_add: [ALL]",
        "cap_add: [cap_sys_admin]",
        "security_opt: [seccomp=unconfined]",
        "security_opt: ['seccomp:./perfil.json']",
        "security_opt: [no-new-privileges:false]",
        "security_opt: [label=disable]",
        "security_opt: [systempaths=unconfined]",
        "devices: [/dev/sda]",
        "device_cgroup_rules: ['c 1:3 mr']",
        "gpus: all",
        "credential_spec: {file: x}",
        "use_api_socket: true",
        "oom_kill_disable: true",
        "provider: {type: /bin/sh}",
        "post_start: [{command: x}]",
        "pre_stop: [{command: x}]",
        "isolation: hyperv",
        "volumes: [/:/host]",
        "volumes: [/var/run/docker.sock:/s]",
        "volumes: ['../x:/x']",
        "volumes: ['./datos/../../x:/x']",
        "volumes: ['~/x:/x']",
        "volumes: [{type: bind, source: /etc, target: /e}]",
        "volumes: [{type: bind, source: ./datos, target: /e, bind: {propagation: rshared}}]",
        "volumes: [{type: image, source: otra, target: /e}]",
        "volumes: [{type: npipe, source: x, target: /e}]",
        "volumes: [{type: volume, source: v, target: /e, volume: {subpath: ../x}}]\nvolumes: {v: {}}",
        "volumes: ['.:/a', './datos:/b']",
        "volumes_from: [container:otro]",
        "external_links: [otro]",
        "extra_hosts: ['host.docker.internal:host-gateway']",
        "logging: {driver: gelf, options: {gelf-address: 'udp://1.2.3.4:1'}}",
        "logging: {driver: syslog}",
        "env_file: /etc/environment",
        "env_file: ../vars.env",
        "extends: {file: /etc/compose.yaml, service: x}",
        "extends: {file: ../compose.yaml, service: x}",
        "deploy: {resources: {reservations: {devices: [{capabilities: [gpu]}]}}}",
        "build: {context: ., network: host}",
        "build: {context: ..}",
        "build: {context: /etc}",
        "build: https://github.com/x/y.git",
        "build: github.com/x/y",
        "build: {context: ., dockerfile: ../Dockerfile}",
        "build: {context: ., dockerfile: /etc/passwd}",
        "build: {context: ., dockerfile: 'https://x/Dockerfile'}",
        "build: {context: ., additional_contexts: {a: /etc}}",
        "build: {context: ., additional_contexts: {a: 'docker-image://x'}}",
        "build: {context: ., ssh: [default]}",
        "build: {context: ., privileged: true}",
        "build: {context: ., entitlements: [security.insecure]}",
        "build: {context: ., secrets: [s]}\nsecrets: {s: {file: clave.txt}}",
        "build: {context: ., cache_to: ['type=local,dest=/tmp']}",
        "build: {context: ., cache_from: ['type=s3,bucket=x']}",
        "build: {context: ., extra_hosts: ['h:host-gateway']}",
        "build: {context: ., args: {BUILDKIT_SYNTAX: yo/otro}}",
        "build: {context: ., dockerfile_inline: 'FROM alpine'}",
        "image: alpine",
    ] {
        // Where a key is twice in a file, the fixture itself is wrong.
        let (image, service) = match service.strip_prefix("image: ") {
            Some(image) => (image, "init: true"),
            None => ("python:3.11-slim", service),
        };
        let text = format!("services:\n  api:\n    image: {image}\n    {service}\n");
        let refusal = review_of(
            &[
                ("compose.yaml", &text),
                ("clave.txt", "x"),
                ("datos/a", "x"),
            ],
            &[],
        )
        .expect_err(service);
        assert!(refusal.location.line >= 3, "{service}: {refusal:?}");
        assert!(refusal.message.len() > 20, "{service}: {refusal:?}");
    }
    for rest in [
        "networks: {n: {external: true}}",
        "networks: {n: {driver: macvlan}}",
        "networks: {n: {driver: host}}",
        "networks: {n: {driver_opts: {com.docker.network.bridge.name: docker0}}}",
        "networks: {n: {ipam: {driver: otro}}}",
        "networks: {n: {ipam: {config: [{subnet: 8.8.0.0/16}]}}}",
        "networks: {n: {ipam: {config: [{subnet: 192.0.0.0/4}]}}}",
        "volumes: {v: {external: true}}",
        "volumes: {v: {driver: nfs}}",
        "volumes: {v: {driver_opts: {type: none, o: bind, device: /}}}",
        "secrets: {s: {file: /etc/shadow}}",
        "secrets: {s: {file: ../x}}",
        "secrets: {s: {external: true}}",
        "configs: {c: {file: /etc/hosts}}",
        "include: [/etc/compose.yaml]",
        "include: ['https://github.com/x/y.git']",
        "include: [../otro.yaml]",
        "models: {m: {model: x}}",
    ] {
        let refusal = project("init: true", rest).expect_err(rest);
        assert_eq!(refusal.location.file, "compose.yaml", "{rest}");
    }
}

#[test]
fn what_a_variable_says_counts_and_not_what_is_written() {
    let text = "services:\n  api:\n    image: python:3.11-slim\n    network_mode: ${RED:-none}\n    volumes: ['${DONDE:-./datos}:/d']\n";
    let files = [("compose.yaml", text)];
    assert_eq!(review_of(&files, &[]), Ok(()));
    assert!(review_of(&files, &[("RED", "host")]).is_err());
    assert!(review_of(&files, &[("DONDE", "/")]).is_err());
    let hidden = [("compose.yaml", text), (".env", "RED=host\n")];
    assert!(review_of(&hidden, &[]).is_err());
}

#[test]
fn services_of_a_profile_that_is_off_are_reviewed_but_not_their_images() {
    let with = |line: &str| {
        let text = format!(
            "services:\n  api: {{image: python:3.11-slim}}\n  otro:\n    profiles: [p]\n    {line}\n"
        );
        review_of(
            &[
                ("compose.yaml", &text),
                ("otro/Dockerfile", "FROM alpine\n"),
            ],
            &[],
        )
    };
    assert_eq!(with("image: adminer"), Ok(()));
    assert!(with("image: adminer\n    privileged: true").is_err());
    let refusal = with("build: otro").unwrap_err();
    assert_eq!(refusal.location, Location::line("otro/Dockerfile", 1));
}

#[test]
fn links_that_leave_are_refused_where_they_are_used_and_only_there() {
    let with = |link: &str, target: &str, compose: &str| {
        let mut snapshot = Snapshot::default();
        snapshot.insert("Dockerfile", "FROM python:3.11-slim\n", false);
        snapshot.insert("datos/real.txt", "A=1", false);
        snapshot.insert("compose.yaml", compose.to_owned(), false);
        snapshot.put_link(link, target);
        reviewed(&snapshot, &[])
    };
    let api = |line: &str| format!("services:\n  api:\n    image: python:3.11-slim\n    {line}\n");
    // A virtual environment's.
    assert_eq!(
        with(".venv/bin/python", "/usr/bin/python3", &api("init: true")),
        Ok(())
    );
    for (link, target, line) in [
        ("fuera", "/etc", "volumes: ['./fuera:/f']"),
        ("fuera", "../..", "volumes: ['./fuera/x:/f']"),
        ("fuera", "/etc/passwd", "env_file: fuera"),
        ("fuera", "/etc", "build: fuera"),
        (
            "fuera",
            "/etc",
            "build: {context: ., dockerfile: fuera/passwd}",
        ),
        ("fuera", "fuera", "volumes: ['./fuera:/f']"),
    ] {
        let refusal = with(link, target, &api(line)).expect_err(line);
        assert_eq!(refusal.location.file, "compose.yaml", "{line}");
    }
    for name in [
        "otro.Dockerfile",
        ".env",
        "compose.override.yaml",
        ".dockerignore",
    ] {
        let refusal = with(name, "/etc/passwd", &api("init: true")).expect_err(name);
        assert_eq!(refusal.location, Location::line(name, 1));
    }
    assert_eq!(
        with("dentro", "datos/real.txt", &api("env_file: dentro")),
        Ok(())
    );
    assert_eq!(
        with("dentro", "datos", &api("volumes: ['./dentro:/d']")),
        Ok(())
    );
}

#[test]
fn images_are_the_same_however_their_registry_and_tag_are_spelled() {
    let images = [
        "python:3.11-slim".to_owned(),
        "docker.io/library/redis".to_owned(),
    ];
    let allowed = allowed(&images);
    for image in [
        "python:3.11-slim",
        "docker.io/library/python:3.11-slim",
        "library/python:3.11-slim",
        "redis",
        "redis:latest",
    ] {
        assert!(allowed.has(image), "{image}");
    }
    for image in [
        "python",
        "python:3.11",
        "evil.example/python:3.11-slim",
        "docker.io/evil/python:3.11-slim",
        "redis:7",
    ] {
        assert!(!allowed.has(image), "{image}");
    }
}
