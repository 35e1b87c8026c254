//! What lives on the host beside hostile submissions, and must be as it was afterwards.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bollard::Docker;
use bollard::models::{ContainerCreateBody, NetworkCreateRequest, VolumeCreateRequest};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, InspectContainerOptions, InspectNetworkOptions,
    RemoveContainerOptionsBuilder, RemoveImageOptions, RemoveVolumeOptions, StartContainerOptions,
    TagImageOptionsBuilder,
};

/// Where hostile submissions knock; cases name it.
const PORT: u16 = 47653;
/// What they say there.
const KNOCK: &str = "muelle-hostil";
const SAYS: &[u8] = b"canario vivo";
const IMAGE: &str = "python:3.11-slim";

/// A file, a port, a container, an image, a volume and a network.
pub struct Canary {
    folder: tempfile::TempDir,
    name: String,
    knocks: Arc<Mutex<Vec<String>>>,
    over: Arc<AtomicBool>,
    container: String,
    started: String,
}

impl Canary {
    /// Sets it out.
    pub async fn sing(docker: &Docker) -> Self {
        let name = format!("muelle-canario-{}", std::process::id());
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("canario.txt"), SAYS).expect("a file");
        let knocks = Arc::new(Mutex::new(Vec::new()));
        let over = Arc::new(AtomicBool::new(false));
        // On all addresses, so that it can be found from a container.
        let listener = TcpListener::bind(("0.0.0.0", PORT)).expect("the canary's port");
        let (heard, ended) = (knocks.clone(), over.clone());
        std::thread::spawn(move || {
            for peer in listener.incoming() {
                if ended.load(Ordering::Relaxed) {
                    break;
                }
                let Ok(mut peer) = peer else { continue };
                let _ = peer.set_read_timeout(Some(Duration::from_secs(2)));
                let _ = peer.write_all(SAYS);
                let mut text = [0; 64];
                let read = peer.read(&mut text).unwrap_or_default();
                let text = String::from_utf8_lossy(&text[..read]).into_owned();
                if let Ok(mut heard) = heard.lock() {
                    heard.push(text);
                }
            }
        });
        let tag = TagImageOptionsBuilder::default()
            .repo(&name)
            .tag("uno")
            .build();
        docker.tag_image(IMAGE, Some(tag)).await.expect("an image");
        docker
            .create_volume(VolumeCreateRequest {
                name: Some(name.clone()),
                ..VolumeCreateRequest::default()
            })
            .await
            .expect("a volume");
        docker
            .create_network(NetworkCreateRequest {
                name: name.clone(),
                ..NetworkCreateRequest::default()
            })
            .await
            .expect("a network");
        let options = CreateContainerOptionsBuilder::default().name(&name).build();
        let body = ContainerCreateBody {
            image: Some(format!("{name}:uno")),
            cmd: Some(vec!["sleep".into(), "86400".into()]),
            ..ContainerCreateBody::default()
        };
        let container = docker
            .create_container(Some(options), body)
            .await
            .expect("a container")
            .id;
        docker
            .start_container(&container, None::<StartContainerOptions>)
            .await
            .expect("it starts");
        let started = Self::state(docker, &container).await;
        Self {
            folder,
            name,
            knocks,
            over,
            container,
            started,
        }
    }

    /// Since when it runs, as which process, and how often it was started.
    async fn state(docker: &Docker, container: &str) -> String {
        match docker
            .inspect_container(container, None::<InspectContainerOptions>)
            .await
        {
            Ok(seen) => {
                let state = seen.state.unwrap_or_default();
                format!(
                    "{:?} {:?} {:?} {:?}",
                    state.running, state.pid, state.started_at, seen.restart_count
                )
            }
            Err(error) => error.to_string(),
        }
    }

    /// What is not as it was; takes it in. An engine that shares the host's network (not `walled`) has bridges that
    /// reach the host's own addresses: that is told, and is no hurt.
    pub async fn look(self, docker: &Docker, walled: bool) -> Vec<String> {
        let mut hurt = Vec::new();
        let file = std::fs::read(self.folder.path().join("canario.txt"));
        if file.as_deref().ok() != Some(SAYS)
            || std::fs::read_dir(self.folder.path()).map_or(0, Iterator::count) != 1
        {
            hurt.push("the file".to_owned());
        }
        let knocks = self
            .knocks
            .lock()
            .map(|knocks| knocks.clone())
            .unwrap_or_default();
        let reached = knocks.iter().filter(|knock| knock.contains(KNOCK)).count();
        if reached > 0 && !walled {
            eprintln!(
                "the port was reached {reached} times, as on every engine that shares the host's network"
            );
        } else if reached > 0 {
            hurt.push(format!("the port was reached {reached} times"));
        }
        let mut answer = Vec::new();
        let asked = TcpStream::connect(("127.0.0.1", PORT)).and_then(|mut peer| {
            peer.write_all(b"soy yo")?;
            peer.set_read_timeout(Some(Duration::from_secs(5)))?;
            peer.read_to_end(&mut answer)
        });
        if asked.is_err() || answer != SAYS {
            hurt.push(format!("the port: {asked:?}"));
        }
        let state = Self::state(docker, &self.container).await;
        if state != self.started {
            hurt.push(format!("the container: {} was {}", state, self.started));
        }
        if let Err(error) = docker.inspect_image(&format!("{}:uno", self.name)).await {
            hurt.push(format!("the image: {error}"));
        }
        if let Err(error) = docker.inspect_volume(&self.name).await {
            hurt.push(format!("the volume: {error}"));
        }
        if let Err(error) = docker
            .inspect_network(&self.name, None::<InspectNetworkOptions>)
            .await
        {
            hurt.push(format!("the network: {error}"));
        }
        self.over.store(true, Ordering::Relaxed);
        let _ = TcpStream::connect(("127.0.0.1", PORT));
        let force = RemoveContainerOptionsBuilder::default().force(true).build();
        let _ = docker.remove_container(&self.container, Some(force)).await;
        let _ = docker
            .remove_image(
                &format!("{}:uno", self.name),
                None::<RemoveImageOptions>,
                None,
            )
            .await;
        let _ = docker
            .remove_volume(&self.name, None::<RemoveVolumeOptions>)
            .await;
        let _ = docker.remove_network(&self.name).await;
        hurt
    }
}
