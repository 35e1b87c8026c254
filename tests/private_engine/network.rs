//! Nothing leads out but the index of packages, for builds; containers are reached through the engine's network.

use std::time::{Duration, Instant};

use bollard::models::{ContainerCreateBody, HostConfig, PortBinding};
use muelle::lab::engine::{Engine, Reach};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::bench::{IMAGE, build, builders, engine, python};

#[tokio::test]
async fn a_step_of_a_build_installs_from_the_index_and_reaches_nothing_else() {
    let engine = engine().await;
    for version in builders() {
        let name = format!("{version:?}");
        let run = "pip download --no-deps --no-cache-dir -q -d /tmp idna==3.7 && ls /tmp/idna*";
        let (ended, text) = build(&engine, version, run).await;
        assert!(ended && text.contains("idna-3.7"), "{name}: {text}");
        let ask = |url: &str, more: &str| {
            format!(
                "python -c \"import urllib.request as u\ntry: print('open', u.urlopen('{url}', timeout=8, {more}).status)\nexcept Exception as e: print('shut', e)\""
            )
            .replace('\n', "\\n")
        };
        let wrap = |command: String| {
            format!(
                "printf '%b' \"{}\" > /p.sh; sh /p.sh",
                command.replace('"', "\\\"")
            )
        };
        for url in [
            "https://example.com/",
            "http://example.com/",
            "http://pypi.org:8080/",
            "https://1.1.1.1/",
        ] {
            let (_, text) = build(&engine, version, &wrap(ask(url, ""))).await;
            assert!(
                text.contains("shut") && text.contains("403"),
                "{name} {url}: {text}"
            );
        }
        // Without the proxy there is no way at all, not even to the index.
        let direct = "python -c \"import socket; socket.create_connection(('1.1.1.1', 443), 5)\" 2>&1 | tail -1";
        let (_, text) = build(&engine, version, direct).await;
        assert!(text.contains("unreachable"), "{name}: {text}");
    }
    // The arguments are not kept in the image.
    let image = engine.docker().inspect_image("prueba").await.unwrap();
    let kept = format!("{:?}", image.config.unwrap().env);
    assert!(!kept.to_ascii_lowercase().contains("proxy"), "{kept}");
    engine.stop().await;
}

#[tokio::test]
async fn a_tunnel_to_the_index_carries_no_greeting_to_somebody_else() {
    let engine = engine().await;
    let proxy = engine.build_args().remove(0).1;
    let addr = proxy.trim_start_matches("http://").to_owned();
    let text = format!(
        r#"
import socket, ssl
def greet(name):
    s = socket.create_connection(("{}", {}), 10)
    s.sendall(b"CONNECT pypi.org:443 HTTP/1.1\r\nHost: pypi.org:443\r\n\r\n")
    print(s.recv(4096).split(b"\r\n")[0])
    c = ssl.create_default_context(); c.check_hostname = False; c.verify_mode = ssl.CERT_NONE
    try:
        print(name, c.wrap_socket(s, server_hostname=name).version())
    except OSError as error:
        print(name, "shut", type(error).__name__)
greet("pypi.org")
greet("example.com")
"#,
        addr.split(':').next().unwrap(),
        addr.split(':').nth(1).unwrap()
    );
    let (_, text) = python(&engine, &text, HostConfig::default()).await.unwrap();
    assert!(text.contains("pypi.org TLSv1"), "{text}");
    assert!(text.contains("example.com shut"), "{text}");
    engine.stop().await;
}

#[tokio::test]
async fn a_name_that_cannot_be_found_is_told_at_once() {
    let engine = engine().await;
    let text = "import socket, time\nt = time.time()\ntry: socket.getaddrinfo('example.com', 80); print('found')\nexcept OSError as e: print('no', e)\nprint('took', time.time() - t)";
    let (_, text) = python(&engine, text, HostConfig::default()).await.unwrap();
    println!("{text}");
    assert!(text.contains("no "), "{text}");
    engine.stop().await;
}

/// Serves a page from a container that publishes port 8080; asks for it.
async fn serve(engine: &Engine, page: &str) -> String {
    assert!(matches!(engine.facts().reach, Reach::Namespace(_)));
    let docker = engine.docker();
    let command =
        format!("echo {page} > /tmp/index.html; exec python -m http.server 8000 --directory /tmp");
    let body = ContainerCreateBody {
        image: Some(IMAGE.into()),
        cmd: Some(vec!["sh".into(), "-c".into(), command]),
        exposed_ports: Some(vec!["8000/tcp".to_owned()]),
        host_config: Some(HostConfig {
            port_bindings: Some(std::collections::HashMap::from([(
                "8000/tcp".to_owned(),
                Some(vec![PortBinding {
                    host_ip: None,
                    host_port: Some("8080".to_owned()),
                }]),
            )])),
            ..Default::default()
        }),
        ..Default::default()
    };
    let options = None::<bollard::query_parameters::CreateContainerOptions>;
    let id = docker.create_container(options, body).await.unwrap().id;
    docker.start_container(&id, None).await.unwrap();
    let inspected = docker.inspect_container(&id, None).await.unwrap();
    let networks = inspected.network_settings.unwrap().networks.unwrap();
    let ip = networks["bridge"].ip_address.clone().unwrap();
    let own = format!("{ip}:8000").parse().unwrap();
    let begun = Instant::now();
    while engine.connect_tcp(own).await.is_err() {
        assert!(begun.elapsed() < Duration::from_secs(20));
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let begun = Instant::now();
    let published = "172.17.0.1:8080".parse().unwrap();
    let mut stream = engine.connect_tcp(published).await.unwrap();
    println!("one connection takes {:?}", begun.elapsed());
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn two_side_by_side_publish_the_same_port_and_see_nothing_of_each_other() {
    let (one, two) = tokio::join!(engine(), engine());
    let (first, second) = tokio::join!(serve(&one, "uno"), serve(&two, "dos"));
    assert!(
        first.starts_with("HTTP/1.0 200") && first.ends_with("uno\n"),
        "{first}"
    );
    assert!(
        second.starts_with("HTTP/1.0 200") && second.ends_with("dos\n"),
        "{second}"
    );
    let list = async |engine: &Engine| {
        let options = None::<bollard::query_parameters::ListContainersOptions>;
        engine
            .docker()
            .list_containers(options)
            .await
            .unwrap()
            .len()
    };
    assert_eq!((list(&one).await, list(&two).await), (1, 1));
    one.stop().await;
    let again = serve_again(&two).await;
    assert!(again, "the other one lives on");
    two.stop().await;
}

async fn serve_again(engine: &Engine) -> bool {
    engine
        .connect_tcp("172.17.0.1:8080".parse().unwrap())
        .await
        .is_ok()
}
