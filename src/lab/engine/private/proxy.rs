//! The only way out of a private engine: a proxy of ours that leads to an index of packages and nowhere else.
//!
//! It listens inside the engine's network, where nothing else answers, and dials from here, through the proxy of this
//! machine where it has one.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Either, Full};
use hyper::body::Incoming;
use hyper::header::{CONNECTION, HOST, HeaderName, PROXY_AUTHORIZATION};
use hyper::service::service_fn;
use hyper::upgrade::Upgraded;
use hyper::{Method, Request, Response, StatusCode, Uri};
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use super::hello::{self, Hello};
use crate::lab::engine::Reach;

/// The hosts that builds may reach, where `MUELLE_HOSTS` does not name others.
pub const INDEX_HOSTS: [&str; 4] = [
    "pypi.org",
    "files.pythonhosted.org",
    "deb.debian.org",
    "security.debian.org",
];

/// The variable that names others, separated by commas.
const HOSTS_VARIABLE: &str = "MUELLE_HOSTS";

/// The engine's own address in its network, as `inside.sh` gives it to dockerd.
const ADDRESS: [u8; 4] = [172, 17, 0, 1];

/// Connections at once; more wait.
const AT_ONCE: usize = 64;

/// The longest wait for a host, and for a client's first words.
const PATIENCE: Duration = Duration::from_secs(20);

/// The longest life of one connection.
const LIFE: Duration = Duration::from_secs(900);

/// The proxy of one engine; it ends with this value.
#[derive(Debug)]
pub(super) struct Proxy {
    address: SocketAddr,
    task: JoinHandle<()>,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Proxy {
    /// Listens where `reach` leads.
    pub(super) async fn start(reach: &Reach) -> io::Result<Self> {
        let listener = reach.listen(SocketAddr::from((ADDRESS, 0))).await?;
        let address = listener.local_addr()?;
        let exit = Arc::new(Exit {
            hosts: hosts(std::env::var(HOSTS_VARIABLE).ok().as_deref()),
            upstream: Matcher::from_env(),
        });
        let task = tokio::spawn(serve(listener, exit));
        Ok(Self { address, task })
    }

    /// The predefined build arguments: every builder hands them to the steps and keeps them out of image and cache key.
    pub(super) fn build_args(&self) -> Vec<(String, String)> {
        let url = format!("http://{}", self.address);
        let proxies = ["HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy"];
        let direct = ["NO_PROXY", "no_proxy"];
        proxies
            .map(|name| (name.to_owned(), url.clone()))
            .into_iter()
            .chain(direct.map(|name| (name.to_owned(), "localhost,127.0.0.1".to_owned())))
            .collect()
    }
}

/// The hosts that `chosen` names, or the usual ones.
fn hosts(chosen: Option<&str>) -> Vec<String> {
    match chosen {
        None => INDEX_HOSTS.map(str::to_owned).to_vec(),
        Some(names) => names
            .split(',')
            .map(|name| name.trim().to_ascii_lowercase())
            .filter(|name| !name.is_empty())
            .collect(),
    }
}

async fn serve(listener: TcpListener, exit: Arc<Exit>) {
    let turns = Arc::new(Semaphore::new(AT_ONCE));
    // Ends with this future, and the connections with it.
    let mut connections = tokio::task::JoinSet::new();
    loop {
        let Ok(turn) = turns.clone().acquire_owned().await else {
            return;
        };
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let exit = exit.clone();
        connections.spawn(async move {
            let _turn = turn;
            let tunnel = std::sync::Mutex::new(None);
            let service = service_fn(|request| exit.answer(request, &tunnel));
            let served = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(PATIENCE)
                .max_buf_size(64 << 10)
                .serve_connection(TokioIo::new(stream), service)
                .with_upgrades();
            let whole = async {
                // A client that hangs up has had its say.
                let _ = served.await;
                let opened = tunnel.lock().ok().and_then(|mut tunnel| tunnel.take());
                if let Some(tunnel) = opened {
                    let _ = tunnel.carry().await;
                }
            };
            let _ = tokio::time::timeout(LIFE, whole).await;
        });
        while connections.try_join_next().is_some() {}
    }
}

type Body = Either<Incoming, Full<Bytes>>;

/// A tunnel that was granted, to be carried when its answer is out.
struct Tunnel {
    host: String,
    client: hyper::upgrade::OnUpgrade,
    server: TcpStream,
}

/// Where the proxy leads.
struct Exit {
    hosts: Vec<String>,
    upstream: Matcher,
}

impl Exit {
    async fn answer(
        &self,
        mut request: Request<Incoming>,
        tunnel: &std::sync::Mutex<Option<Tunnel>>,
    ) -> Result<Response<Body>, std::convert::Infallible> {
        let client =
            (request.method() == Method::CONNECT).then(|| hyper::upgrade::on(&mut request));
        let uri = request.uri().clone();
        let port = uri.port_u16();
        let allowed = self.allows(uri.host().unwrap_or_default());
        let result = match client {
            _ if !allowed => Err((
                StatusCode::FORBIDDEN,
                "este servidor no está permitido".to_owned(),
            )),
            Some(_) if port != Some(443) => {
                Err((StatusCode::FORBIDDEN, "solo el puerto 443".to_owned()))
            }
            Some(client) => self.tunnel(&uri, client, tunnel).await,
            None if uri.scheme_str() != Some("http") || port.is_some_and(|port| port != 80) => {
                Err((
                    StatusCode::FORBIDDEN,
                    "solo http en el puerto 80".to_owned(),
                ))
            }
            None if ![Method::GET, Method::HEAD].contains(request.method()) => {
                Err((StatusCode::FORBIDDEN, "solo se puede leer".to_owned()))
            }
            None => self.forward(request).await,
        };
        Ok(result.unwrap_or_else(|(status, why)| {
            let text = format!("muelle: {why}\n");
            let mut response = Response::new(Either::Right(Full::new(Bytes::from(text))));
            *response.status_mut() = status;
            response
        }))
    }

    fn allows(&self, host: &str) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        self.hosts.contains(&host)
    }

    async fn tunnel(
        &self,
        uri: &Uri,
        client: hyper::upgrade::OnUpgrade,
        tunnel: &std::sync::Mutex<Option<Tunnel>>,
    ) -> Result<Response<Body>, (StatusCode, String)> {
        let host = uri
            .host()
            .unwrap_or_default()
            .trim_end_matches('.')
            .to_ascii_lowercase();
        let server = within(self.dial_tunnel(&host)).await.map_err(unreachable)?;
        if let Ok(mut place) = tunnel.lock() {
            *place = Some(Tunnel {
                host,
                client,
                server,
            });
        }
        Ok(Response::new(Either::Right(Full::default())))
    }

    async fn dial_tunnel(&self, host: &str) -> io::Result<TcpStream> {
        let target: Uri = format!("https://{host}")
            .parse()
            .map_err(io::Error::other)?;
        let Some(upstream) = self.upstream.intercept(&target) else {
            return TcpStream::connect((host, 443)).await;
        };
        let mut stream = dial_upstream(upstream.uri()).await?;
        let mut order = format!("CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n").into_bytes();
        if let Some(auth) = upstream.basic_auth() {
            order.extend_from_slice(b"Proxy-Authorization: ");
            order.extend_from_slice(auth.as_bytes());
            order.extend_from_slice(b"\r\n");
        }
        order.extend_from_slice(b"\r\n");
        stream.write_all(&order).await?;
        let mut answer = Vec::new();
        while !answer.ends_with(b"\r\n\r\n") {
            if answer.len() > 16 << 10 {
                return Err(io::Error::other(
                    "el proxy de esta máquina no responde como tal",
                ));
            }
            // The tunnel's own bytes begin right behind, and the client speaks first.
            answer.push(stream.read_u8().await?);
        }
        let status = String::from_utf8_lossy(&answer);
        let status = status.lines().next().unwrap_or_default();
        match status.split(' ').nth(1) {
            Some("200") => Ok(stream),
            _ => Err(io::Error::other(format!(
                "el proxy de esta máquina dijo: {status}"
            ))),
        }
    }

    async fn forward(
        &self,
        mut request: Request<Incoming>,
    ) -> Result<Response<Body>, (StatusCode, String)> {
        let uri = request.uri().clone();
        let host = uri.host().unwrap_or_default().to_owned();
        let upstream = self.upstream.intercept(&uri);
        for name in hop_by_hop(&request) {
            request.headers_mut().remove(name);
        }
        // The name in the request is the one that was allowed, whatever the header said.
        let name = hyper::header::HeaderValue::from_str(&host)
            .map_err(|error| unreachable(io::Error::other(error)))?;
        request.headers_mut().insert(HOST, name);
        let stream = match &upstream {
            Some(upstream) => {
                if let Some(auth) = upstream.basic_auth() {
                    request
                        .headers_mut()
                        .insert(PROXY_AUTHORIZATION, auth.clone());
                }
                within(dial_upstream(upstream.uri())).await
            }
            None => {
                let path = uri.path_and_query().map_or("/", |path| path.as_str());
                *request.uri_mut() = path
                    .parse()
                    .map_err(|error| unreachable(io::Error::other(error)))?;
                within(TcpStream::connect((host.as_str(), 80))).await
            }
        }
        .map_err(unreachable)?;
        let failed = |error: hyper::Error| unreachable(io::Error::other(error));
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(failed)?;
        tokio::spawn(async move {
            // Tells nothing that its request does not tell too.
            let _ = tokio::time::timeout(LIFE, connection).await;
        });
        let request = request.map(|body| body.boxed());
        let mut response = sender.send_request(request).await.map_err(failed)?;
        response.headers_mut().remove(CONNECTION);
        Ok(response.map(Either::Left))
    }
}

/// Headers that are between a client and its proxy.
fn hop_by_hop(request: &Request<Incoming>) -> Vec<HeaderName> {
    let named = request.headers().get_all(CONNECTION);
    let named = named.iter().filter_map(|value| value.to_str().ok());
    let mut names: Vec<HeaderName> = named
        .flat_map(|value| value.split(','))
        .filter_map(|name| name.trim().parse().ok())
        .collect();
    names.extend([
        CONNECTION,
        PROXY_AUTHORIZATION,
        HeaderName::from_static("proxy-connection"),
        HeaderName::from_static("keep-alive"),
    ]);
    names
}

async fn dial_upstream(proxy: &Uri) -> io::Result<TcpStream> {
    if proxy.scheme_str() != Some("http") {
        return Err(io::Error::other("el proxy de esta máquina no es http://"));
    }
    let host = proxy.host().unwrap_or_default();
    let host = host.trim_start_matches('[').trim_end_matches(']');
    TcpStream::connect((host, proxy.port_u16().unwrap_or(80))).await
}

async fn within<T>(work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = |_| Err(io::ErrorKind::TimedOut.into());
    tokio::time::timeout(PATIENCE, work)
        .await
        .unwrap_or_else(late)
}

fn unreachable(error: io::Error) -> (StatusCode, String) {
    (StatusCode::BAD_GATEWAY, error.to_string())
}

impl Tunnel {
    /// Carries bytes both ways, if the client greets the host that it asked for.
    async fn carry(mut self) -> io::Result<()> {
        let client: Upgraded =
            within(async { self.client.await.map_err(io::Error::other) }).await?;
        let mut client = TokioIo::new(client);
        let mut greeting = Vec::new();
        let asked = loop {
            match hello::read(&greeting) {
                Hello::Asks(name) => break name,
                Hello::Strange => return Ok(()),
                Hello::Unfinished => {}
            }
            if within(client.read_buf(&mut greeting)).await? == 0 {
                return Ok(());
            }
        };
        if asked != self.host {
            return Ok(());
        }
        self.server.write_all(&greeting).await?;
        tokio::io::copy_bidirectional(&mut client, &mut self.server).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_names_of_the_list_are_allowed() {
        let exit = Exit {
            hosts: hosts(None),
            upstream: Matcher::builder().build(),
        };
        for (host, allowed) in [
            ("pypi.org", true),
            ("PyPI.org.", true),
            ("files.pythonhosted.org", true),
            ("evil-pypi.org", false),
            ("pypi.org.evil.example", false),
            ("sub.pypi.org", false),
            ("127.0.0.1", false),
            ("", false),
        ] {
            assert_eq!(exit.allows(host), allowed, "{host}");
        }
    }

    #[test]
    fn the_variable_names_other_hosts_or_none() {
        assert_eq!(
            hosts(Some(" Espejo.aula, pypi.org,")),
            ["espejo.aula", "pypi.org"]
        );
        assert_eq!(hosts(Some("")), [""; 0]);
    }
}
