//! HTTP to the student's app, over whatever way leads to it.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;

use super::engine::Engine;

/// Longest answer that is read, bytes.
const BODY_LIMIT: usize = 1 << 20;

/// One answer.
#[derive(Clone, Debug)]
pub struct Reply {
    /// Status code.
    pub status: u16,
    /// Body, at most 1 MiB.
    pub body: Bytes,
}

impl Reply {
    /// The body as JSON; `null` when it is none.
    pub fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// One request to be made.
#[derive(Clone, Debug)]
pub struct Request<'a> {
    method: &'a str,
    path: &'a str,
    headers: Vec<(&'a str, &'a str)>,
    body: Bytes,
    timeout: Duration,
}

impl<'a> Request<'a> {
    /// A GET of `path`, answered within 3 s.
    pub fn get(path: &'a str) -> Self {
        Self {
            method: "GET",
            path,
            headers: Vec::new(),
            body: Bytes::new(),
            timeout: Duration::from_secs(3),
        }
    }

    /// A POST of `body` to `path`, answered within 3 s.
    pub fn post(path: &'a str, body: impl Into<Bytes>) -> Self {
        Self {
            method: "POST",
            body: body.into(),
            ..Self::get(path)
        }
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &'a str, value: &'a str) -> Self {
        self.headers.push((name, value));
        self
    }

    /// Gives the answer more or less time than the usual 3 s.
    #[must_use]
    pub fn within(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sends it to `addr` and reads the answer.
    ///
    /// # Errors
    /// When nothing listens, the answer is not HTTP, too long, or late. The text says which.
    pub async fn send(&self, engine: &Engine, addr: SocketAddr) -> anyhow::Result<Reply> {
        tokio::time::timeout(self.timeout, self.exchange(engine, addr))
            .await
            .map_err(|_| anyhow::anyhow!("sin respuesta en {} s", self.timeout.as_secs()))?
    }

    async fn exchange(&self, engine: &Engine, addr: SocketAddr) -> anyhow::Result<Reply> {
        let stream = engine.connect_tcp(addr).await?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
        let connection = tokio::spawn(connection);
        let mut request = hyper::Request::builder()
            .method(self.method)
            .uri(self.path)
            .header(hyper::header::HOST, addr.to_string())
            .header(hyper::header::CONNECTION, "close");
        for (name, value) in &self.headers {
            request = request.header(*name, *value);
        }
        let reply = sender
            .send_request(request.body(Full::new(self.body.clone()))?)
            .await?;
        let status = reply.status().as_u16();
        let body = Limited::new(reply.into_body(), BODY_LIMIT)
            .collect()
            .await
            .map_err(|error| anyhow::anyhow!(error))?
            .to_bytes();
        connection.abort();
        Ok(Reply { status, body })
    }
}
