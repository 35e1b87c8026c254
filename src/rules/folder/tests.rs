//! Folders as students have them: what the rules that look at several files say of them, and where they keep silent.

use super::{compose_build, context, entry_script, ignore_file, port_agreement, requirements};
use crate::rules::{Topic, judge};
use crate::submission::{Reading, Snapshot};
use crate::verdict::StaticFinding;

const CROSS: [&Topic; 6] = [
    &context::TOPIC,
    &ignore_file::TOPIC,
    &entry_script::TOPIC,
    &compose_build::TOPIC,
    &port_agreement::TOPIC,
    &requirements::TOPIC,
];

/// What those rules find in a folder: rule, level and place.
fn found(files: &[(&str, &str)]) -> Vec<String> {
    let mut snapshot = Snapshot::default();
    for (path, content) in files {
        snapshot.insert(path, content.as_bytes().to_vec(), false);
    }
    told(judge(&Reading::of(snapshot)))
}

fn told(findings: Vec<StaticFinding>) -> Vec<String> {
    let mine = findings.into_iter().filter(|one| {
        let mut rules = CROSS.iter().flat_map(|topic| topic.rules);
        rules.any(|rule| rule.id == one.rule)
    });
    mine.map(|one| {
        let at = one.location.map(|at| at.to_string()).unwrap_or_default();
        format!("{:?} {} {at}", one.level, one.rule)
    })
    .collect()
}

const NONE: [&str; 0] = [];

#[test]
fn a_whitelist_a_copied_subfolder_and_a_copied_ignored_wildcard_are_no_mistakes() {
    let files = [
        ("compose.yaml", "services:\n  api:\n    build: .\n"),
        (
            "Dockerfile",
            "FROM python:3.11-slim\nWORKDIR /app\nCOPY requirements*.txt models/*.bin ./\nCOPY app app\nCOPY datos datos\n",
        ),
        (
            ".dockerignore",
            "*\n!app\n!requirements.txt\n!datos/iris.csv\n",
        ),
        ("requirements.txt", "fastapi==0.115.0\n"),
        ("app/main.py", "print()\n"),
        ("datos/iris.csv", "1\n"),
        ("datos/crudos.csv", "1\n"),
        ("models/a.bin", "1\n"),
    ];
    assert_eq!(found(&files), NONE);
}

#[test]
fn a_stage_that_no_build_comes_to_may_copy_what_is_not_there() {
    let files = [
        (
            "compose.yaml",
            "services:\n  api:\n    build:\n      context: .\n      target: prod\n",
        ),
        (
            "Dockerfile",
            "FROM python:3.11-slim AS prod\nCOPY app /app\nCOPY models /models\nFROM prod AS pruebas\nCOPY tests /tests\nCOPY .env /app/\n",
        ),
        (".dockerignore", "tests\n"),
        ("app/main.py", "print()\n"),
        ("models/a.json", "1\n"),
        ("tests/t.py", "1\n"),
        (".env", "API_KEY=sk-9f8a7b6c5d4e\n"),
    ];
    assert_eq!(found(&files), NONE);
}

#[test]
fn secrets_of_a_stage_that_is_left_behind_are_not_in_the_image() {
    let dockerfile = "FROM python:3.11-slim AS uno\nCOPY . /src\nFROM python:3.11-slim\nCOPY --from=uno /src/app /app\n";
    let files = [
        ("Dockerfile", dockerfile),
        (".env", "API_KEY=sk-9f8a7b6c5d4e\n"),
        ("app/main.py", "print()\n"),
    ];
    assert_eq!(found(&files), NONE);
    let kept = dockerfile.replace(
        "FROM python:3.11-slim\nCOPY --from=uno /src/app /app",
        "FROM uno",
    );
    let files = [
        ("Dockerfile", kept.as_str()),
        (".env", "API_KEY=sk-9f8a7b6c5d4e\n"),
        ("app/main.py", "print()\n"),
    ];
    assert_eq!(
        found(&files),
        [
            "Error archivo-secreto-en-la-imagen Dockerfile:2",
            "Warning dockerignore-falta Dockerfile:2"
        ]
    );
}

#[test]
fn a_frontend_s_public_variables_and_a_published_certificate_are_no_secrets() {
    let files = [
        ("Dockerfile", "FROM node:22-slim\nWORKDIR /app\nCOPY . .\n"),
        (".dockerignore", "node_modules\n.git\n"),
        (".env.production", "VITE_API_URL=https://api.example.com\n"),
        (".env.example", "API_KEY=sk-9f8a7b6c5d4e\n"),
        ("certs/ca.pem", "-----BEGIN CERTIFICATE-----\n"),
        ("src/main.js", "1\n"),
    ];
    assert_eq!(found(&files), NONE);
}

#[test]
fn half_a_project_is_not_accused_of_what_the_other_half_holds() {
    let files = [
        (
            "compose.yaml",
            "services:\n  api:\n    build: .\n  web:\n    build: ./web\n",
        ),
        (
            "Dockerfile",
            "FROM python:3.11-slim\nWORKDIR /app\nCOPY vendor vendor\nCOPY requirements.txt .\nCOPY app app\nCOPY arranca.sh .\nENTRYPOINT [\"./arranca.sh\"]\n",
        ),
    ];
    assert_eq!(found(&files), NONE);
}

#[test]
fn a_built_artefact_and_what_git_ignores_may_be_missing() {
    let files = [
        ("compose.yaml", "services:\n  api:\n    build: .\n"),
        (
            "Dockerfile",
            "FROM eclipse-temurin:21-jre\nCOPY target/app.jar /app.jar\nCOPY modelo.pkl /modelo.pkl\nCOPY conf /conf\nCOPY run /run\nCOPY etc /x\n",
        ),
        (".gitignore", "*.pkl\n"),
        ("conf/a.yml", "a: 1\n"),
        ("run/a", "1\n"),
        ("etc/a", "1\n"),
    ];
    assert_eq!(found(&files), NONE);
}

#[test]
fn what_is_missing_from_a_whole_folder_is_told() {
    let files = [
        ("compose.yaml", "services:\n  api:\n    build: ./api\n"),
        (
            "api/Dockerfile",
            "FROM python:3.11-slim\nCOPY requirements.txt /app/\nCOPY src /app/src\nCOPY config.yml /app/\n",
        ),
        ("api/requirements.txt", "fastapi==0.115.0\n"),
        ("api/src/main.py", "print()\n"),
        ("config.yml", "a: 1\n"),
    ];
    assert_eq!(
        found(&files),
        ["Warning copia-de-lo-que-no-esta api/Dockerfile:4"]
    );
}

#[test]
fn a_mode_given_at_the_copy_or_later_or_by_an_interpreter_is_enough() {
    let script = ("arranca.sh", "#!/bin/sh\nset -e\nexec \"$@\"\n");
    for steps in [
        "COPY --chmod=0755 arranca.sh /\nENTRYPOINT [\"/arranca.sh\"]",
        "COPY arranca.sh /usr/local/bin/\nRUN chmod +x /usr/local/bin/*.sh\nENTRYPOINT [\"arranca.sh\"]",
        "COPY arranca.sh /\nRUN find / -name '*.sh' -exec chmod +x {} +\nENTRYPOINT [\"/arranca.sh\"]",
        "COPY arranca.sh /\nENTRYPOINT [\"sh\", \"/arranca.sh\"]",
        "COPY arranca.sh /\nENTRYPOINT [\"/bin/bash\", \"-e\", \"/arranca.sh\"]",
        "COPY arranca.sh /otro.sh\nENTRYPOINT [\"/arranca.sh\"]",
    ] {
        let dockerfile = format!("FROM python:3.11-slim\n{steps}\n");
        assert_eq!(
            found(&[("Dockerfile", &dockerfile), script]),
            NONE,
            "{steps}"
        );
    }
    let dockerfile = "FROM python:3.11-slim\nCOPY arranca.sh /usr/local/bin/\nENTRYPOINT [\"tini\", \"--\", \"arranca.sh\"]\n";
    assert_eq!(
        found(&[("Dockerfile", dockerfile), script]),
        ["Error guion-sin-permiso Dockerfile:3"]
    );
}

#[test]
fn ports_that_a_variable_moves_or_that_are_not_known_are_left_alone() {
    for (command, compose) in [
        (
            "CMD [\"python\", \"-m\", \"app.main\"]",
            "ports: [\"80:8000\"]",
        ),
        (
            "EXPOSE 8000\nCMD [\"python\", \"-m\", \"app.main\"]",
            "ports: [\"80:9000\"]\n    environment: {PUERTO: \"9000\"}",
        ),
        (
            "EXPOSE 8000 9000\nCMD [\"python\", \"-m\", \"app.main\"]",
            "ports: [\"80:9000\"]",
        ),
        (
            "EXPOSE 8000\nCMD uvicorn app:app --port $PORT",
            "ports: [\"80:8000\", \"5678:5678\"]",
        ),
        (
            "EXPOSE 8000\nCMD [\"uvicorn\", \"app:app\"]",
            "command: uvicorn app:app --port 9000\n    ports: [\"80:9000\"]\n    expose: [\"9000\"]",
        ),
    ] {
        let dockerfile = format!("FROM python:3.11-slim\n{command}\n");
        let compose = format!("services:\n  api:\n    build: .\n    {compose}\n");
        let found = found(&[("Dockerfile", &dockerfile), ("compose.yaml", &compose)]);
        let moved = compose.contains("command: uvicorn");
        // The image's own `EXPOSE` no longer fits what the compose file starts.
        let expected: &[&str] = if moved {
            &["Warning puertos-que-no-coinciden Dockerfile:2"]
        } else {
            &[]
        };
        assert_eq!(found, expected, "{command} {compose}");
    }
}

#[test]
fn volumes_that_somebody_prepares_are_left_alone() {
    let base = "FROM python:3.11-slim\nWORKDIR /app\n";
    for (steps, compose) in [
        ("RUN mkdir datos && chown 10001 datos\nUSER 10001", ""),
        ("RUN install -d -o 10001 /app/datos\nUSER 10001", ""),
        ("RUN ./prepara.sh\nUSER 10001", ""),
        ("USER 0", ""),
        ("COPY --chown=10001 datos /app/datos\nUSER 10001", ""),
        (
            "USER 10001",
            "\n  prepara:\n    image: busybox:1.36\n    command: chown 10001 /d\n    volumes: [\"datos:/d\"]",
        ),
        ("USER 10001", "\n    user: root"),
    ] {
        let dockerfile = format!("{base}{steps}\nCMD [\"python\"]\n");
        let compose = format!(
            "services:\n  api:\n    build: .\n    volumes: [\"datos:/app/datos\"]{compose}\nvolumes: {{datos: {{}}}}\n"
        );
        let found = found(&[("Dockerfile", &dockerfile), ("compose.yaml", &compose)]);
        assert_eq!(found, NONE, "{steps} {compose}");
    }
}

#[test]
fn a_list_that_a_mount_a_stage_or_a_step_brings_is_not_missed() {
    for steps in [
        "RUN --mount=type=bind,source=requirements.txt,target=requirements.txt pip install -r requirements.txt",
        "COPY --from=uno /app/requirements.txt .\nRUN pip install -r requirements.txt",
        "ADD https://example.com/requirements.txt .\nRUN pip install -r requirements.txt",
        "RUN printf 'fastapi==0.115.0' > requirements.txt\nRUN pip install -r requirements.txt",
        "COPY pyproject.toml .\nRUN poetry export -o requirements.txt && pip install -r requirements.txt",
        "COPY app/requirements.txt /tmp/\nRUN cd /tmp && pip install -r requirements.txt",
        "COPY app .\nRUN pip install -r requirements.txt",
    ] {
        let dockerfile = format!(
            "FROM python:3.11-slim AS uno\nFROM python:3.11-slim\nWORKDIR /app\n{steps}\nCOPY app /x\n"
        );
        let files = [
            ("Dockerfile", dockerfile.as_str()),
            ("pyproject.toml", "[project]\n"),
            ("app/requirements.txt", "fastapi==0.115.0\n"),
        ];
        assert_eq!(found(&files), NONE, "{steps}");
    }
}
