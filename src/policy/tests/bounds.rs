//! What grows.

use super::*;

#[test]
fn what_grows_is_refused_before_it_has_grown() {
    let doubled = |first: &str, line: &str| {
        let mut text = format!("{first}\n");
        for _ in 0..30 {
            text.push_str(line);
            text.push('\n');
        }
        text
    };
    let from = "FROM python:3.11-slim";
    for text in [
        doubled(&format!("{from}\nENV A=0123456789"), "ENV A=$A$A"),
        doubled(&format!("{from}\nENV A=0123456789"), "ENV A=${A}${A:-$A}"),
        doubled("ARG A=0123456789", "ARG A=$A$A") + from + "\n",
        doubled(&format!("{from}\nARG A=0123456789"), "ARG A=$A$A"),
        doubled(
            &format!("{from}\nENV A=0123456789"),
            "LABEL a=$A\nENV A=\"$A$A\"",
        ),
        doubled(from, "ONBUILD ENV A=$A$A"),
        format!("{from}\n{}", "RUN x\n".repeat(200)),
        format!("{from}\n{}", "ENV A=b\n".repeat(600)),
        format!("{from} AS a\n").repeat(60),
        format!("{from}\nRUN {}\n", "x".repeat(70_000)),
        format!("{from}\nEXPOSE 1-65535\n"),
        format!("{from}\nHEALTHCHECK CMD {}\n", "x".repeat(20_000)),
        format!(
            "{from}\nENV A={}\nCOPY <<EOF /x\n{}\nEOF\n",
            "0".repeat(20_000),
            "$A\n".repeat(60)
        ),
        format!("{from}\nENV A={}a{}\n", "${A:-".repeat(20), "}".repeat(20)),
    ] {
        let begun = std::time::Instant::now();
        assert!(
            dockerfile(&text).is_err(),
            "{}",
            &text[..text.len().min(200)]
        );
        assert!(begun.elapsed().as_secs() < 5);
    }
    // One stage under another counts its layers again.
    let half = "RUN x\n".repeat(60);
    let text = format!("{from} AS a\n{half}FROM a AS b\n{half}");
    assert!(dockerfile(&text).is_err());
    let apart = format!("{from} AS a\n{half}{from} AS b\n{half}");
    assert_eq!(dockerfile(&apart), Ok(()));
}

#[test]
fn a_project_that_asks_for_too_much_is_refused() {
    let many =
        |count: usize, each: &dyn Fn(usize) -> String| (0..count).map(each).collect::<String>();
    for (service, rest) in [
        ("ports: ['1-65535:1-65535']".to_owned(), String::new()),
        ("ports: ['8000-8150:8000-8150']".to_owned(), String::new()),
        ("deploy: {replicas: 1000}".to_owned(), String::new()),
        ("scale: 50".to_owned(), String::new()),
        (
            format!("environment: {{A: {}}}", "x".repeat(70_000)),
            String::new(),
        ),
        (format!("command: {}", "x".repeat(70_000)), String::new()),
        (
            format!("healthcheck: {{test: {}}}", "x".repeat(20_000)),
            String::new(),
        ),
        (
            format!("labels: {{a: {}}}", "x".repeat(70_000)),
            String::new(),
        ),
        (
            format!("tmpfs: [{}]", many(60, &|n| format!("/t{n}, "))),
            String::new(),
        ),
        (
            format!(
                "extra_hosts: [{}]",
                many(200, &|n| format!("'h{n}:10.0.0.1', "))
            ),
            String::new(),
        ),
        (
            "init: true".to_owned(),
            many(60, &|n| format!("  s{n}: {{image: python:3.11-slim}}\n")),
        ),
        (
            "init: true".to_owned(),
            format!("networks:\n{}", many(30, &|n| format!("  n{n}: {{}}\n"))),
        ),
        (
            "init: true".to_owned(),
            format!("volumes:\n{}", many(60, &|n| format!("  v{n}: {{}}\n"))),
        ),
    ] {
        let name = &service[..service.len().min(40)];
        assert!(
            project(&service, &rest).is_err(),
            "{name} {}",
            &rest[..rest.len().min(40)]
        );
    }
}
