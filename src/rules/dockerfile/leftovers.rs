//! What installing packages leaves in the image.

use super::apt::is_apt;
use crate::rules::effects;
use crate::rules::files::{self};
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Lo que los paquetes dejan en la imagen",
    rules: &RULES,
};

static RULES: [Rule; 5] = [
    Rule {
        id: "apt-con-recomendados",
        title: "se instalan también los paquetes recomendados",
        level: Level::Note,
        why: "Por defecto `apt-get` instala también lo recomendado, que rara vez hace falta: la imagen crece y con ella lo que hay que actualizar.",
        fix: "añade `--no-install-recommends`",
        lesson: "03-multietapa.html#multi-stage-build",
        equivalents: &[
            "hadolint DL3015",
            "trivy DS-0029",
            "dockerfilelint apt-get_recommends",
            "kics 7384dfb2",
        ],
        wrong: &[(
            "Dockerfile",
            "FROM debian:12-slim\nRUN apt-get update && apt-get install -y curl && rm -rf /var/lib/apt/lists/*\nCMD [\"curl\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM debian:12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*\nCMD [\"curl\", \"-V\"]\n",
        )],
        check: recommends,
    },
    Rule {
        id: "listas-de-apt",
        title: "la lista de paquetes de `apt` queda en la imagen",
        level: Level::Note,
        why: "La lista ocupa decenas de megabytes y dentro de la imagen ya no sirve. Borrada en otro `RUN` sigue en la capa de este.",
        fix: "acaba el mismo `RUN` con `&& rm -rf /var/lib/apt/lists/*`",
        lesson: "03-multietapa.html#multi-stage-build",
        equivalents: &[
            "hadolint DL3009",
            "dockle DKL-DI-0005",
            "dockerfilelint apt-get_missing_rm",
            "kics df746b39",
        ],
        wrong: &[(
            "Dockerfile",
            "FROM debian:12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl\nCMD [\"curl\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM debian:12-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*\nCMD [\"curl\", \"-V\"]\n",
        )],
        check: lists,
    },
    Rule {
        id: "apt-upgrade",
        title: "se actualiza todo el sistema de la imagen base",
        level: Level::Note,
        why: "Cada paquete actualizado se guarda dos veces, y la misma construcción da cada día otra imagen; la base actualizada ya existe como imagen nueva.",
        fix: "quita el `upgrade` y sube la etiqueta de `FROM` (`docker build --pull`)",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[
            "dockerfilelint apt-get-upgrade",
            "trivy DS-0024",
            "dockle DKL-DI-0003",
            "dockerfilelint apt-get-dist-upgrade",
        ],
        wrong: &[(
            "Dockerfile",
            "FROM debian:12-slim\nRUN apt-get update && apt-get upgrade -y && rm -rf /var/lib/apt/lists/*\nCMD [\"ls\"]\n",
        )],
        right: &[("Dockerfile", "FROM debian:12-slim\nCMD [\"ls\"]\n")],
        check: upgrade,
    },
    Rule {
        id: "apk-con-cache",
        title: "la lista de paquetes de `apk` queda en la imagen",
        level: Level::Note,
        why: "`apk` guarda su lista en `/var/cache/apk`, y dentro de la imagen ya no sirve.",
        fix: "usa `apk add --no-cache …`, que además no necesita `apk update`",
        lesson: "03-multietapa.html#multi-stage-build",
        equivalents: &[
            "hadolint DL3019",
            "trivy DS-0025",
            "dockle DKL-DI-0004",
            "dockerfilelint apkadd-missing_nocache_or_updaterm",
        ],
        wrong: &[(
            "Dockerfile",
            "FROM alpine:3.20\nRUN apk update && apk add curl\nCMD [\"curl\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM alpine:3.20\nRUN apk add --no-cache curl\nCMD [\"curl\", \"-V\"]\n",
        )],
        check: apk,
    },
    Rule {
        id: "compilador-en-la-final",
        title: "la imagen final lleva compiladores",
        level: Level::Note,
        why: "Solo hacen falta para instalar, ocupan cientos de megabytes y ayudan a quien entre en el contenedor.",
        fix: "instala y compila en una primera etapa y copia de ella el resultado con `COPY --from=…`",
        lesson: "03-multietapa.html#multi-stage-build",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN apt-get update && apt-get install -y --no-install-recommends build-essential && rm -rf /var/lib/apt/lists/*\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim AS obra\nRUN apt-get update && apt-get install -y --no-install-recommends build-essential && rm -rf /var/lib/apt/lists/* && python -m venv /venv\nFROM python:3.11-slim\nCOPY --from=obra /venv /venv\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: compilers,
    },
];

fn recommends(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in files::kept_runs(reading) {
        for command in line
            .run()
            .iter()
            .filter(|command| is_apt(command, "install"))
        {
            let told = command.args().iter().any(|word| {
                word.text == "--no-install-recommends"
                    || word.text.to_lowercase().contains("recommends")
                    || word.text == "--fix-broken"
            });
            if !told && !command.words.iter().any(|word| word.expands) {
                out.span(
                    file.dockerfile,
                    command.span,
                    "instala también lo que solo se recomienda".to_owned(),
                );
            }
        }
    }
}

fn lists(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in files::kept_runs(reading) {
        let commands = line.run();
        let update = commands.iter().find(|command| is_apt(command, "update"));
        let removed = commands.iter().any(|command| {
            matches!(command.program(), Some("rm" | "find"))
                && command.args().iter().any(|word| {
                    word.text.starts_with("/var/lib/apt")
                        || word.text.starts_with("/var/lib/")
                        || word.text == "/var/lib/*"
                        || word.expands
                })
        });
        let installs = commands.iter().any(|command| is_apt(command, "install"));
        if let (Some(update), false, true) =
            (update, removed || line.lends("/var/lib/apt"), installs)
        {
            out.span(
                file.dockerfile,
                update.span,
                "la lista que trae `update` no se borra en el mismo `RUN`".to_owned(),
            );
        }
    }
}

fn upgrade(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in files::kept_runs(reading) {
        for command in line.run() {
            let verb = command.verb().unwrap_or_default();
            if ["upgrade", "dist-upgrade", "full-upgrade"]
                .iter()
                .any(|verb| is_apt(command, verb))
            {
                out.span(
                    file.dockerfile,
                    command.span,
                    format!("`{verb}` actualiza la imagen base entera"),
                );
            }
        }
    }
}

fn apk(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in files::kept_runs(reading) {
        let commands = line.run();
        let cleaned = commands.iter().any(|command| {
            command
                .words
                .iter()
                .any(|word| word.text.contains("/var/cache"))
        }) || line.lends("/var/cache/apk")
            || line.lends("/etc/apk/cache");
        for command in commands.iter().filter(|command| command.is("apk", "add")) {
            if !cleaned
                && !command.has_arg("--no-cache")
                && !command.args().iter().any(|word| word.expands)
            {
                out.span(
                    file.dockerfile,
                    command.span,
                    "la lista de paquetes se queda en `/var/cache/apk`".to_owned(),
                );
            }
        }
    }
}

fn compilers(reading: &Reading, out: &mut Out<'_>) {
    const COMPILERS: [&str; 6] = [
        "build-essential",
        "gcc",
        "g++",
        "make",
        "cmake",
        "build-base",
    ];
    for (file, line) in files::kept_runs(reading) {
        let commands = line.run();
        let slim = line
            .instruction
            .stage
            .and_then(|stage| file.known(stage))
            .is_some_and(|base| {
                base.has("gcc") == Some(false)
                    && base.starts == crate::submission::known_images::Starts::Prompt
            });
        let removed = commands.iter().any(|command| {
            matches!(
                command.verb(),
                Some("purge" | "remove" | "del" | "autoremove")
            )
        });
        if removed || !slim {
            continue;
        }
        for word in commands.iter().filter_map(effects::packages).flatten() {
            if COMPILERS.contains(&word.text.as_str()) {
                out.span(
                    file.dockerfile,
                    word.span,
                    format!("`{}` se queda en la imagen final", word.text),
                );
            }
        }
    }
}
