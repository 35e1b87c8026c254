//! What is outside cannot be seen or touched, even by who may ask the engine for anything.

use bollard::models::HostConfig;
use muelle::lab::engine::{Bounds, Engine};

use super::bench::{build, builders, engine, python};

/// Looks for a word in every file of a few places.
fn search(word: &str) -> String {
    format!(
        r#"
import os
for place in ("/h/tmp", "/h/etc", "/h/var", "/h/root", "/h/home", "/h/proc/1/root", "/h/run", "/d"):
    for folder, _, names in os.walk(place):
        for name in names:
            path = os.path.join(folder, name)
            try:
                if os.path.getsize(path) < 4096 and "{word}" in open(path, errors="replace").read():
                    print("FOUND", path)
            except OSError:
                pass
print(sorted(os.listdir("/h")))
"#
    )
}

fn binding(source: &str) -> HostConfig {
    HostConfig {
        binds: Some(vec![format!("{source}:/h")]),
        ..Default::default()
    }
}

#[tokio::test]
async fn a_container_that_mounts_everything_sees_no_file_of_the_host() {
    let word = muelle::lab::token(20);
    let canary = tempfile::Builder::new().tempfile_in("/tmp").unwrap();
    std::fs::write(canary.path(), &word).unwrap();
    let engine = engine().await;
    let (code, text) = python(&engine, &search(&word), binding("/")).await.unwrap();
    assert_eq!(code, 0, "{text}");
    assert!(!text.contains("FOUND"), "{text}");
    assert!(text.contains("'usr'") && !text.contains("'home'"), "{text}");
    // The very file by its name: the engine makes an empty folder of that name in its own tree, or refuses.
    let bind = format!("{}:/h", canary.path().display());
    let host = HostConfig {
        binds: Some(vec![bind]),
        ..Default::default()
    };
    let seen = python(&engine, "print(open('/h').read())", host).await;
    assert!(!format!("{seen:?}").contains(&word), "{seen:?}");
    // The search finds what is there to be found.
    let shared = engine.shared_folder().unwrap();
    std::fs::write(shared.join("canary"), &word).unwrap();
    let (_, text) = python(&engine, &search(&word), binding("/")).await.unwrap();
    assert!(text.contains("FOUND"), "{text}");
    engine.stop().await;
}

#[tokio::test]
async fn nobody_gets_the_rights_of_root_whatever_is_asked_of_the_engine() {
    let engine = engine().await;
    let who = "print(open('/proc/self/uid_map').read().split())";
    let (code, text) = python(&engine, who, HostConfig::default()).await.unwrap();
    assert_eq!(
        (code, text.contains("'1879048192', '65536'")),
        (0, true),
        "{text}"
    );
    let asked = [
        (
            "privileged",
            HostConfig {
                privileged: Some(true),
                ..Default::default()
            },
        ),
        (
            "privileged, users of the host",
            HostConfig {
                privileged: Some(true),
                userns_mode: Some("host".into()),
                ..Default::default()
            },
        ),
        (
            "users of the host",
            HostConfig {
                userns_mode: Some("host".into()),
                ..binding("/")
            },
        ),
        (
            "pid: host",
            HostConfig {
                pid_mode: Some("host".into()),
                ..Default::default()
            },
        ),
        (
            "network: host",
            HostConfig {
                network_mode: Some("host".into()),
                ..Default::default()
            },
        ),
    ];
    for (name, host) in asked {
        let answer = python(&engine, "print('inside')", host).await;
        println!("{name}: {answer:?}");
        assert!(
            !format!("{answer:?}").contains("inside\\n"),
            "{name}: {answer:?}"
        );
        assert!(!matches!(answer, Ok((0, _))), "{name}: {answer:?}");
    }
    engine.stop().await;
}

#[tokio::test]
async fn the_steps_of_both_builders_run_as_nobody_too() {
    let engine = engine().await;
    for version in builders() {
        let (ended, text) = build(&engine, version, "echo mapa $(cat /proc/self/uid_map)").await;
        assert!(ended && text.contains("mapa 0 1879048192 65536"), "{text}");
    }
    engine.stop().await;
}

#[tokio::test]
async fn what_is_copied_and_unpacked_belongs_to_whom_it_should() {
    let mut archive = tar::Builder::new(Vec::new());
    let mut header = tar::Header::new_gnu();
    header.set_uid(1000);
    header.set_gid(1000);
    header.set_mode(0o644);
    header.set_size(4);
    archive
        .append_data(&mut header, "dentro", &b"algo"[..])
        .unwrap();
    let mut context = muelle::submission::Snapshot::default();
    context.insert("fuera", "algo", false);
    context.insert("paquete.tar", archive.into_inner().unwrap(), false);
    let copied = "COPY fuera /fuera\nRUN chmod 600 /fuera && test $(stat -c %u /fuera) = 0\n";
    let added = "ADD paquete.tar /\nRUN test $(stat -c %u /dentro) = 1000\n";
    engine().await.stop().await;
    // A lab's containers ask for more processor than the small bounds of the other tests have.
    let engine = Engine::connect_private(Bounds::default(), &|_| {}).await;
    let engine = std::sync::Arc::new(engine.unwrap());
    let lab = muelle::lab::Lab::open(engine.clone()).unwrap();
    lab.moor(&[super::bench::IMAGE.to_owned()]).await.unwrap();
    for (name, steps, unpacks) in [("copiado", copied, false), ("abierto", added, true)] {
        let dockerfile = format!("FROM {}\n{steps}", super::bench::IMAGE);
        let recipe = muelle::lab::build::Recipe {
            context: context.clone(),
            path: "Dockerfile".into(),
            dockerfile: dockerfile.into(),
            froms: vec![1],
            unpacks,
            ..Default::default()
        };
        let built = lab.build(name, &recipe).await.unwrap();
        let images = [super::bench::IMAGE.to_owned()];
        let layers = lab.layers(&built.image, &images).await.unwrap();
        let file = if unpacks { "dentro" } else { "fuera" };
        let found = layers.files().any(|(_, one)| one.path.contains(file));
        assert!(found, "{name}: {layers:?}");
    }
    lab.close(false).await.unwrap();
    drop(lab);
    std::sync::Arc::into_inner(engine).unwrap().stop().await;
}
