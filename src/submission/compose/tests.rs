use super::*;

pub(super) fn load_files(files: &[(&str, &str)]) -> Result<Option<Loaded>, ComposeError> {
    let mut snapshot = Snapshot::default();
    for (path, text) in files {
        snapshot.insert(path, text.to_string(), false);
    }
    let shell = BTreeMap::from([("S".to_owned(), "shell".to_owned())]);
    load(&request(&snapshot, &shell))
}

fn project(files: &[(&str, &str)]) -> Project {
    load_files(files).unwrap().unwrap().project
}

fn one(body: &str) -> Service {
    let mut project = project(&[(
        "compose.yaml",
        &format!("services:\n  a:\n    image: x\n{body}"),
    )]);
    project.services.remove("a").unwrap()
}

fn error(text: &str) -> String {
    load_files(&[("compose.yaml", text)])
        .unwrap_err()
        .to_string()
}

fn environment(service: &Service) -> String {
    let show = |(name, variable): (&String, &Located<Option<String>>)| match &variable.value {
        Some(value) => format!("{name}={value}"),
        None => name.clone(),
    };
    service
        .environment
        .iter()
        .map(show)
        .collect::<Vec<_>>()
        .join(" ")
}

/// Asks with `.env` and a shell that has `S`.
fn request<'a>(snapshot: &'a Snapshot, shell: &'a BTreeMap<String, String>) -> Request<'a> {
    Request {
        snapshot,
        shell,
        files: &[],
        env_files: &[],
        profiles: &[],
        project: "entrega",
    }
}

#[test]
fn every_fault_of_a_file_is_told_at_once() {
    let all = |text: &str| -> Vec<String> {
        let mut snapshot = Snapshot::default();
        snapshot.insert("compose.yaml", text.to_owned(), false);
        let faults = faults(&request(&snapshot, &BTreeMap::new()));
        faults.iter().map(ToString::to_string).collect()
    };
    let told = all(
        "services:\n  a:\n    imagen: x\n    user: 5\n    healthcheck: {interval: 30}\n  b:\n    image: y\n    ports: 80\n",
    );
    let lines: Vec<&str> = told.iter().filter_map(|it| it.split(": ").next()).collect();
    assert_eq!(
        lines,
        [
            "compose.yaml:3",
            "compose.yaml:4",
            "compose.yaml:5",
            "compose.yaml:8"
        ],
        "{told:?}"
    );
    let told = all(
        "services:\n  a: {image: x, networks: [n]}\n  b: {image: x, depends_on: [z]}\n  c: {}\n",
    );
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(all("services: {a: {image: x}}").is_empty());
}

#[test]
fn every_use_of_a_variable_is_known_with_its_place_and_its_source() {
    let files = [
        (
            "compose.yaml",
            "services:\n  a:\n    image: \"x:${TAG}\"\n    user: ${U:-5}\n    env_file: e\n    environment: [S, N]\n    command: $NADA\n",
        ),
        (".env", "TAG=1\nSOLO=2\n"),
        ("e", "Q=$TAG\n"),
    ];
    let loaded = load_files(&files).unwrap().unwrap();
    let show = |it: &VariableUse| {
        let from = match &it.found {
            Some(Source::Shell) => "shell",
            Some(Source::EnvFile(path)) => path,
            None => "-",
        };
        format!(
            "{}{} {} {from}",
            it.name,
            if it.guarded { "?" } else { "" },
            it.location
        )
    };
    let uses: Vec<String> = loaded.variables.iter().map(show).collect();
    assert_eq!(
        uses,
        [
            "TAG compose.yaml:3 .env",
            "U? compose.yaml:4 -",
            "NADA compose.yaml:7 -",
            "S? compose.yaml:6 shell",
            "N? compose.yaml:6 -",
            "TAG? e:1 .env",
        ]
    );
    let dotenv: Vec<String> = loaded
        .dotenv
        .iter()
        .map(|(name, at)| format!("{name} {at}"))
        .collect();
    assert_eq!(dotenv, ["TAG .env:1", "SOLO .env:2"]);
    let service = &loaded.project.services["a"];
    let (name, at) = &service.env_file[0].variables[0];
    assert_eq!((name.as_str(), at.file.as_str(), at.line), ("Q", "e", 1));
    assert_eq!(service.environment["S"].location.file, "compose.yaml");
    assert_eq!(service.environment["Q"].location.file, "e");
}

#[test]
fn a_file_laid_over_another_may_complete_it() {
    let files = [
        (
            "compose.yaml",
            "services:\n  a: {image: x, depends_on: {b: {condition: service_healthy}}}\n  b: {image: y}\n",
        ),
        (
            "compose.override.yaml",
            "services:\n  a: {depends_on: {b: {restart: true}}}\n",
        ),
    ];
    let project = project(&files);
    let dependency = &project.services["a"].depends_on[0];
    assert!(dependency.restart && dependency.condition == Condition::Healthy);
    let broken = [
        files[0],
        ("compose.override.yaml", "services: {a: {imagen: x}}"),
    ];
    assert_eq!(
        load_files(&broken).unwrap_err().to_string(),
        "compose.override.yaml:1: Compose no conoce la clave `imagen` en `services.a` (¿querías decir `image`?)"
    );
}

#[test]
fn the_name_in_a_file_is_a_variable_of_it() {
    let text = "name: tienda-${S}\nservices: {a: {image: 'x:${COMPOSE_PROJECT_NAME}'}}\n";
    let project = project(&[("compose.yaml", text)]);
    assert_eq!(project.name, "tienda-shell");
    assert_eq!(
        project.services["a"].image.as_ref().unwrap().value,
        "x:tienda-shell"
    );
}

#[test]
fn without_a_compose_file_there_is_no_project() {
    assert!(load_files(&[("Dockerfile", "FROM x")]).unwrap().is_none());
}

#[test]
fn the_preferred_name_wins_and_the_others_are_told() {
    let loaded = load_files(&[
        ("docker-compose.yml", "services: {a: {image: old}}"),
        ("compose.yaml", "services: {b: {image: new}}"),
    ]);
    let loaded = loaded.unwrap().unwrap();
    assert_eq!(loaded.project.files, ["compose.yaml"]);
    assert!(
        loaded.warnings[0]
            .message
            .contains("solo vale `compose.yaml`")
    );
}

#[test]
fn environment_wins_over_env_file_and_the_shell_over_dotenv() {
    let project = project(&[
        (
            "compose.yaml",
            "services:\n  a:\n    image: x\n    env_file: [e]\n    environment: {A: own, S: , N: , T: '${T}', O: 0444}\n",
        ),
        ("e", "A=file\nB=${T}-${S}\n"),
        (".env", "T=dot\nS=dot\n"),
    ]);
    let service = &project.services["a"];
    assert_eq!(
        environment(service),
        "A=own B=dot-shell N O=292 S=shell T=dot"
    );
    assert_eq!(
        service.environment["B"].location,
        Location {
            file: "e".to_owned(),
            line: 2,
            column: 1
        }
    );
    assert!(service.env_file[0].present);
}

#[test]
fn an_override_adds_replaces_resets_and_overrides_by_key() {
    let base = "services:\n  a:\n    image: x\n    ports: ['80:80', '81:81']\n    environment: {A: 1, B: 1}\n    command: [a, b]\n    volumes: ['./x:/x', 'datos:/v']\n    healthcheck: {test: [CMD, a], interval: 3s}\n    expose: [1]\nvolumes: {datos: , otros: }\n";
    let over = "services:\n  a:\n    ports: ['80:80', '82:82']\n    environment: [B=2, C=3]\n    command: c d\n    volumes: ['otros:/v:ro']\n    healthcheck: {test: curl x, retries: 4}\n    expose: !override [9]\n    image: !reset null\n    build: .\n";
    let project = project(&[
        ("docker-compose.yml", base),
        ("docker-compose.override.yml", over),
    ]);
    let service = &project.services["a"];
    let ports: Vec<u16> = service.ports.iter().map(|port| port.target).collect();
    assert_eq!(ports, [80, 81, 82]);
    assert_eq!(environment(service), "A=1 B=2 C=3");
    assert_eq!(service.command.as_ref().unwrap().words, ["c", "d"]);
    let volumes: Vec<_> = service
        .volumes
        .iter()
        .map(|m| (m.source.as_deref().unwrap(), m.read_only))
        .collect();
    assert_eq!(volumes, [("x", false), ("otros", true)]);
    let health = service.healthcheck.as_ref().unwrap();
    assert_eq!(
        health.test.as_ref().unwrap().value,
        Test::Shell("curl x".to_owned())
    );
    assert_eq!(health.interval.as_ref().unwrap().as_secs(), 3);
    assert_eq!(service.expose.len(), 1);
    assert!(service.image.is_none() && service.build.is_some());
    assert_eq!(service.location.file, "docker-compose.yml");
}

#[test]
fn a_service_extends_another_whose_paths_start_at_its_own_file() {
    let project = project(&[
        (
            "compose.yaml",
            "services:\n  a:\n    extends: {file: sub/base.yaml, service: b}\n    environment: {A: 2}\n",
        ),
        (
            "sub/base.yaml",
            "services:\n  b: {build: ., volumes: ['./d:/d'], extends: c}\n  c: {environment: {A: 1, B: 1}}\n",
        ),
    ]);
    let service = &project.services["a"];
    assert_eq!(environment(service), "A=2 B=1");
    assert_eq!(service.build.as_ref().unwrap().context.value, "sub");
    assert_eq!(service.volumes[0].source.as_deref(), Some("sub/d"));
    assert!(error("services: {a: {extends: a}}").contains("`extends` da vueltas"));
    assert!(error("services: {a: {extends: z}}").contains("`extends` pide el servicio `z`"));
}

#[test]
fn an_included_file_brings_its_services_and_its_own_dotenv() {
    let files = [
        (
            "compose.yaml",
            "include: [sub/c.yaml]\nservices:\n  a: {image: x, depends_on: [b]}\n",
        ),
        (
            "sub/c.yaml",
            "services:\n  b: {build: ., environment: {Q: '${Q}'}}\n",
        ),
        ("sub/.env", "Q=hola\n"),
    ];
    let project = project(&files);
    assert_eq!(environment(&project.services["b"]), "Q=hola");
    assert_eq!(
        project.services["b"].build.as_ref().unwrap().context.value,
        "sub"
    );
    assert_eq!(project.files, ["compose.yaml", "sub/c.yaml"]);
    assert!(
        error("include: [compose.yaml]\nservices: {a: {image: x}}")
            .contains("`include` da vueltas")
    );
}

#[test]
fn files_out_of_the_submission_are_never_read() {
    for text in [
        "services: {a: {image: x, env_file: ../e}}",
        "services: {a: {image: x, env_file: /etc/passwd}}",
        "services: {a: {extends: {file: ../x.yaml, service: b}}}",
        "include: [/etc/c.yaml]\nservices: {a: {image: x}}",
    ] {
        let error = load_files(&[("compose.yaml", text)]).unwrap_err();
        assert!(
            matches!(error, ComposeError::Outside { .. }),
            "{text}: {error}"
        );
    }
    assert_eq!(
        error("services: {a: {image: x, env_file: ../e}}"),
        "compose.yaml:1: `../e` está fuera de la entrega y no se lee: pon el archivo en tu carpeta y usa una ruta relativa, como `./e`"
    );
}

#[test]
fn a_null_command_is_not_an_empty_one() {
    assert_eq!(one("").command, None);
    assert_eq!(
        one("    command:\n").command.unwrap().form,
        command::Form::Null
    );
    assert_eq!(
        one("    command: []\n").command.unwrap().form,
        command::Form::List
    );
    assert_eq!(
        one("    command: a 'b c'\n").command.unwrap().words,
        ["a", "b c"]
    );
}

#[test]
fn limits_have_one_answer_wherever_they_are_written() {
    let long = one(
        "    deploy: {replicas: 3, resources: {limits: {cpus: '0.5', memory: 64M, pids: 10}}}\n",
    );
    assert_eq!(long.replicas(), 3);
    assert_eq!(long.memory_limit().unwrap().value, 64 << 20);
    assert_eq!(long.cpu_limit().unwrap().value, 0.5);
    assert_eq!(long.pid_limit().unwrap().value, 10);
    let short = one("    mem_limit: 64m\n    cpus: 0.5\n");
    assert_eq!(short.memory_limit().unwrap().location.line, 4);
    assert!(one("    mem_limit: -1\n").memory_limit().is_none());
}

#[test]
fn a_service_without_networks_is_on_the_default_one() {
    let project = project(&[(
        "compose.yaml",
        "services: {a: {image: x}, b: {image: y, network_mode: none}}",
    )]);
    assert_eq!(project.services["a"].networks[0].network, "default");
    assert!(project.services["b"].networks.is_empty());
    assert!(!project.networks["default"].declared);
}

#[test]
fn services_without_an_active_profile_are_set_aside() {
    let files = [(
        "compose.yaml",
        "services: {a: {image: x, profiles: [dev]}, b: {image: y}}",
    )];
    let project = project(&files);
    assert!(project.inactive.contains_key("a") && !project.services.contains_key("a"));
    assert!(
        error("services: {a: {image: x, profiles: [dev]}, b: {image: y, depends_on: [a]}}")
            .contains("apagado por sus `profiles`")
    );
}

#[test]
fn what_does_not_fit_together_is_told_with_its_place() {
    for (text, told) in [
        (
            "services: {a: {}}",
            "compose.yaml:1: el servicio `a` no dice de qué imagen sale: añade `build: .` o `image: …`",
        ),
        (
            "services:\n  api: {image: x}\n  a: {image: x, depends_on: [apis]}",
            "compose.yaml:3: el servicio `a` depende de `apis` (¿querías decir `api`?), y no hay un servicio con ese nombre",
        ),
        (
            "services: {a: {image: x, networks: [n]}}",
            "compose.yaml:1: el servicio `a` usa la red `n`, y no está en la sección `networks` de la raíz: decláralo ahí",
        ),
        (
            "services: {a: {image: x, volumes: ['datos:/d']}}",
            "compose.yaml:1: el servicio `a` usa el volumen `datos`, y no está en la sección `volumes` de la raíz: decláralo ahí",
        ),
        (
            "services: {a: {image: x, depends_on: [b]}, b: {image: x, depends_on: [a]}}",
            "compose.yaml:1: los servicios se esperan en círculo: `a` → `b` → `a`; quita una de esas dependencias",
        ),
        (
            "services: {a: {image: x, healthcheck: {interval: 30x}}}",
            "compose.yaml:1: `interval` no es una duración: `30x`; escribe número y unidad, como `500ms`, `30s` o `1m30s`",
        ),
        (
            "services: {a: {image: x, mem_limit: 5zz}}",
            "compose.yaml:1: `mem_limit` no es un tamaño: `5zz`; escribe número y unidad, como `256k`, `512M` o `2G`",
        ),
        (
            "services: {a: {image: x, healthcheck: {test: [curl, x]}}}",
            "compose.yaml:1: la lista de `test` empieza por `curl` y tiene que empezar por `CMD`, `CMD-SHELL` o `NONE`: escribe `[\"CMD\", \"curl\", …]`",
        ),
        (
            "services: {a: {image: x, container_name: fijo, scale: 2}}",
            "compose.yaml:1: `container_name: fijo` es un nombre fijo y el servicio pide 2 copias: quita `container_name`",
        ),
        (
            "services: {a: {image: '${U:?pon la imagen}'}}",
            "compose.yaml:1: falta la variable obligatoria `U` («pon la imagen»): defínela en `.env` o en el entorno",
        ),
        (
            "",
            "compose.yaml:1: el archivo está vacío: escribe al menos `services:` y un servicio",
        ),
    ] {
        assert_eq!(error(text), told);
    }
}

#[test]
fn warnings_quote_what_compose_prints() {
    let loaded = load_files(&[(
        "compose.yaml",
        "version: '3.8'\nservices:\n  a: {image: 'x:${U}'}\n",
    )]);
    let loaded = loaded.unwrap().unwrap();
    let told: Vec<String> = loaded
        .warnings
        .iter()
        .map(|w| format!("{} {}", w.location, w.message))
        .collect();
    assert!(
        told[0].starts_with("compose.yaml:3 la variable `U` no está definida"),
        "{told:?}"
    );
    assert!(
        told[1].contains("the attribute `version` is obsolete"),
        "{told:?}"
    );
    assert_eq!(loaded.project.version.unwrap().value, "3.8");
}

#[test]
fn keys_without_a_field_are_not_lost() {
    let service = one("    oom_score_adj: 5\n    x-mine: {a: 1}\n");
    let keys: Vec<&str> = service.other.iter().map(|(key, _)| key.as_str()).collect();
    assert_eq!(keys, ["oom_score_adj", "x-mine"]);
}

#[test]
fn what_other_keys_make_come_first_is_a_dependency_too() {
    let text = "services: {a: {image: x, links: ['b:c'], network_mode: 'service:d'}, b: {image: y}, d: {image: z}}";
    let project = project(&[("compose.yaml", text)]);
    let implied: Vec<_> = project.services["a"]
        .depends_on
        .iter()
        .map(|d| (d.service.as_str(), d.implied))
        .collect();
    assert_eq!(implied, [("b", true), ("d", true)]);
}

#[test]
fn what_only_a_swarm_reads_is_warned_of_as_compose_does() {
    let text = "services:
  a:
    image: x
    profiles: [apagado]
    deploy: {mode: replicated, replicas: 2, resources: {}, labels: []}
    ports: [{target: 80, mode: host}, {target: 81, mode: ingress}]
    secrets: [s, {source: s, target: t, mode: 0400, uid: '3'}]
secrets: {s: {file: x, labels: {a: b}}}
";
    let loaded = load_files(&[("compose.yaml", text)]).unwrap().unwrap();
    let quoted = |told: &str| {
        let (_, rest) = told.split_once("avisa: `").unwrap();
        rest.split_once("`)").unwrap().0.to_owned()
    };
    let told: Vec<String> = loaded
        .warnings
        .iter()
        .map(|it| format!("{} {}", it.location.line, quoted(&it.message)))
        .collect();
    assert_eq!(
        told,
        [
            "8 secrets.s.labels: secrets[].labels are only applied to Swarm secret objects",
            "5 service \"a\": deploy.labels: deploy.labels are only applied to Swarm services",
            "5 service \"a\": deploy.mode: deploy.mode is only honored in Swarm mode",
            "6 service \"a\": ports[80/tcp].mode: ports[].mode: host is only honored by the Swarm routing mesh",
            "7 service \"a\": secrets.s.mode: mode is not supported outside Swarm mode and will be ignored",
            "7 service \"a\": secrets.s.uid: uid is not supported outside Swarm mode and will be ignored",
        ]
    );
}
