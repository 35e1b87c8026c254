//! How the checker reaches a container over TCP.

use std::io;
use std::net::{IpAddr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::time::Duration;

use tokio::net::TcpStream;

use super::endpoint::Endpoint;

/// How the checker reaches a container over TCP.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reach {
    /// The addresses of containers can be dialled from here: an engine of this very Linux machine.
    Direct,
    /// Only published ports can be dialled (Docker Desktop, rootless or remote engines), at this host.
    Published(String),
    /// The engine lives in a network namespace of its own: enter this one first, then as [`Reach::Direct`].
    Namespace(PathBuf),
}

/// The longest wait for a TCP connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

impl Reach {
    /// Decides from what is known about the engine. `gateway` is its address on its default bridge.
    pub(super) fn guess(
        endpoint: &Endpoint,
        desktop: bool,
        rootless: bool,
        gateway: Option<IpAddr>,
    ) -> Self {
        if let Some(host) = endpoint.tcp_host() {
            return Self::Published(host.to_owned());
        }
        let local =
            cfg!(target_os = "linux") && endpoint.socket().is_some() && !desktop && !rootless;
        if local && gateway.is_none_or(is_our_address) {
            Self::Direct
        } else {
            Self::Published("127.0.0.1".to_owned())
        }
    }

    /// Whether a container's port must be published for us to reach it.
    #[must_use]
    pub fn needs_published_ports(&self) -> bool {
        matches!(self, Self::Published(_))
    }

    /// Opens a TCP connection to `addr`, from where containers can be reached.
    ///
    /// # Errors
    /// As for any connection; `TimedOut` after five seconds.
    pub async fn connect_tcp(&self, addr: SocketAddr) -> io::Result<TcpStream> {
        match self {
            Self::Direct | Self::Published(_) => {
                tokio::time::timeout(CONNECT_TIMEOUT, TcpStream::connect(addr))
                    .await
                    .unwrap_or_else(|_| Err(io::ErrorKind::TimedOut.into()))
            }
            Self::Namespace(path) => {
                let dial = move || {
                    let stream = std::net::TcpStream::connect_timeout(&addr, CONNECT_TIMEOUT)?;
                    stream.set_nonblocking(true)?;
                    Ok(stream)
                };
                TcpStream::from_std(inside(path.clone(), dial).await?)
            }
        }
    }

    /// Listens at `addr`, where containers can reach it.
    pub(super) async fn listen(&self, addr: SocketAddr) -> io::Result<tokio::net::TcpListener> {
        let listen = move || {
            let listener = TcpListener::bind(addr)?;
            listener.set_nonblocking(true)?;
            Ok(listener)
        };
        tokio::net::TcpListener::from_std(match self {
            Self::Direct | Self::Published(_) => listen()?,
            Self::Namespace(path) => inside(path.clone(), listen).await?,
        })
    }
}

/// Only an address of one of our own interfaces can be bound: so a container of the engine is next door,
/// and not in a virtual machine, in another machine or behind a container that was lent the socket.
fn is_our_address(gateway: IpAddr) -> bool {
    TcpListener::bind((gateway, 0)).is_ok()
}

/// Does something in another network namespace. A thread belongs to one namespace, so a thread of its own goes there
/// and dies there: none of the runtime's threads can be left behind in the wrong one.
#[cfg(target_os = "linux")]
async fn inside<T: Send + 'static>(
    namespace: PathBuf,
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    use std::os::fd::AsFd;

    use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

    let go = move || -> io::Result<T> {
        let file = std::fs::File::open(&namespace)?;
        move_into_link_name_space(file.as_fd(), Some(LinkNameSpaceType::Network))?;
        work()
    };
    let (send, receive) = tokio::sync::oneshot::channel();
    std::thread::Builder::new()
        .name("namespace".to_owned())
        .spawn(move || {
            // The receiver is gone when the caller gave up; there is then no one to tell.
            let _ = send.send(go());
        })?;
    receive.await.map_err(io::Error::other)?
}

#[cfg(not(target_os = "linux"))]
async fn inside<T>(_: PathBuf, _: impl FnOnce() -> io::Result<T>) -> io::Result<T> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lab::engine::endpoint::Origin;

    fn guess(host: &str, desktop: bool, rootless: bool, gateway: &str) -> Reach {
        let endpoint = Endpoint {
            host: host.into(),
            origin: Origin::Default,
        };
        Reach::guess(&endpoint, desktop, rootless, gateway.parse().ok())
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn an_engine_next_door_is_reached_directly() {
        assert_eq!(
            guess("unix:///var/run/docker.sock", false, false, "127.0.0.1"),
            Reach::Direct
        );
        assert_eq!(
            guess("unix:///var/run/docker.sock", false, false, ""),
            Reach::Direct
        );
    }

    #[test]
    fn desktop_rootless_and_foreign_bridges_are_reached_by_published_ports() {
        let here = Reach::Published("127.0.0.1".into());
        assert_eq!(
            guess("unix:///var/run/docker.sock", true, false, "127.0.0.1"),
            here
        );
        assert_eq!(
            guess("unix:///run/user/7/docker.sock", false, true, "127.0.0.1"),
            here
        );
        // An address of the documentation range: never one of ours.
        assert_eq!(
            guess("unix:///var/run/docker.sock", false, false, "192.0.2.1"),
            here
        );
    }

    #[test]
    fn a_remote_engine_is_reached_at_its_own_host() {
        assert_eq!(
            guess("tcp://aula:2375", false, false, "127.0.0.1"),
            Reach::Published("aula".into())
        );
    }

    #[tokio::test]
    async fn a_direct_connection_reaches_a_listener() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let stream = Reach::Direct
            .connect_tcp(listener.local_addr().unwrap())
            .await
            .unwrap();
        assert_eq!(stream.peer_addr().unwrap(), listener.local_addr().unwrap());
    }
}
