//! What a compose file asks of a Dockerfile, and what it lays over the image.

use super::built::built;
use super::wording::listed;
use super::{copies, hidden_copy, hidden_dependencies, volume_owner};
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerfile::{Dockerfile, Instruction, StageBase};
use crate::submission::dockerignore;
use crate::submission::known_images;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Compose y el Dockerfile",
    rules: &RULES,
};

static RULES: [Rule; 6] = [
    Rule {
        id: "etapa-que-no-existe",
        title: "Compose pide una etapa que el Dockerfile no tiene",
        level: Level::Error,
        why: "`target` nombra una etapa (`FROM … AS nombre`); si no existe, la construcción se detiene.",
        fix: "escribe el nombre de una etapa del Dockerfile, o quita `target` para quedarte con la última",
        lesson: "03-multietapa.html#multi-stage-build",
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
        check: volume_owner::check,
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
        check: hidden_dependencies::check,
    },
    Rule {
        id: "montaje-tapa-lo-copiado",
        title: "una carpeta montada tapa lo que la imagen trae hecho",
        level: Level::Note,
        why: "Lo que se monta tapa lo que la imagen tiene en esa ruta. Si la carpeta de tu máquina no tiene el archivo, la app no lo encuentra, aunque esté en la imagen.",
        fix: "elige un solo sitio: el archivo en la imagen, o en la carpeta que montas",
        lesson: "05-volumenes.html#tipos-de-volumenes",
        equivalents: &[],
        wrong: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build: .\n    volumes:\n      - ./models:/app/models:ro\n",
            ),
            (
                "Dockerfile",
                "FROM python:3.11-slim AS taller\nRUN python entrena.py > /modelo.json\n\nFROM python:3.11-slim\nWORKDIR /app\nCOPY --from=taller /modelo.json models/modelo.json\nUSER 10001\nCMD [\"python\", \"-m\", \"app\"]\n",
            ),
            ("models/LEEME.md", "aquí van los modelos\n"),
        ],
        right: &[
            (
                "compose.yaml",
                "services:\n  api:\n    build: .\n    volumes:\n      - ./datos:/app/datos\n",
            ),
            (
                "Dockerfile",
                "FROM python:3.11-slim AS taller\nRUN python entrena.py > /modelo.json\n\nFROM python:3.11-slim\nWORKDIR /app\nCOPY --from=taller /modelo.json models/modelo.json\nUSER 10001\nCMD [\"python\", \"-m\", \"app\"]\n",
            ),
            ("datos/LEEME.md", "aquí van los datos\n"),
        ],
        check: hidden_copy::check,
    },
];

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
                listed(names.iter().copied())
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
