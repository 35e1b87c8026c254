//! Dockerfiles.

use super::*;

#[test]
fn a_right_but_unusual_dockerfile_is_let_through() {
    for text in [
        "FROM python:3.11-slim",
        "FROM docker.io/library/python:3.11-slim",
        "ARG V=3.11\nFROM python:${V}-slim",
        "# syntax=docker/dockerfile:1\nFROM python:3.11-slim",
        "# syntax=docker/dockerfile:1.7-labs\n# check=skip=all\nFROM python:3.11-slim",
        "# syntax = docker.io/docker/dockerfile:1.4\nFROM python:3.11-slim",
        "FROM python:3.11-slim AS a\nFROM scratch\nCOPY --from=a /x /x\nCOPY --from=0 /y /y",
        "FROM python:3.11-slim\nCOPY --from=python:3.11-slim /x /x",
        "FROM python:3.11-slim\nRUN --mount=type=cache,target=/c --mount=type=bind,target=/b --mount=type=tmpfs,target=/t x",
        "FROM python:3.11-slim\nRUN --mount=type=secret,id=s --network=none x",
        "FROM python:3.11-slim\nRUN --network=default --security=sandbox x",
        "FROM python:3.11-slim\nADD datos.tar.gz /d\nADD ./app /app",
        "FROM python:3.11-slim\nARG F=a.tar\nADD $F /d",
        "FROM python:3.11-slim\nADD paquete-$VERSION.tar /d",
        "FROM python:3.11-slim\nONBUILD COPY . /app\nONBUILD RUN x",
        "FROM python:3.11-slim\nENV PATH=/a:$PATH\nENV PATH=/b:$PATH\nEXPOSE 8000 9000-9010/udp",
        "FROM python:3.11-slim\nCOPY <<EOF /x\nhttp://a\nEOF",
        "FROM python:3.11-slim AS a\nCOPY --from=b x y\nFROM a AS b",
    ] {
        // The last one names a stage that comes later: a slip, told when it is built.
        assert_eq!(dockerfile(&format!("{text}\n")), Ok(()), "{text}");
    }
}

#[test]
fn what_the_builder_would_fetch_or_break_out_with_is_refused_at_its_line() {
    for (line, text) in [
        (1, "FROM alpine"),
        (1, "FROM evil.example:5000/python:3.11-slim"),
        (1, "FROM python:3.11-slim@sha256:0123"),
        (2, "ARG V\nFROM $V"),
        (2, "ARG V=alpine\nFROM $V"),
        (2, "FROM python:3.11-slim\nCOPY --from=alpine /x /x"),
        (2, "FROM python:3.11-slim\nCOPY --from=9 /x /x"),
        (
            2,
            "FROM python:3.11-slim\nRUN --mount=type=bind,from=alpine,target=/a x",
        ),
        (
            2,
            "FROM python:3.11-slim\nRUN --mount=from=python:3.11-slim,target=/a,from=alpine x",
        ),
        (1, "# syntax=evil/frontend\nFROM python:3.11-slim"),
        (
            1,
            "# syntax=docker/dockerfile-upstream:master\nFROM python:3.11-slim",
        ),
        (1, "#syntax = evil/frontend:1 \nFROM python:3.11-slim"),
        (
            2,
            "# escape=`\n# SYNTAX=evil/frontend\nFROM python:3.11-slim",
        ),
        (
            2,
            "#!/usr/bin/env x\n# syntax=evil/frontend\nFROM python:3.11-slim",
        ),
        (1, "// syntax=evil/frontend\nFROM python:3.11-slim"),
        (2, "FROM python:3.11-slim\nADD http://127.0.0.1/x /x"),
        (2, "FROM python:3.11-slim\nADD https://a.example/x /x"),
        (2, "FROM python:3.11-slim\nADD HTTP://a.example/x /x"),
        (2, "FROM python:3.11-slim\nADD git@a.example:x.git /x"),
        (2, "FROM python:3.11-slim\nADD yo@a.example:x.git /x"),
        (
            2,
            "FROM python:3.11-slim\nADD https://github.com/x/y.git#main /x",
        ),
        (
            2,
            "FROM python:3.11-slim\nADD [\"a\", \"http://a/x\", \"/x\"]",
        ),
        (3, "FROM python:3.11-slim\nENV P=http\nADD ${P}://a/x /x"),
        (2, "FROM python:3.11-slim\nADD $ALGO /x"),
        (2, "FROM python:3.11-slim\nRUN --network=host x"),
        (2, "FROM python:3.11-slim\nRUN --security=insecure x"),
        (2, "FROM python:3.11-slim\nRUN --mount=type=ssh x"),
        (2, "FROM python:3.11-slim\nRUN --mount=type=SSH x"),
        (
            2,
            "FROM python:3.11-slim\nRUN --device=nvidia.com/gpu=all x",
        ),
        (2, "FROM python:3.11-slim\nONBUILD ADD http://a/x /x"),
        (2, "FROM python:3.11-slim\nONBUILD ADD $X /x"),
        (2, "FROM python:3.11-slim\nONBUILD COPY --from=alpine /x /x"),
        (2, "FROM python:3.11-slim\nONBUILD RUN --network=host x"),
        (
            2,
            "FROM python:3.11-slim\nONBUILD RUN --mount=type=bind,from=alpine,target=/a x",
        ),
    ] {
        let refusal = dockerfile(&format!("{text}\n")).expect_err(text);
        assert_eq!(refusal.location.line, line, "{text}: {refusal:?}");
    }
}

#[test]
fn an_exercise_may_let_add_fetch_some_addresses() {
    let images = ["python:3.11-slim".to_owned()];
    let urls = [
        "https://datos.example/iris/".to_owned(),
        "https://a.example/x".to_owned(),
    ];
    let allowed = Allowance {
        images: &images,
        add_urls: &urls,
        api: "api",
    };
    let verdict = |url: &str| {
        let text = format!("FROM python:3.11-slim\nADD {url} /x\n");
        read("Dockerfile", text.as_bytes(), &BTreeMap::new(), &allowed)
    };
    assert_eq!(verdict("https://datos.example/iris/a.csv"), Ok(()));
    assert_eq!(verdict("https://a.example/x"), Ok(()));
    assert!(verdict("https://a.example/xy").is_err());
    assert!(verdict("http://127.0.0.1/iris/a.csv").is_err());
}
