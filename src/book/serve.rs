//! The book served to this machine alone.

use std::convert::Infallible;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, X_CONTENT_TYPE_OPTIONS};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;

/// Answers whoever connects to `listener` with the files of `root`, until it is dropped.
///
/// # Errors
/// When nobody can be listened to any more.
pub async fn serve(listener: TcpListener, root: PathBuf) -> std::io::Result<Infallible> {
    let root: Arc<Path> = root.into();
    loop {
        let (stream, _) = listener.accept().await?;
        let root = root.clone();
        tokio::spawn(async move {
            let answer = service_fn(move |request| {
                let root = root.clone();
                async move { Ok::<_, Infallible>(answer(&request, &root).await) }
            });
            // A reader who goes away in the middle is no fault.
            let _ = http1::Builder::new()
                .serve_connection(TokioIo::new(stream), answer)
                .await;
        });
    }
}

async fn answer<B>(request: &Request<B>, root: &Path) -> Response<Full<Bytes>> {
    if request.method() != Method::GET && request.method() != Method::HEAD {
        let mut response = Response::new(Full::new(Bytes::new()));
        *response.status_mut() = StatusCode::METHOD_NOT_ALLOWED;
        response
            .headers_mut()
            .insert(ALLOW, "GET, HEAD".parse().expect("a header"));
        return response;
    }
    let found = match file_of(request.uri().path()) {
        Some(path) => tokio::fs::read(root.join(&path))
            .await
            .ok()
            .map(|bytes| (StatusCode::OK, kind(&path), bytes)),
        None => None,
    };
    let (status, kind, bytes) = match found {
        Some(found) => found,
        None => {
            let page = tokio::fs::read(root.join("404.html")).await;
            (
                StatusCode::NOT_FOUND,
                kind("404.html"),
                page.unwrap_or_default(),
            )
        }
    };
    let mut response = Response::new(Full::new(Bytes::from(bytes)));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, kind),
        (CACHE_CONTROL, "no-cache"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    ] {
        headers.insert(name, value.parse().expect("a header"));
    }
    response
}

/// The file that a request's path names, below the root and nowhere else.
fn file_of(path: &str) -> Option<String> {
    let path = decode(path.trim_start_matches('/'))?;
    let harmless = path
        .split('/')
        .all(|name| !name.starts_with('.') && !name.contains(['\\', ':', '\0']));
    match path.as_str() {
        "" => Some("index.html".to_owned()),
        _ if path.ends_with('/') || !harmless => None,
        _ => Some(path),
    }
}

/// `%C3%B1` as the letter that it stands for.
fn decode(path: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(if byte == b'%' {
            let digits = [rest.next()?, rest.next()?];
            u8::from_str_radix(std::str::from_utf8(&digits).ok()?, 16).ok()?
        } else {
            byte
        });
    }
    String::from_utf8(bytes).ok()
}

fn kind(path: &str) -> &'static str {
    match path.rsplit('.').next().unwrap_or_default() {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "json" => "application/json",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "woff2" => "font/woff2",
        "txt" | "md" => "text/plain; charset=utf-8",
        _ => "application/octet-stream",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_files_below_the_root_are_named() {
        assert_eq!(file_of("/"), Some("index.html".into()));
        assert_eq!(file_of("/css/a.css"), Some("css/a.css".into()));
        assert_eq!(file_of("/se%C3%B1al.html"), Some("señal.html".into()));
        for outside in [
            "/../x",
            "/a/../../x",
            "/%2e%2e/x",
            "/a/%2e%2e%2fx",
            "//etc//passwd/",
            "/.muelle-libro",
            "/C:/x",
            "/a%00",
            "/%zz",
            "/..%5cx",
        ] {
            assert_eq!(file_of(outside), None, "{outside}");
        }
        // Whatever it names stays below the root.
        assert_eq!(file_of("//etc/passwd"), Some("etc/passwd".into()));
    }
}
