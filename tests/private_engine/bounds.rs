//! Memory, processes, processors and disk end where they should, for containers and for the steps of both builders.

use std::time::Instant;

use bollard::models::HostConfig;

use super::bench::{build, builders, engine, python};

const FORK: &str = r#"
import os, time
n = 0
try:
    for _ in range(300):
        if os.fork() == 0:
            time.sleep(30)
            os._exit(0)
        n += 1
except OSError:
    pass
print("forked", n, flush=True)
"#;

const EAT: &str = "x = bytearray(600 << 20); print('eaten')";

const SPIN: &str = r#"
import os, time
kids = []
for _ in range(2):
    pid = os.fork()
    if pid == 0:
        end = time.time() + 2
        while time.time() < end:
            pass
        os._exit(0)
    kids.append(pid)
for pid in kids:
    os.waitpid(pid, 0)
t = os.times()
print("cpu", round((t.children_user + t.children_system) / 2, 2), flush=True)
"#;

const FILL: &str = r#"
try:
    with open("/lleno", "wb") as f:
        for _ in range(3000):
            f.write(b"x" * (1 << 20))
    print("written")
except OSError as error:
    print(error)
import os
os.remove("/lleno")
"#;

fn number(text: &str, word: &str) -> f64 {
    let at = text.split(word).nth(1).unwrap_or_else(|| panic!("{text}"));
    let word = at.split_whitespace().next().unwrap();
    word.trim_end_matches('\\').parse().unwrap()
}

/// The program as a step of a build.
fn step(text: &str) -> String {
    let bytes: Vec<String> = text.bytes().map(|byte| byte.to_string()).collect();
    format!("python -c 'exec(bytes([{}]))'", bytes.join(","))
}

#[tokio::test]
async fn a_container_is_stopped_at_every_bound() {
    let engine = engine().await;
    let run = async |text: &str| python(&engine, text, HostConfig::default()).await.unwrap();
    let (_, text) = run(FORK).await;
    assert!(number(&text, "forked") < 150.0, "{text}");
    let (code, text) = run(EAT).await;
    assert_eq!((code, text.as_str()), (137, ""));
    let (_, text) = run(SPIN).await;
    println!("{text}");
    assert!(number(&text, "cpu") < 0.75, "{text}");
    let (_, text) = run(FILL).await;
    assert!(text.contains("No space left"), "{text}");
    engine.stop().await;
}

#[tokio::test]
async fn a_step_of_a_build_is_stopped_at_every_bound_by_both_builders() {
    let engine = engine().await;
    for version in builders() {
        let name = format!("{version:?}");
        let (_, text) = build(&engine, version, &step(FORK)).await;
        assert!(number(&text, "forked") < 150.0, "{name}: {text}");
        let (ended, text) = build(&engine, version, &step(EAT)).await;
        assert!(!ended && text.contains("137"), "{name}: {text}");
        let (_, text) = build(&engine, version, &step(SPIN)).await;
        assert!(number(&text, "cpu") < 0.75, "{name}: {text}");
        let (_, text) = build(&engine, version, &step(FILL)).await;
        assert!(text.contains("No space left"), "{name}: {text}");
        // It still answers and builds.
        let begun = Instant::now();
        let (ended, text) = build(&engine, version, "true").await;
        assert!(ended, "{name}: {text}");
        println!("{name}: one fresh step afterwards {:?}", begun.elapsed());
    }
    engine.stop().await;
}
