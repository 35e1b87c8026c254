//! What a compose file asks of a Dockerfile, and what it lays over the image.

use super::copies;
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::compose::{Loaded, Mount, MountKind, Service};
use crate::submission::dockerfile::{Dockerfile, Instruction, Kind, StageBase};
use crate::submission::dockerignore;
use crate::submission::known_images;
use crate::submission::reading::ImageBuild;
use crate::submission::snapshot::Entry;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Compose y el Dockerfile",
    rules: &RULES,
};

static RULES: [Rule; 5] = [
    Rule {
        id: "etapa-que-no-existe",
        title: "Compose pide una etapa que el Dockerfile no tiene",
        level: Level::Error,
        why: "`target` nombra una etapa (`FROM … AS nombre`); si no existe, la construcción se detiene.",
        fix: "escribe el nombre de una etapa del Dockerfile, o quita `target` para quedarte con la última",
        lesson: "03-optimizado.html#multi-stage-build",
        equivalents: &[],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build:\n      context: .\n      target: production\n",
            ),
            (
                "Dockerfile",
                "FROM python:3.11-slim AS constructor\nRUN pip --version\nFROM python:3.11-slim AS produccion\nCMD [\"python\", \"-V\"]\n",
            ),
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build:\n      context: .\n      target: produccion\n",
            ),
            (
                "Dockerfile",
                "FROM python:3.11-slim AS constructor\nRUN pip --version\nFROM python:3.11-slim AS produccion\nCMD [\"python\", \"-V\"]\n",
            ),
        ],
        check: target,
    },
    Rule {
        id: "argumento-que-nadie-lee",
        title: "Compose da un argumento que el Dockerfile no declara",
        level: Level::Warning,
        why: "Un argumento de construcción solo llega a las etapas que lo declaran con `ARG`: este se pierde, y la imagen sale como si no estuviera.",
        fix: "añade `ARG` con ese nombre en la etapa que lo usa; si es para la app en marcha, va en `environment`",
        lesson: "06-entorno.html#usar-en-docker-compose",
        equivalents: &[],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build:\n      context: .\n      args:\n        VERSION_APP: \"2.0\"\n",
            ),
            (
                "Dockerfile",
                "FROM python:3.11-slim\nARG APP_VERSION=1.0\nLABEL version=$APP_VERSION\n",
            ),
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build:\n      context: .\n      args:\n        APP_VERSION: \"2.0\"\n",
            ),
            (
                "Dockerfile",
                "FROM python:3.11-slim\nARG APP_VERSION=1.0\nLABEL version=$APP_VERSION\n",
            ),
        ],
        check: args,
    },
    Rule {
        id: "dockerfile-que-falta",
        title: "Compose nombra un Dockerfile que no está",
        level: Level::Warning,
        why: "`dockerfile` se busca dentro de `context`, no al lado del archivo de Compose: si no está ahí, la construcción se detiene.",
        fix: "escribe la ruta tal como se ve desde `context`",
        lesson: "04-compose.html#archivo-basico",
        equivalents: &[],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build:\n      context: ./api\n      dockerfile: api/Dockerfile\n",
            ),
            (
                "api/Dockerfile",
                "FROM python:3.11-slim\nCMD [\"python\", \"-V\"]\n",
            ),
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build:\n      context: ./api\n      dockerfile: Dockerfile\n",
            ),
            (
                "api/Dockerfile",
                "FROM python:3.11-slim\nCMD [\"python\", \"-V\"]\n",
            ),
        ],
        check: dockerfile,
    },
    Rule {
        id: "volumen-sin-permiso",
        title: "el usuario de la imagen no podrá escribir en el volumen",
        level: Level::Warning,
        why: "Un volumen nuevo toma el dueño de la carpeta que la imagen tiene en esa ruta; si la imagen no la tiene, queda de root, y otro usuario recibe «permission denied».",
        fix: "crea la carpeta en el Dockerfile y dásela al usuario antes de `USER`: `RUN mkdir -p RUTA && chown USUARIO RUTA`",
        lesson: "05-volumenes.html#tipos-de-volumenes",
        equivalents: &[],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build: .\n    volumes: [\"datos:/app/datos\"]\nvolumes: {datos: {}}\n",
            ),
            (
                "Dockerfile",
                "FROM python:3.11-slim\nWORKDIR /app\nCOPY main.py .\nUSER 10001\nCMD [\"python\", \"main.py\"]\n",
            ),
            ("main.py", "print('hola')\n"),
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build: .\n    volumes: [\"datos:/app/datos\"]\nvolumes: {datos: {}}\n",
            ),
            (
                "Dockerfile",
                "FROM python:3.11-slim\nWORKDIR /app\nRUN mkdir -p /app/datos && chown 10001 /app/datos\nCOPY main.py .\nUSER 10001\nCMD [\"python\", \"main.py\"]\n",
            ),
            ("main.py", "print('hola')\n"),
        ],
        check: volume_owner,
    },
    Rule {
        id: "montaje-tapa-dependencias",
        title: "una carpeta montada tapa lo que la imagen instaló",
        level: Level::Note,
        why: "Lo que se monta tapa lo que la imagen tiene en esa ruta: las dependencias instaladas ahí dejan de verse, y la app usa las de tu máquina o ninguna.",
        fix: "monta solo el código, o deja a la vista la carpeta de dependencias con un volumen propio",
        lesson: "05-volumenes.html#tipos-de-volumenes",
        equivalents: &[],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  web:\n    build: .\n    volumes:\n      - .:/app\n",
            ),
            (
                "Dockerfile",
                "FROM node:22-slim\nWORKDIR /app\nCOPY package.json .\nRUN npm install\nCOPY src src\nCMD [\"node\", \"src/main.js\"]\n",
            ),
            ("package.json", "{}\n"),
            ("src/main.js", "console.log('hola')\n"),
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  web:\n    build: .\n    volumes:\n      - .:/app\n      - /app/node_modules\n",
            ),
            (
                "Dockerfile",
                "FROM node:22-slim\nWORKDIR /app\nCOPY package.json .\nRUN npm install\nCOPY src src\nCMD [\"node\", \"src/main.js\"]\n",
            ),
            ("package.json", "{}\n"),
            ("src/main.js", "console.log('hola')\n"),
        ],
        check: hidden,
    },
];

/// A service whose image is built here.
pub(super) struct Built<'r> {
    pub(super) loaded: &'r Loaded,
    pub(super) service: &'r Service,
    pub(super) build: &'r ImageBuild,
    pub(super) dockerfile: &'r Dockerfile,
}

/// Every service whose image is built here.
pub(super) fn built(reading: &Reading) -> Vec<Built<'_>> {
    let services = reading.services().filter_map(|(project, loaded, service)| {
        let build = reading.build_of(project, &service.name)?;
        Some(Built {
            loaded,
            service,
            build,
            dockerfile: &reading.dockerfiles[build.dockerfile],
        })
    });
    services.collect()
}

impl<'r> Built<'r> {
    /// The instructions of the image that it runs, the last stage's last.
    pub(super) fn kept(&self) -> Vec<&'r Instruction> {
        kept(self.dockerfile, self.build)
    }
}

/// The instructions whose results are in the image that `build` leaves, in their order.
pub(super) fn kept<'r>(dockerfile: &'r Dockerfile, build: &ImageBuild) -> Vec<&'r Instruction> {
    let mut stages = copies::stages_kept(dockerfile, build);
    stages.reverse();
    stages
        .into_iter()
        .flat_map(|stage| dockerfile.stage_instructions(stage))
        .collect()
}

fn target(reading: &Reading, out: &mut Out<'_>) {
    for built in built(reading) {
        let Some(target) = built.service.build.as_ref().and_then(|b| b.target.as_ref()) else {
            continue;
        };
        let stages = &built.dockerfile.stages;
        let names: Vec<&str> = stages.iter().filter_map(|s| s.name.as_deref()).collect();
        let unsure = !built.dockerfile.faults.is_empty() || names.iter().any(|n| n.contains('$'));
        if built.build.target.is_some() || unsure || target.value.is_empty() {
            continue;
        }
        let near = names
            .iter()
            .map(|name| {
                (
                    strsim::jaro_winkler(name, &target.value.to_lowercase()),
                    *name,
                )
            })
            .filter(|(likeness, _)| *likeness > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0));
        let path = &built.dockerfile.path;
        let finding = out.at(
            target.location.clone(),
            format!("`{path}` no tiene ninguna etapa `{}`", target.value),
        );
        match near {
            Some((_, near)) => finding.help(format!("¿quisiste decir `{near}`?")),
            None if names.is_empty() => finding.help(format!(
                "quita `target`, o da nombre a una etapa de `{path}`: `FROM … AS {}`",
                target.value
            )),
            None => finding.help(format!(
                "las etapas con nombre son {}",
                super::context::listed(names.iter().copied())
            )),
        };
        if let Some(stage) = stages
            .iter()
            .find(|stage| stage.name.as_deref() == near.map(|n| n.1))
        {
            let from = &built.dockerfile.instructions[stage.from];
            if near.is_some() {
                finding.related(built.dockerfile.location(from.span), "esta es la etapa");
            }
        }
    }
}

/// Arguments that builders take without `ARG`.
fn is_predefined(name: &str) -> bool {
    const PROXIES: [&str; 5] = [
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "FTP_PROXY",
        "NO_PROXY",
        "ALL_PROXY",
    ];
    PROXIES.contains(&name.to_uppercase().as_str())
        || name.starts_with("BUILDKIT_")
        || name.starts_with("TARGET")
        || name == "SOURCE_DATE_EPOCH"
        || name.starts_with("BUILD")
}

fn args(reading: &Reading, out: &mut Out<'_>) {
    let built = built(reading);
    let declared = |dockerfile: &Dockerfile| -> Vec<String> {
        let args = dockerfile.instructions.iter().filter(|one| one.is("ARG"));
        args.flat_map(Instruction::pairs)
            .map(|pair| pair.name.text().to_owned())
            .collect()
    };
    for one in &built {
        let names = declared(one.dockerfile);
        let images = one.dockerfile.stages.iter().map(|stage| &stage.base);
        // What an image puts off with ONBUILD may declare anything.
        let puts_off = images.into_iter().any(|base| match base {
            StageBase::Image(Some(image)) => {
                known_images::of(image).is_none() && image.contains("onbuild")
            }
            StageBase::Image(None) => true,
            _ => false,
        });
        if puts_off || !one.dockerfile.faults.is_empty() {
            continue;
        }
        for (name, value) in one.service.build.iter().flat_map(|build| &build.args) {
            // The same lines may serve several services by an anchor: one that reads them is enough.
            let shared = built.iter().any(|other| {
                let same = other
                    .service
                    .build
                    .as_ref()
                    .and_then(|build| build.args.get(name));
                same.is_some_and(|same| same.location == value.location)
                    && declared(other.dockerfile).contains(name)
            });
            if names.contains(name) || shared || is_predefined(name) {
                continue;
            }
            let finding = out.at(
                value.location.clone(),
                format!("`{}` no declara `ARG {name}`", one.dockerfile.path),
            );
            let near = names
                .iter()
                .filter(|other| strsim::jaro_winkler(other, name) > 0.85)
                .min();
            if let Some(near) = near {
                finding.help(format!("¿quisiste decir `{near}`?"));
            }
        }
    }
}

fn dockerfile(reading: &Reading, out: &mut Out<'_>) {
    if reading.snapshot.is_partial() {
        return;
    }
    for (_, _, service) in reading.services() {
        let Some(build) = &service.build else {
            continue;
        };
        let Some(name) = &build.dockerfile else {
            continue;
        };
        let context = match build.context.value.as_str() {
            "." => "",
            context => context,
        };
        let remote = context.contains("://")
            || context.starts_with(['.', '/', '~'])
            || context.starts_with("git@");
        let at = dockerignore::clean(&format!("{}/{}", build.context.value, name.value));
        if remote
            || build.dockerfile_inline.is_some()
            || at.starts_with(['.', '/'])
            || reading.snapshot.contains(&at)
            || copies::is_unsure(reading, &at)
        {
            continue;
        }
        // Only a Dockerfile that is there under another path shows that this one is not somewhere else.
        let near: Vec<&str> = reading
            .dockerfiles
            .iter()
            .filter_map(|dockerfile| match context {
                "" => Some(dockerfile.path.as_str()),
                context => dockerfile.path.strip_prefix(context)?.strip_prefix('/'),
            })
            .collect();
        let meant = near
            .iter()
            .find(|path| {
                name.value.ends_with(&format!("/{path}")) || path.eq_ignore_ascii_case(&name.value)
            })
            .or(if near.len() == 1 { near.first() } else { None });
        let folder = if context.is_empty() {
            "la carpeta".to_owned()
        } else {
            format!("`{context}/`")
        };
        if let Some(meant) = meant {
            out.at(
                name.location.clone(),
                format!("`{}` no está en {folder}, que es el contexto", name.value),
            )
            .help(format!("¿quisiste decir `{meant}`?"));
        }
    }
}

/// The user that a service runs as, when it is certain not to be root.
fn plain_user<'r>(built: &Built<'r>) -> Option<(String, Option<&'r Instruction>)> {
    let (user, instruction) = if let Some(user) = &built.service.user {
        (user.value.clone(), None)
    } else {
        let last = built
            .kept()
            .into_iter()
            .rfind(|instruction| instruction.is("USER"))?;
        let Kind::User(word) = &last.kind else {
            return None;
        };
        (word.value.clone()?, Some(last))
    };
    let name = user.split(':').next().unwrap_or(&user).to_owned();
    (!matches!(name.as_str(), "" | "root" | "0")).then_some((name, instruction))
}

fn volume_owner(reading: &Reading, out: &mut Out<'_>) {
    for built in built(reading) {
        let Some((user, instruction)) = plain_user(&built) else {
            continue;
        };
        if !is_of_known_base(&built) {
            continue;
        }
        for mount in &built.service.volumes {
            if !is_fresh_volume(&built, mount) || may_exist(reading, &built, &mount.target) {
                continue;
            }
            let finding = out.at(
                mount.location.clone(),
                format!(
                    "la imagen no tiene `{}`: el volumen será de root y `{user}` no podrá escribir en él",
                    mount.target
                ),
            );
            finding.help(format!(
                "antes de `USER`, añade al Dockerfile `RUN mkdir -p {0} && chown {user} {0}`",
                mount.target
            ));
            if let Some(instruction) = instruction {
                finding.related(
                    built.dockerfile.location(instruction.span),
                    "aquí se deja de ser root",
                );
            }
        }
    }
}

/// Whether all that the image has comes from a base whose folders are known and from the Dockerfile.
fn is_of_known_base(built: &Built<'_>) -> bool {
    let lowest = copies::stages_kept(built.dockerfile, built.build).pop();
    let base = lowest.and_then(|stage| built.dockerfile.stages.get(stage));
    match base.map(|stage| &stage.base) {
        Some(StageBase::Image(Some(image))) => known_images::of(image).is_some_and(|image| {
            ["python", "node", "debian", "ubuntu", "alpine"].contains(&image.name)
        }),
        _ => false,
    }
}

/// Whether it is a volume of the project's own that this service alone writes.
fn is_fresh_volume(built: &Built<'_>, mount: &Mount) -> bool {
    let Some(name) = mount
        .source
        .as_ref()
        .filter(|_| mount.kind == MountKind::Volume)
    else {
        return false;
    };
    let project = &built.loaded.project;
    let own = project.volumes.get(name).is_some_and(|volume| {
        !volume.external
            && volume.driver_opts.is_empty()
            && volume.driver.as_ref().is_none_or(|d| d.value == "local")
    });
    let others = project
        .services
        .values()
        .filter(|service| service.name != built.service.name)
        .any(|service| {
            service
                .volumes
                .iter()
                .any(|other| other.source.as_ref() == Some(name))
        });
    own && !others && !mount.read_only && mount.target.starts_with('/') && mount.subpath.is_none()
}

/// Whether the image may have `folder`: something in the Dockerfile speaks of it, or does what cannot be known.
fn may_exist(reading: &Reading, built: &Built<'_>, folder: &str) -> bool {
    let folder = folder.trim_end_matches('/');
    let name = folder.rsplit('/').next().unwrap_or(folder);
    let depth = folder.matches('/').count();
    let of_system = [
        "/tmp", "/home", "/usr", "/var", "/opt", "/etc", "/root", "/srv", "/mnt", "/media", "/run",
        "/dev",
    ]
    .iter()
    .any(|system| folder == *system || (*system != "/opt" && copies::is_below(folder, system)));
    if of_system || depth == 0 {
        return true;
    }
    // A folder of that name in the context may come along with a copy.
    let in_context = reading.snapshot.entries().any(|(path, entry)| {
        !matches!(entry, Entry::File { .. } | Entry::Unread)
            && path.rsplit('/').next() == Some(name)
    });
    if in_context {
        return true;
    }
    let scripts = &reading.scripts[built.build.dockerfile];
    let kept = copies::stages_kept(built.dockerfile, built.build);
    let mut all = built.dockerfile.instructions.iter().zip(scripts);
    all.any(|(instruction, script)| {
        if !instruction.stage.is_some_and(|stage| kept.contains(&stage)) {
            return false;
        }
        let absolute = |path: Option<&str>| {
            let at = copies::workdir_at(built.dockerfile, instruction);
            path.and_then(|path| copies::absolute(path, at.as_deref()))
        };
        match &instruction.kind {
            Kind::Workdir(word) => {
                absolute(word.value.as_deref()).is_none_or(|at| copies::is_below(&at, folder))
            }
            Kind::Volume(words) => words.iter().any(|word| word.text().contains(name)),
            Kind::Transfer(transfer) => {
                let Some(at) = absolute(transfer.destination.value.as_deref()) else {
                    return true;
                };
                // What another stage holds is not known, nor what is in an archive.
                let opaque = transfer.from.is_some() || instruction.is("ADD");
                copies::is_below(&at, folder) || (opaque && copies::is_below(folder, &at))
            }
            Kind::Run(_) => {
                !script.understood
                    || script.commands.iter().any(|command| {
                        const OPAQUE: [&str; 16] = [
                            "sh", "bash", "make", "tar", "unzip", "git", "node", "npx", "rsync",
                            "cp", "mv", "ln", "dpkg", "java", "curl", "wget",
                        ];
                        let program = command.program_word().map_or("", |word| word.text.as_str());
                        let tells = command
                            .words
                            .iter()
                            .any(|word| word.text.contains(name) || word.expands);
                        command
                            .program()
                            .is_none_or(|program| OPAQUE.contains(&program))
                            || program.contains('/')
                            || (program.starts_with("python") && !command.has_arg("-m"))
                            || tells
                    })
            }
            _ => false,
        }
    })
}

/// Where a `RUN` leaves the dependencies of the project in its working directory.
fn dependencies<'r>(reading: &Reading, built: &Built<'r>) -> Vec<(String, &'r Instruction)> {
    let scripts = &reading.scripts[built.build.dockerfile];
    let kept = copies::stages_kept(built.dockerfile, built.build);
    let runs = built
        .dockerfile
        .instructions
        .iter()
        .zip(scripts)
        .filter(|(one, _)| {
            matches!(one.kind, Kind::Run(_)) && one.stage.is_some_and(|stage| kept.contains(&stage))
        });
    let mut found = Vec::new();
    for (instruction, script) in runs {
        let Some(at) = copies::workdir_at(built.dockerfile, instruction) else {
            continue;
        };
        for command in &script.commands {
            let global = command.has_arg("-g") || command.has_arg("--global");
            let folder = match (command.program(), command.verb()) {
                (Some("npm"), Some("install" | "ci" | "i"))
                | (Some("pnpm"), Some("install" | "i"))
                    if !global =>
                {
                    "node_modules"
                }
                (Some("yarn"), None | Some("install")) if !command.has_arg("--version") => {
                    "node_modules"
                }
                (Some("uv"), Some("sync")) => ".venv",
                (Some("python" | "python3"), _) if command.has_arg("venv") => {
                    let Some(last) = command.args().last().filter(|word| !word.expands) else {
                        continue;
                    };
                    if let Some(at) = copies::absolute(&last.text, Some(&at)) {
                        found.push((at, instruction));
                    }
                    continue;
                }
                _ => continue,
            };
            found.push((dockerignore::clean(&format!("{at}/{folder}")), instruction));
        }
    }
    found
}

fn hidden(reading: &Reading, out: &mut Out<'_>) {
    for built in built(reading) {
        let moved = built.kept().iter().any(|instruction| {
            instruction
                .pairs()
                .iter()
                .any(|pair| ["UV_PROJECT_ENVIRONMENT", "NODE_PATH"].contains(&pair.name.text()))
        });
        if moved {
            continue;
        }
        for (folder, instruction) in dependencies(reading, &built) {
            let over = |mount: &&Mount| {
                let target = mount.target.trim_end_matches('/');
                !target.is_empty() && folder != target && copies::is_below(&folder, target)
            };
            let volumes = &built.service.volumes;
            let Some(bind) = volumes
                .iter()
                .filter(|m| m.kind == MountKind::Bind)
                .find(over)
            else {
                continue;
            };
            let kept = volumes
                .iter()
                .any(|mount| mount.target.trim_end_matches('/') == folder);
            if kept {
                continue;
            }
            out.at(
                bind.location.clone(),
                format!("`{}` tapa `{folder}`, que la imagen instaló", bind.target),
            )
            .help(format!(
                "añade a `volumes` la línea `- {folder}`, o monta solo el código"
            ))
            .related(
                built.dockerfile.location(instruction.span),
                "aquí se instala",
            );
        }
    }
}
