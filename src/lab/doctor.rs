//! Is everything ready, and if not, what to do: the checks behind `muelle doctor`, and what it can mend by itself.

use std::path::Path;
use std::time::Duration;

use serde::Serialize;

use super::apt;
use super::engine::{Engine, EngineError, Linux, Machine, Reach, Say, is_root, program};
use super::images::{self, BaseImage, ImagesError, Prepared};

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Nothing to do.
    Ok,
    /// It will work, but better knows it who uses it.
    Warn,
    /// Exercises cannot be checked until this is mended.
    Fail,
}

/// One thing that was looked at.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What, in two or three words.
    pub name: String,
    /// How it came out.
    pub status: Status,
    /// What was seen.
    pub detail: String,
    /// What to do about it; `None` when there is nothing to do.
    pub fix: Option<String>,
}

impl Check {
    fn ok(name: &str, detail: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            status: Status::Ok,
            detail: detail.into(),
            fix: None,
        }
    }

    fn warn(name: &str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            status: Status::Warn,
            detail: detail.into(),
            fix: Some(fix.into()),
        }
    }

    fn fail(name: &str, detail: impl Into<String>, fix: impl Into<String>) -> Self {
        Self {
            name: name.to_owned(),
            status: Status::Fail,
            detail: detail.into(),
            fix: Some(fix.into()),
        }
    }
}

/// Why [`fix`] could not mend everything; its text is complete, way out included.
#[derive(Debug, thiserror::Error)]
pub enum FixError {
    /// There is no engine, or none that we may use.
    #[error(transparent)]
    Engine(#[from] EngineError),
    /// Some base image cannot be had.
    #[error(transparent)]
    Images(#[from] ImagesError),
    /// Only the user can do the next step.
    #[error("{0}")]
    ByHand(String),
}

/// Looks at everything that checking exercises needs, and changes nothing.
pub async fn examine(images: &[BaseImage]) -> Vec<Check> {
    let found = Engine::find().await;
    let mut checks = vec![engine_check(&found)];
    checks.extend(image_checks(&found, images).await);
    checks.extend(disk_check(&std::env::temp_dir()));
    if cfg!(target_os = "linux") {
        checks.push(rights_check(&found));
        checks.push(dockerd_check(found.is_ok()));
        checks.push(sandbox_check(&Engine::private_obstacles()));
    }
    checks.extend(wsl_check(
        &std::fs::read_to_string("/proc/version").unwrap_or_default(),
    ));
    checks
}

fn engine_check(found: &Result<Engine, EngineError>) -> Check {
    const NAME: &str = "motor de Docker";
    match found {
        Ok(engine) => {
            let facts = engine.facts();
            let reach = match &facts.reach {
                Reach::Direct => "contenedores al alcance por su dirección".to_owned(),
                Reach::Published(host) => {
                    format!("contenedores al alcance por puertos publicados en {host}")
                }
                Reach::Namespace(_) => {
                    "contenedores al alcance dentro de su espacio de red".to_owned()
                }
            };
            Check::ok(
                NAME,
                format!(
                    "{} {} en {} (constructor {}, almacenamiento {}; {reach})",
                    facts.product(),
                    facts.version,
                    engine.endpoint().host,
                    facts.builder,
                    facts.storage_driver
                ),
            )
        }
        Err(EngineError::NoEngine { .. }) if Engine::can_be_private() => Check::warn(
            NAME,
            "no hay ninguno en marcha; muelle arrancará uno propio y privado cada vez que lo necesite",
            format!(
                "Si prefieres uno siempre en marcha: {}",
                Machine::here().start_advice()
            ),
        ),
        Err(error) => {
            let text = error.to_string();
            let (first, rest) = text.split_once('\n').unwrap_or((&text, ""));
            // The way out of the way out would be this very command.
            let rest: Vec<&str> = rest
                .lines()
                .filter(|line| !line.contains("muelle doctor"))
                .collect();
            Check::fail(NAME, first, rest.join("\n"))
        }
    }
}

async fn image_checks(found: &Result<Engine, EngineError>, images: &[BaseImage]) -> Vec<Check> {
    let mut checks = Vec::new();
    for image in images {
        let name = format!("imagen {}", image.reference);
        let Ok(engine) = found else {
            checks.push(Check::warn(
                &name,
                "no se puede mirar sin un motor en marcha",
                "Cuando haya motor: `muelle images prepare`.",
            ));
            continue;
        };
        checks.push(match images::missing(engine, &[&image.reference]).await {
            Err(error) => Check::fail(
                &name,
                error.to_string(),
                "Comprueba primero el motor de Docker.",
            ),
            Ok(missing) if !missing.is_empty() => {
                Check::fail(&name, "falta", "Consíguela con `muelle images prepare`.")
            }
            Ok(_) => match images::standin_label(engine, &image.reference).await {
                Some(made_of) => Check::ok(
                    &name,
                    format!("presente (sustituta hecha con paquetes de {made_of})"),
                ),
                None => Check::ok(&name, "presente"),
            },
        });
    }
    checks
}

/// Below this, checking will fail sooner or later.
const DISK_WARN: u64 = 4 << 30;

/// Below this, it fails soon.
const DISK_FAIL: u64 = 1 << 30;

#[cfg(unix)]
fn disk_check(folder: &Path) -> Option<Check> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    Some(disk_verdict(
        folder,
        disk.f_bavail.saturating_mul(disk.f_frsize),
    ))
}

#[cfg(not(unix))]
fn disk_check(_: &Path) -> Option<Check> {
    None
}

#[cfg_attr(
    not(unix),
    expect(dead_code, reason = "free space is only asked on Unix")
)]
fn disk_verdict(folder: &Path, free: u64) -> Check {
    let tenths = free / ((1 << 30) / 10);
    let detail = format!(
        "{},{} GiB libres en {}",
        tenths / 10,
        tenths % 10,
        folder.display()
    );
    let fix = "Libera espacio: `muelle clean` quita lo que dejó una ejecución interrumpida; `docker system df` dice qué ocupa el resto.";
    match free {
        0..DISK_FAIL => Check::fail("disco", detail, fix),
        DISK_FAIL..DISK_WARN => Check::warn("disco", detail, fix),
        _ => Check::ok("disco", detail),
    }
}

fn rights_check(found: &Result<Engine, EngineError>) -> Check {
    const NAME: &str = "permisos";
    if is_root() {
        return Check::ok(NAME, "eres root");
    }
    match found {
        Ok(_) => Check::ok(NAME, "tu usuario puede hablar con el motor"),
        Err(EngineError::PermissionDenied { .. }) => Check::fail(
            NAME,
            "tu usuario no puede hablar con el motor",
            "`sudo usermod -aG docker \"$USER\"` y abre una sesión nueva (o `newgrp docker` en esta terminal).",
        ),
        Err(_) => Check::ok(NAME, "no eres root; con un motor en marcha no hace falta"),
    }
}

fn dockerd_check(has_engine: bool) -> Check {
    const NAME: &str = "dockerd";
    let lacking = Engine::lacking_for_private();
    match program("dockerd") {
        Some(_) if !has_engine && is_root() && !lacking.is_empty() => Check::fail(
            NAME,
            format!(
                "instalado, pero para un motor privado falta {}",
                lacking.join(", ")
            ),
            format!(
                "`apt-get install {}`, o `muelle doctor --fix`.",
                lacking.join(" ")
            ),
        ),
        Some(path) => Check::ok(NAME, format!("instalado en {}", path.display())),
        None if has_engine => Check::ok(NAME, "no está instalado aquí; el motor en marcha basta"),
        None => Check::fail(NAME, "no está instalado", Machine::here().install_advice()),
    }
}

/// Whether `--sandbox privado` would work; without it, one's own submissions can be checked all the same.
fn sandbox_check(obstacles: &[String]) -> Check {
    const NAME: &str = "sandbox privado";
    if obstacles.is_empty() {
        return Check::ok(NAME, "se puede usar, con entregas ajenas también");
    }
    Check::warn(
        NAME,
        format!("no se puede usar: {}", obstacles.join("; ")),
        "Para tus propias entregas basta el motor compartido; las ajenas, mejor donde esto no falte.",
    )
}

/// WSL 1 has no kernel of its own, and so no containers.
fn wsl_check(version: &str) -> Option<Check> {
    let lower = version.to_ascii_lowercase();
    if !lower.contains("microsoft") {
        return None;
    }
    Some(
        if lower.contains("wsl2") || !version.contains("-Microsoft") {
            Check::ok("WSL", "WSL 2")
        } else {
            Check::fail(
                "WSL",
                "esta distribución usa WSL 1, que no puede ejecutar contenedores",
                "En PowerShell: `wsl --list --verbose` para ver su nombre y `wsl --set-version NOMBRE 2`.",
            )
        },
    )
}

/// How long a freshly started engine may take to answer.
const START_LIMIT: Duration = Duration::from_secs(20);

/// Mends what can be mended without asking: installs the engine (Debian and Ubuntu, as root), starts it, prepares the
/// base images. Says each thing before doing it.
///
/// # Errors
/// What could not be mended, with the exact way out for this machine.
pub async fn fix(
    images: &[BaseImage],
    from: Option<&Path>,
    say: Say<'_>,
) -> Result<Vec<Prepared>, FixError> {
    if let Err(error) = Engine::find().await {
        match &error {
            EngineError::NoEngine { installed, .. }
                if Machine::here() == Machine::Linux && is_root() =>
            {
                if !installed {
                    install(&Engine::lacking_for_private(), say).await?;
                }
                start(say).await?;
                let lacking = Engine::lacking_for_private();
                if !lacking.is_empty() && Engine::find().await.is_err() {
                    install(&lacking, say).await?;
                }
            }
            EngineError::NoEngine {
                installed: false, ..
            } => return Err(FixError::ByHand(by_hand(Machine::here()))),
            _ => return Err(error.into()),
        }
    }
    let engine = Engine::connect_to_prepare(say).await?;
    let prepared = images::prepare(&engine, images, from, say).await;
    engine.stop().await;
    Ok(prepared?)
}

/// What only the user can do where no engine is installed.
fn by_hand(machine: Machine) -> String {
    let mut text = format!(
        "No hay ningún motor de Docker instalado y aquí no puedo instalarlo yo. {}",
        machine.install_advice()
    );
    if machine == Machine::Linux {
        text.push_str(
            "\nDespués, para usarlo sin sudo: `sudo usermod -aG docker \"$USER\"` y una sesión nueva.",
        );
        if Linux::here() == Linux::Debian && !is_root() {
            text.push_str("\nO que lo haga muelle por ti: `sudo muelle doctor --fix`.");
        }
    }
    text.push_str("\nCuando esté en marcha: `muelle images prepare`.");
    text
}

async fn install(packages: &[&str], say: Say<'_>) -> Result<(), FixError> {
    if Linux::here() != Linux::Debian || program("apt-get").is_none() {
        return Err(FixError::ByHand(by_hand(Machine::Linux)));
    }
    say(&format!(
        "Para tener un motor de Docker falta {}; lo instalo con apt-get…",
        packages.join(", ")
    ));
    apt::install(packages, &[])
        .await
        .map_err(|why| FixError::ByHand(format!("No pude instalar {}: {why}", packages.join(", "))))
}

/// Starts the installed engine where systemd can keep it running; elsewhere the private engine takes its place.
async fn start(say: Say<'_>) -> Result<(), FixError> {
    if !Path::new("/run/systemd/system").is_dir() {
        say(
            "Aquí no hay systemd que mantenga un motor en marcha; muelle arrancará uno privado cuando lo necesite.",
        );
        return Ok(());
    }
    say("Arranco el motor con `systemctl start docker`…");
    let status = tokio::process::Command::new("systemctl")
        .args(["start", "docker"])
        .status()
        .await;
    if !status.is_ok_and(|status| status.success()) {
        say(
            "`systemctl start docker` falló (mira `journalctl -u docker`); sigo con un motor privado.",
        );
        return Ok(());
    }
    let ready = async {
        while Engine::find().await.is_err() {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    };
    if tokio::time::timeout(START_LIMIT, ready).await.is_err() {
        say("El motor no responde todavía (mira `journalctl -u docker`); sigo con uno privado.");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn little_disk_warns_and_no_disk_fails() {
        let status = |free| disk_verdict(Path::new("/tmp"), free).status;
        assert_eq!(
            [status(10 << 30), status(2 << 30), status(100 << 20)],
            [Status::Ok, Status::Warn, Status::Fail]
        );
        assert_eq!(
            disk_verdict(Path::new("/tmp"), 5 << 29).detail,
            "2,5 GiB libres en /tmp"
        );
    }

    #[test]
    fn wsl_one_fails_and_wsl_two_does_not() {
        let status = |version| wsl_check(version).map(|check| check.status);
        assert_eq!(
            status("Linux version 4.4.0-19041-Microsoft (x@y)"),
            Some(Status::Fail)
        );
        assert_eq!(
            status("Linux version 5.15.90.1-microsoft-standard-WSL2 (x@y)"),
            Some(Status::Ok)
        );
        assert_eq!(status("Linux version 6.1.0-13-amd64 (x@y)"), None);
    }

    #[test]
    fn a_missing_engine_is_a_failure_whose_fix_does_not_point_back_here() {
        let check = engine_check(&Err(EngineError::PermissionDenied {
            socket: "/run/docker.sock".into(),
        }));
        assert_eq!(check.status, Status::Fail);
        assert_eq!(
            check.fix.as_deref(),
            Some(
                "Entra en el grupo docker con `sudo usermod -aG docker \"$USER\"` y abre una sesión nueva (o, solo en esta terminal, `newgrp docker`)."
            )
        );
    }

    #[test]
    fn what_only_the_user_can_do_is_said_for_each_machine() {
        assert!(by_hand(Machine::Linux).contains("usermod -aG docker"));
        assert!(by_hand(Machine::MacOs).contains("brew install --cask docker"));
        assert!(by_hand(Machine::Windows).contains("wsl --install"));
    }
}
