//! The stand-in for `python:3.11-slim`, for real: the idioms that the lessons teach, built and run.
//! Needs a running engine and a way out to packages from inside a build; fails, and never skips, without them.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    reason = "the helpers of tests stop the test, as the tests do"
)]

use bollard::body_full;
use bollard::models::ContainerCreateBody;
use bollard::query_parameters::{
    BuildImageOptionsBuilder, CreateContainerOptions, LogsOptions, RemoveContainerOptions,
    RemoveImageOptionsBuilder, WaitContainerOptions,
};
use futures_util::StreamExt;
use muelle::lab::engine::Engine;
use muelle::lab::images::{self, BaseImage};

const IMAGE: &str = "python:3.11-slim";

async fn engine() -> Engine {
    let engine = Engine::connect(&|_| {})
        .await
        .expect("these tests need a running engine");
    images::prepare(&engine, &[BaseImage::new(IMAGE)], None, &|line| {
        println!("{line}")
    })
    .await
    .unwrap();
    engine
}

/// Builds a Dockerfile with the classic builder, which every engine has, and removes what it made.
async fn build(engine: &Engine, name: &str, dockerfile: &str) -> Result<String, String> {
    let mut context = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_size(dockerfile.len() as u64);
    header.set_mode(0o644);
    context
        .append_data(&mut header, "Dockerfile", dockerfile.as_bytes())
        .unwrap();
    let body = body_full(context.into_inner().unwrap().into());
    let options = BuildImageOptionsBuilder::new()
        .t(name)
        .rm(true)
        .forcerm(true)
        .build();
    let mut log = String::new();
    let mut progress = engine.docker().build_image(options, None, Some(body));
    while let Some(step) = progress.next().await {
        match step {
            Ok(info) => log.push_str(&info.stream.unwrap_or_default()),
            Err(error) => return Err(format!("{log}\n{error}")),
        }
    }
    Ok(log)
}

/// Runs a command in a fresh container; its output and its exit code.
async fn run(engine: &Engine, image: &str, user: &str, command: &str) -> (String, i64) {
    let docker = engine.docker();
    let body = ContainerCreateBody {
        image: Some(image.into()),
        user: Some(user.into()),
        cmd: Some(vec!["bash".into(), "-c".into(), command.into()]),
        ..Default::default()
    };
    let id = docker
        .create_container(None::<CreateContainerOptions>, body)
        .await
        .unwrap()
        .id;
    docker.start_container(&id, None).await.unwrap();
    let code = match docker
        .wait_container(&id, None::<WaitContainerOptions>)
        .next()
        .await
        .unwrap()
    {
        Ok(end) => end.status_code,
        Err(bollard::errors::Error::DockerContainerWaitError { code, .. }) => code,
        Err(error) => panic!("{error}"),
    };
    let options = LogsOptions {
        stdout: true,
        stderr: true,
        ..Default::default()
    };
    let mut text = String::new();
    let mut pieces = docker.logs(&id, Some(options));
    while let Some(piece) = pieces.next().await {
        text.push_str(&piece.unwrap().to_string());
    }
    docker
        .remove_container(
            &id,
            Some(RemoveContainerOptions {
                force: true,
                ..Default::default()
            }),
        )
        .await
        .unwrap();
    (text, code)
}

/// One that is already gone is no concern.
async fn remove(engine: &Engine, image: &str) {
    let _ = engine
        .docker()
        .remove_image(
            image,
            Some(RemoveImageOptionsBuilder::new().force(true).build()),
            None,
        )
        .await;
}

#[tokio::test]
async fn the_image_is_configured_as_the_official_one() {
    let engine = engine().await;
    let config = engine
        .docker()
        .inspect_image(IMAGE)
        .await
        .unwrap()
        .config
        .unwrap();
    let env = config.env.unwrap();
    assert!(
        env.iter()
            .any(|pair| pair.starts_with("PATH=/usr/local/bin:/usr/local/sbin:")),
        "{env:?}"
    );
    assert!(
        env.iter()
            .any(|pair| pair.starts_with("PYTHON_VERSION=3.11.")),
        "{env:?}"
    );
    assert_eq!(config.cmd, Some(vec!["python3".to_owned()]));
    let (text, code) = run(
        &engine,
        IMAGE,
        "",
        "pwd; command -v python python3 pip pip3; for absent in curl wget ps gcc; do command -v $absent && echo sobra; done; \
         find /var/lib/apt/lists /var/cache/apt -type f -size +0; python -c 'import ssl, sqlite3, lzma, sys; print(sys.prefix, sys.version_info[:2])'",
    )
    .await;
    assert_eq!(
        text,
        "/\n/usr/local/bin/python\n/usr/local/bin/python3\n/usr/local/bin/pip\n/usr/local/bin/pip3\n/usr/local (3, 11)\n"
    );
    assert_eq!(code, 0);
}

#[tokio::test]
async fn packages_are_found_again_after_every_way_of_copying_them_from_a_stage() {
    let engine = engine().await;
    // A name of our own for the first stage too, so that it can be removed.
    let (stage, name) = ("muelle-test-idioms-stage", "muelle-test-idioms");
    let first = format!(
        "FROM {IMAGE}\n\
         RUN apt-get update && apt-get install -y --no-install-recommends curl && curl --version && rm -rf /var/lib/apt/lists/*\n\
         RUN pip install --no-cache-dir idna && pip install --no-cache-dir --prefix=/install six itsdangerous \
         && pip install --no-cache-dir --user packaging && python -m venv /opt/venv && /opt/venv/bin/pip install --no-cache-dir click \
         && pip install --no-cache-dir --target=/deps toml && pip install --no-cache-dir --prefix=/install wheel\n"
    );
    let second = format!(
        "FROM {stage} AS builder\n\
         FROM {IMAGE}\n\
         COPY --from=builder /usr/local/lib/python3.11/site-packages /usr/local/lib/python3.11/site-packages\n\
         COPY --from=builder /install /usr/local\n\
         COPY --from=builder /opt/venv /opt/venv\n\
         COPY --from=builder /deps /deps\n\
         RUN groupadd -r grupo && useradd -r -m -g grupo app && adduser --disabled-password --gecos '' otra\n\
         COPY --from=builder /root/.local /root/.local\n\
         COPY --from=builder --chown=app:grupo /root/.local /home/app/.local\n"
    );
    let built = match build(&engine, stage, &first).await {
        Ok(_) => build(&engine, name, &second).await,
        Err(log) => Err(log),
    };
    let mut seen = Vec::new();
    if built.is_ok() {
        for (user, command) in [
            (
                "",
                "python -c 'import idna, six, itsdangerous, packaging' && wheel version && ! command -v curl",
            ),
            (
                "app",
                "python -c 'import idna, six, packaging; print(packaging.__file__)' && pip install --no-index nada 2>&1 | grep -c externally-managed",
            ),
            (
                "app",
                "/opt/venv/bin/python -c 'import click' && PATH=/opt/venv/bin:$PATH python -c 'import click, sys; print(sys.prefix)'",
            ),
            (
                "app",
                "PYTHONPATH=/deps python -c 'import toml; print(toml.__file__)'",
            ),
        ] {
            seen.push(run(&engine, name, user, command).await);
        }
    }
    remove(&engine, name).await;
    remove(&engine, stage).await;
    built.unwrap_or_else(|log| panic!("{log}"));
    assert_eq!(seen[0].1, 0, "{}", seen[0].0);
    assert_eq!(
        seen[1].0,
        "/home/app/.local/lib/python3.11/site-packages/packaging/__init__.py\n0\n"
    );
    assert_eq!(seen[2], ("/opt/venv\n".to_owned(), 0));
    assert_eq!(seen[3], ("/deps/toml/__init__.py\n".to_owned(), 0));
}
