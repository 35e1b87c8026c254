//! One service, one port: what its command, its image, its compose file and its health check say of it.

use super::compose_build::{Built, built, kept};
use super::probe_program;
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::compose::{self, Service};
use crate::submission::dockerfile::{Dockerfile, Form, Instruction, Kind};
use crate::submission::location::Location;
use crate::submission::reading::ImageBuild;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "El puerto y el chequeo de salud",
    rules: &RULES,
};

static RULES: [Rule; 3] = [
    Rule {
        id: "puertos-que-no-coinciden",
        title: "la app escucha en un puerto y otra línea dice otro",
        level: Level::Warning,
        why: "La orden, `EXPOSE`, los puertos de Compose y el chequeo de salud hablan del mismo puerto, el de dentro del contenedor. Si uno dice otro, nadie contesta ahí.",
        fix: "pon en todos el puerto en el que la app escucha",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build: .\n    ports: [\"127.0.0.1:8080:8080\"]\n",
            ),
            (
                "Dockerfile",
                "FROM python:3.11-slim\nRUN pip install --no-cache-dir uvicorn==0.30.0\nEXPOSE 8080\nHEALTHCHECK CMD [\"python\", \"-c\", \"import urllib.request as u; u.urlopen('http://127.0.0.1:5000/health')\"]\nCMD [\"uvicorn\", \"main:app\", \"--host\", \"0.0.0.0\", \"--port\", \"8000\"]\n",
            ),
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build: .\n    ports: [\"127.0.0.1:8080:8000\"]\n",
            ),
            (
                "Dockerfile",
                "FROM python:3.11-slim\nRUN pip install --no-cache-dir uvicorn==0.30.0\nEXPOSE 8000\nHEALTHCHECK CMD [\"python\", \"-c\", \"import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health')\"]\nCMD [\"uvicorn\", \"main:app\", \"--host\", \"0.0.0.0\", \"--port\", \"8000\"]\n",
            ),
        ],
        check: ports,
    },
    Rule {
        id: "chequeo-de-otro-sitio",
        title: "el chequeo de salud pregunta a otra máquina",
        level: Level::Warning,
        why: "Un chequeo dice si este contenedor está sano. Si pregunta a otro, sale sano con la app caída, o enfermo por culpa del otro.",
        fix: "pregunta a `127.0.0.1`, en el puerto de esta app",
        lesson: "02-dockerfile.html#health-check",
        equivalents: &[],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build: .\n    healthcheck:\n      test: [\"CMD\", \"python\", \"-c\", \"import urllib.request as u; u.urlopen('http://modelo:8000/health')\"]\n  modelo:\n    build: .\n",
            ),
            (
                "Dockerfile",
                "FROM python:3.11-slim\nCMD [\"python\", \"-m\", \"http.server\"]\n",
            ),
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build: .\n    healthcheck:\n      test: [\"CMD\", \"python\", \"-c\", \"import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health')\"]\n  modelo:\n    build: .\n",
            ),
            (
                "Dockerfile",
                "FROM python:3.11-slim\nCMD [\"python\", \"-m\", \"http.server\"]\n",
            ),
        ],
        check: elsewhere,
    },
    Rule {
        id: "chequeo-sin-programa-en-la-imagen",
        title: "el chequeo de Compose usa un programa que la imagen construida no tiene",
        level: Level::Error,
        why: "El chequeo se ejecuta dentro del contenedor: si el programa no está, falla siempre, y el servicio queda `unhealthy` aunque la app conteste.",
        fix: "usa un programa que la imagen tenga, o instálalo en la última etapa del Dockerfile",
        lesson: "02-dockerfile.html#health-check",
        equivalents: &[],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build: .\n    healthcheck:\n      test: [\"CMD\", \"curl\", \"-f\", \"http://127.0.0.1:8000/\"]\n",
            ),
            (
                "Dockerfile",
                "FROM python:3.11-slim\nUSER 10001\nCMD [\"python\", \"-m\", \"http.server\"]\n",
            ),
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build: .\n    healthcheck:\n      test: [\"CMD\", \"curl\", \"-f\", \"http://127.0.0.1:8000/\"]\n",
            ),
            (
                "Dockerfile",
                "FROM python:3.11-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*\nUSER 10001\nCMD [\"python\", \"-m\", \"http.server\"]\n",
            ),
        ],
        check: probe_program::check,
    },
];

/// A port, and where it is written.
#[derive(Clone, Debug)]
struct Written {
    port: u16,
    location: Location,
}

/// One container: what starts it, with what is asked of it.
struct Container<'r> {
    dockerfile: &'r Dockerfile,
    kept: Vec<&'r Instruction>,
    service: Option<&'r Service>,
    /// The compose project it is one of.
    names: Vec<&'r str>,
}

fn containers(reading: &Reading) -> Vec<Container<'_>> {
    let mut containers: Vec<Container<'_>> =
        built(reading).iter().map(Container::of_service).collect();
    for build in reading
        .builds
        .iter()
        .filter(|build| build.service.is_none())
    {
        containers.push(Container::alone(reading, build));
    }
    containers
}

impl<'r> Container<'r> {
    fn of_service(built: &Built<'r>) -> Self {
        Self {
            dockerfile: built.dockerfile,
            kept: built.kept(),
            service: Some(built.service),
            names: built
                .loaded
                .project
                .services
                .keys()
                .map(String::as_str)
                .collect(),
        }
    }

    fn alone(reading: &'r Reading, build: &ImageBuild) -> Self {
        let dockerfile = &reading.dockerfiles[build.dockerfile];
        Self {
            dockerfile,
            kept: kept(dockerfile, build),
            service: None,
            names: Vec::new(),
        }
    }

    fn last(&self, keyword: &str) -> Option<&'r Instruction> {
        self.kept.iter().rfind(|one| one.is(keyword)).copied()
    }

    /// The words of what is started, each with its place; nothing when they cannot be known.
    fn command(&self) -> Option<Vec<(String, Location)>> {
        let of_image = |instruction: Option<&Instruction>| -> Option<Vec<(String, Location)>> {
            let Some(instruction) = instruction else {
                return Some(Vec::new());
            };
            let command = instruction.command()?;
            match &command.form {
                Form::Exec(words) => words
                    .iter()
                    .map(|word| Some((word.value.clone()?, self.dockerfile.location(word.span))))
                    .collect(),
                Form::Shell(text) => {
                    let simple = !text
                        .text
                        .contains([';', '|', '&', '<', '>', '(', '`', '\n']);
                    simple.then(|| {
                        let words = text.text.split_whitespace();
                        let at = self.dockerfile.location(command.span);
                        words
                            .map(|word| (word.trim_matches(['"', '\'']).to_owned(), at.clone()))
                            .collect()
                    })
                }
            }
        };
        let of_compose = |command: &compose::Command| {
            let words = command.words.iter();
            words
                .map(|word| (word.clone(), command.location.clone()))
                .collect::<Vec<_>>()
        };
        let written = |command: &Option<compose::Command>| {
            command
                .as_ref()
                .filter(|command| command.form != compose::CommandForm::Null)
                .map(of_compose)
        };
        let entrypoint = match self
            .service
            .and_then(|service| written(&service.entrypoint))
        {
            Some(words) => {
                return Some([words, written(&self.service?.command).unwrap_or_default()].concat());
            }
            None => self.last("ENTRYPOINT"),
        };
        let mut words = of_image(entrypoint)?;
        let shell =
            entrypoint.is_some_and(|one| one.command().is_some_and(|c| c.shell_text().is_some()));
        // An entrypoint in shell form takes no arguments.
        if !shell {
            words.extend(
                match self.service.and_then(|service| written(&service.command)) {
                    Some(words) => words,
                    None => of_image(self.last("CMD"))?,
                },
            );
        }
        Some(words)
    }

    /// The ports of `EXPOSE`; nothing when there is none or one of them is not certain.
    fn exposed(&self) -> Option<Vec<Written>> {
        let mut ports = Vec::new();
        for instruction in &self.kept {
            let Kind::Expose(words) = &instruction.kind else {
                continue;
            };
            for word in words {
                let value = word.value.as_deref()?;
                let value = value.strip_suffix("/tcp").unwrap_or(value);
                ports.push(Written {
                    port: value.parse().ok()?,
                    location: self.dockerfile.location(word.span),
                });
            }
        }
        (!ports.is_empty()).then_some(ports)
    }

    /// What the health check runs, and where it is written.
    fn probe(&self) -> Option<(String, Location)> {
        if let Some(healthcheck) = self
            .service
            .and_then(|service| service.healthcheck.as_ref())
        {
            if healthcheck.disable {
                return None;
            }
            if let Some(test) = &healthcheck.test {
                let text = match &test.value {
                    compose::Test::None => return None,
                    compose::Test::Cmd(words) => words.join(" "),
                    compose::Test::Shell(text) => text.clone(),
                };
                return Some((text, test.location.clone()));
            }
        }
        let instruction = self.last("HEALTHCHECK")?;
        let command = instruction.command()?;
        let text = match &command.form {
            Form::Exec(words) => words
                .iter()
                .map(|word| word.text())
                .collect::<Vec<_>>()
                .join(" "),
            Form::Shell(text) => text.text.clone(),
        };
        Some((text, self.dockerfile.location(command.span)))
    }

    /// The value of `PORT` that holds at the end.
    fn port_variable(&self) -> Option<Written> {
        if let Some(value) = self
            .service
            .and_then(|service| service.environment.get("PORT"))
        {
            return Some(Written {
                port: value.value.as_ref()?.parse().ok()?,
                location: value.location.clone(),
            });
        }
        let mut pairs = self
            .kept
            .iter()
            .filter(|one| one.is("ENV"))
            .flat_map(|one| one.pairs());
        let pair = pairs.rfind(|pair| pair.name.text() == "PORT")?;
        let word = pair.value.as_ref()?;
        Some(Written {
            port: word.value.as_deref()?.parse().ok()?,
            location: self.dockerfile.location(pair.name.span),
        })
    }
}

/// The port in which a well-known server listens, when its command says it, and whether it is only its default.
fn listening(words: &[(String, Location)]) -> Option<(Written, bool)> {
    let base = |text: &str| text.rsplit('/').next().unwrap_or(text).to_owned();
    let (at, server) = words
        .iter()
        .take(6)
        .enumerate()
        .find_map(|(index, (word, _))| {
            let name = base(word);
            let is = [
                "uvicorn",
                "gunicorn",
                "hypercorn",
                "flask",
                "streamlit",
                "daphne",
                "http.server",
                "fastapi",
            ];
            is.contains(&name.as_str()).then_some((index, name))
        })?;
    // What stands in front of it may be anything that listens itself.
    let wraps = |(word, _): &(String, Location)| {
        matches!(
            base(word).as_str(),
            "python"
                | "python3"
                | "-m"
                | "exec"
                | "tini"
                | "dumb-init"
                | "--"
                | "-u"
                | "uv"
                | "poetry"
                | "pipenv"
                | "run"
        )
    };
    if !words[..at].iter().all(wraps) {
        return None;
    }
    let args = &words[at + 1..];
    let names: &[&str] = match server.as_str() {
        "uvicorn" | "fastapi" => &["--port"],
        "gunicorn" | "hypercorn" => &["--bind", "-b"],
        "flask" | "daphne" => &["--port", "-p"],
        "streamlit" => &["--server.port"],
        _ => &[],
    };
    let mut found = Vec::new();
    for (index, (word, location)) in args.iter().enumerate() {
        let value = names.iter().find_map(|name| {
            if word == name {
                return args.get(index + 1).map(|(value, at)| (value.as_str(), at));
            }
            let rest = word.strip_prefix(name)?;
            let rest = rest
                .strip_prefix('=')
                .or((name.len() == 2).then_some(rest))?;
            Some((rest, location))
        });
        if let Some((value, at)) = value {
            let digits = value.rsplit(':').next().unwrap_or(value);
            found.push(Written {
                port: digits.parse().ok()?,
                location: at.clone(),
            });
        }
    }
    if server == "http.server" {
        let number = args.iter().find_map(|(word, at)| {
            Some(Written {
                port: word.parse().ok()?,
                location: at.clone(),
            })
        });
        let bound = args.iter().any(|(word, _)| word.contains('$'));
        return match number {
            Some(written) => Some((written, false)),
            None if !bound => Some((
                Written {
                    port: 8000,
                    location: words[at].1.clone(),
                },
                true,
            )),
            None => None,
        };
    }
    match found.as_slice() {
        [one] => Some((one.clone(), false)),
        [] if server == "uvicorn"
            && !args.iter().any(|(word, _)| {
                word.contains('$')
                    || word == "--uds"
                    || word == "--fd"
                    || word.starts_with("--env-file")
            }) =>
        {
            Some((
                Written {
                    port: 8000,
                    location: words[at].1.clone(),
                },
                true,
            ))
        }
        _ => None,
    }
}

/// The host and the port of every address in a text: `http://host:port/…`.
fn addresses(text: &str) -> Vec<(String, Option<u16>)> {
    let mut found = Vec::new();
    for (scheme, usual) in [("http://", 80), ("https://", 443)] {
        for (at, _) in text.match_indices(scheme) {
            let rest = &text[at + scheme.len()..];
            let end = rest
                .find(|c: char| {
                    c.is_whitespace()
                        || matches!(c, '/' | '\'' | '"' | '?' | ')' | '|' | ';' | ',' | '`')
                })
                .unwrap_or(rest.len());
            let host = &rest[..end];
            let host = host.rsplit('@').next().unwrap_or(host);
            let (name, port) = match host.rsplit_once(':') {
                Some((name, port)) if !port.contains(']') => (name, port.parse().ok()),
                _ => (host, Some(usual)),
            };
            found.push((name.to_owned(), port));
        }
    }
    found
}

fn is_local(host: &str) -> bool {
    matches!(host, "localhost" | "0.0.0.0" | "[::1]" | "[::]") || host.starts_with("127.")
}

/// Ports of debuggers: that they are published says nothing of the application's.
const DEBUGGERS: [u16; 5] = [2345, 5005, 5678, 9222, 9229];

fn ports(reading: &Reading, out: &mut Out<'_>) {
    for container in containers(reading) {
        if container
            .service
            .is_some_and(|service| service.network_mode.is_some())
        {
            continue;
        }
        let words = container.command();
        match words.as_deref().and_then(listening) {
            Some((listens, is_default)) => against_command(&container, &listens, is_default, out),
            None => against_image(&container, out),
        }
    }
}

fn against_command(
    container: &Container<'_>,
    listens: &Written,
    is_default: bool,
    out: &mut Out<'_>,
) {
    let port = listens.port;
    // A default may be changed from outside.
    let variables = ["UVICORN_PORT", "PORT"];
    let changed = is_default
        && (container.service.is_some_and(|service| {
            variables
                .iter()
                .any(|name| service.environment.contains_key(*name))
                || !service.env_file.is_empty()
        }) || container.kept.iter().any(|one| {
            one.pairs()
                .iter()
                .any(|pair| variables.contains(&pair.name.text()))
        }));
    if changed {
        return;
    }
    let mut say = |location: Location, message: String| {
        out.at(location, message).related(
            listens.location.clone(),
            format!("aquí se escucha en {port}"),
        );
    };
    if let Some(exposed) = container.exposed()
        && exposed.iter().all(|one| one.port != port)
    {
        let one = &exposed[0];
        say(
            one.location.clone(),
            format!("`EXPOSE` dice {}, pero la app escucha en {port}", one.port),
        );
    }
    if let Some(published) = other_target(container, port) {
        say(
            published.location,
            format!(
                "Compose publica el puerto {} del contenedor, pero la app escucha en {port}",
                published.port
            ),
        );
    }
    if let Some(probed) = probed(container).filter(|probed| probed.port != port) {
        say(
            probed.location,
            format!(
                "el chequeo de salud pregunta en el puerto {}, pero la app escucha en {port}",
                probed.port
            ),
        );
    }
    if let Some(variable) = container
        .port_variable()
        .filter(|v| v.port != port && !is_default)
    {
        say(
            variable.location,
            format!(
                "`PORT` dice {}, pero la orden escucha en {port} sin mirarla",
                variable.port
            ),
        );
    }
}

/// Without a command that says it, `EXPOSE` is what the image's author says of the port.
fn against_image(container: &Container<'_>, out: &mut Out<'_>) {
    let exposed = container.exposed().unwrap_or_default();
    let [exposed] = exposed.as_slice() else {
        return;
    };
    // A variable that holds the other port may be what moves the application there.
    let moved = |port: u16| {
        let text = port.to_string();
        let in_service = container.service.is_some_and(|service| {
            let values = service.environment.values();
            let mut values = values.filter_map(|value| value.value.as_deref());
            values.any(|value| value.contains(&text))
                || service
                    .command
                    .as_ref()
                    .is_some_and(|c| c.words.iter().any(|w| w.contains(&text)))
                || service.entrypoint.is_some()
                || !service.env_file.is_empty()
        });
        let in_image = container.kept.iter().any(|one| {
            let pairs = one.pairs().iter().filter_map(|pair| pair.value.as_ref());
            let command = one.command().map(|command| match &command.form {
                Form::Exec(words) => words
                    .iter()
                    .map(|word| word.text())
                    .collect::<Vec<_>>()
                    .join(" "),
                Form::Shell(text) => text.text.clone(),
            });
            let starts = one.is("CMD") || one.is("ENTRYPOINT");
            pairs.into_iter().any(|word| word.text().contains(&text))
                || starts && command.is_some_and(|command| command.contains(&text))
        });
        in_service || in_image
    };
    if let Some(published) = other_target(container, exposed.port).filter(|p| !moved(p.port)) {
        out.at(
            published.location,
            format!(
                "Compose publica el puerto {} del contenedor, pero la imagen dice {}",
                published.port, exposed.port
            ),
        )
        .related(
            exposed.location.clone(),
            format!("`EXPOSE` dice {}", exposed.port),
        );
    }
    let publishes = container
        .service
        .is_some_and(|service| service.ports.iter().any(|port| port.target == exposed.port));
    if let Some(probed) = probed(container).filter(|p| p.port != exposed.port && !moved(p.port)) {
        let finding = out.at(
            probed.location,
            format!(
                "el chequeo de salud pregunta en el puerto {}, pero la imagen dice {}",
                probed.port, exposed.port
            ),
        );
        finding.related(
            exposed.location.clone(),
            format!("`EXPOSE` dice {}", exposed.port),
        );
        // Some answer for their health on a port of its own.
        if !publishes {
            finding.level(Level::Note);
        }
    }
}

/// The first published port, when none of them is `port`.
fn other_target(container: &Container<'_>, port: u16) -> Option<Written> {
    let ports = container.service?.ports.iter();
    let ports: Vec<_> = ports
        .filter(|one| one.protocol == "tcp" && !DEBUGGERS.contains(&one.target))
        .collect();
    if ports.iter().any(|one| one.target == port) {
        return None;
    }
    ports.first().map(|one| Written {
        port: one.target,
        location: one.location.clone(),
    })
}

/// The port of this machine that the health check asks.
fn probed(container: &Container<'_>) -> Option<Written> {
    let (text, location) = container.probe()?;
    let mut local = addresses(&text)
        .into_iter()
        .filter(|(host, _)| is_local(host));
    let port = local.next()?.1?;
    (local.next().is_none() && !text.contains("unix-socket")).then_some(Written { port, location })
}

fn elsewhere(reading: &Reading, out: &mut Out<'_>) {
    for container in containers(reading) {
        let Some((text, location)) = container.probe() else {
            continue;
        };
        let asked = addresses(&text);
        let own = |host: &str| {
            let named = container.service.is_some_and(|service| {
                let name = |one: &Option<compose::Located<String>>| {
                    one.as_ref().is_some_and(|one| one.value == host)
                };
                service.name == host
                    || name(&service.container_name)
                    || name(&service.hostname)
                    || service
                        .networks
                        .iter()
                        .any(|network| network.aliases.iter().any(|alias| *alias == host))
            });
            is_local(host) || named
        };
        let unknown = text.contains("unix-socket")
            || asked.is_empty()
            || asked.iter().any(|(host, _)| {
                own(host) || host.is_empty() || host.contains(['$', '{', '%', '<', '('])
            });
        let Some((host, _)) = asked.first().filter(|_| !unknown) else {
            continue;
        };
        let is_service = container.names.contains(&host.as_str());
        let is_domain = host
            .rsplit_once('.')
            .is_some_and(|(_, end)| end.len() >= 2 && end.chars().all(|c| c.is_ascii_alphabetic()));
        let shares = container
            .service
            .is_some_and(|service| service.network_mode.is_some());
        if shares
            || !(is_service || is_domain)
            || host.ends_with(".internal")
            || host.ends_with(".local")
        {
            continue;
        }
        out.at(
            location,
            match is_service {
                true => format!("el chequeo pregunta a `{host}`, que es otro servicio"),
                false => format!("el chequeo pregunta a `{host}`, que está fuera"),
            },
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(command: &str) -> Option<u16> {
        let words: Vec<_> = command
            .split_whitespace()
            .map(|word| (word.to_owned(), Location::line("Dockerfile", 1)))
            .collect();
        listening(&words).map(|(written, _)| written.port)
    }

    #[test]
    fn a_server_listens_where_its_command_says() {
        assert_eq!(
            port("uvicorn app:app --host 0.0.0.0 --port 8080"),
            Some(8080)
        );
        assert_eq!(port("python -m uvicorn app:app --port=80"), Some(80));
        assert_eq!(port("uvicorn app:app"), Some(8000));
        assert_eq!(port("gunicorn -b 0.0.0.0:5000 app:app"), Some(5000));
        assert_eq!(port("gunicorn -b:5000 app:app"), Some(5000));
        assert_eq!(port("flask run -p 5001"), Some(5001));
        assert_eq!(port("python -m http.server 9000"), Some(9000));
        for unknown in [
            "uvicorn app:app --port $PORT",
            "gunicorn app:app",
            "gunicorn -b 0.0.0.0:80 -b 0.0.0.0:81 app:app",
            "gunicorn -b unix:/run/app.sock app:app",
            "supervisord -c uvicorn",
            "python main.py --port 80",
        ] {
            assert_eq!(port(unknown), None, "{unknown}");
        }
    }

    #[test]
    fn addresses_are_found_inside_of_other_languages() {
        let found = addresses(
            "import u; u.urlopen('http://127.0.0.1:8000/health', timeout=2) || curl -f https://a.b/x",
        );
        assert_eq!(
            found,
            [
                ("127.0.0.1".to_owned(), Some(8000)),
                ("a.b".to_owned(), Some(443))
            ]
        );
        assert_eq!(addresses("curl http://[::1]:80/")[0].1, Some(80));
        assert_eq!(addresses("curl http://localhost:$PORT/")[0].1, None);
    }
}
