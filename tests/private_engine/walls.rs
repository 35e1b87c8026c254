//! What is outside cannot be seen or touched, even by who may ask the engine for anything.

use bollard::models::HostConfig;

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
