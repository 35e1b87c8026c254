//! What is copied, where to, and in which order.

use crate::rules::files::{self, Line};
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerfile::Kind;
use crate::submission::shell::Simple;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Copiar, dónde y cuándo",
    rules: &RULES,
};

static RULES: [Rule; 5] = [
    Rule {
        id: "codigo-antes-que-dependencias",
        title: "el código se copia antes de instalar las dependencias",
        level: Level::Warning,
        why: "Cuando cambia un archivo copiado, Docker repite todos los pasos de debajo: con cada cambio en el código se vuelven a instalar las dependencias.",
        fix: "copia primero solo la lista de dependencias, instálalas, y copia el código después",
        lesson: "08-buenas-practicas.html#optimizacion-de-cache",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nWORKDIR /app\nCOPY . .\nRUN pip install --no-cache-dir -r requirements.txt\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nWORKDIR /app\nCOPY requirements.txt .\nRUN pip install --no-cache-dir -r requirements.txt\nCOPY . .\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: code_first,
    },
    Rule {
        id: "add-para-archivos",
        title: "`ADD` copia archivos como lo haría `COPY`",
        level: Level::Note,
        why: "`ADD` también descarga y desempaqueta: quien lo lee no sabe cuál de las tres cosas querías.",
        fix: "usa `COPY`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[
            "hadolint DL3020",
            "checkov CKV_DOCKER_4",
            "trivy DS-0005",
            "CIS 4.9",
            "dockle CIS-DI-0009",
        ],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nWORKDIR /app\nADD app app\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nWORKDIR /app\nADD datos.tar.gz datos\nCOPY app app\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: add,
    },
    Rule {
        id: "add-de-internet",
        title: "`ADD` descarga algo sin comprobarlo",
        level: Level::Note,
        why: "Si en esa dirección cambia el archivo, entra en tu imagen sin que nadie lo note.",
        fix: "añade detrás de `ADD` la suma que esperas: `--checksum=sha256:…`",
        lesson: "08-buenas-practicas.html#seguridad",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nADD https://example.com/modelo.bin /modelo.bin\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nADD --checksum=sha256:24454f830cdb571e2c4ad15481119c43b3cafd48dd869a9b2945d1036d1dc68d https://example.com/modelo.bin /modelo.bin\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: download,
    },
    Rule {
        id: "copia-en-la-raiz",
        title: "los archivos se copian en la raíz del sistema",
        level: Level::Warning,
        why: "Sin `WORKDIR`, un destino relativo parte de `/`: tu código se mezcla con las carpetas del sistema.",
        fix: "escribe antes `WORKDIR /app`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &["hadolint DL3045"],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nCOPY app app\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nWORKDIR /app\nCOPY app app\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: root,
    },
    Rule {
        id: "workdir-relativo",
        title: "`WORKDIR` no empieza por `/`",
        level: Level::Warning,
        why: "Un `WORKDIR` relativo parte del de la imagen base: si ella lo cambia, tus archivos acaban en otro sitio.",
        fix: "escribe la ruta entera: `WORKDIR /app`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[
            "BuildKit WorkdirRelativePath",
            "hadolint DL3000",
            "checkov CKV_DOCKER_10",
            "trivy DS-0009",
            "dockerfilelint invalid_workdir",
        ],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nWORKDIR app\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nWORKDIR /srv\nWORKDIR app\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: relative,
    },
];

const NODE_LISTS: &str = "`package.json` con su archivo de bloqueo";

/// What a command installs from a list: the files that are the list.
fn installs_from(command: &Simple) -> Option<&'static str> {
    let args = command.args();
    let has = |texts: &[&str]| args.iter().any(|word| texts.contains(&word.text.as_str()));
    let verb = command.verb();
    match command.program()? {
        "pip" | "pip3"
            if verb == Some("install")
                && has(&["-r", "--requirement"])
                && !has(&["-e", "--editable", "."]) =>
        {
            Some("`requirements.txt`")
        }
        "python" | "python3"
            if has(&["pip"]) && has(&["install"]) && has(&["-r"]) && !has(&["-e", "."]) =>
        {
            Some("`requirements.txt`")
        }
        "npm" if has(&["ci"]) => Some(NODE_LISTS),
        "npm"
            if matches!(verb, Some("install" | "i"))
                && args.iter().all(|word| {
                    word.text.starts_with('-') || matches!(word.text.as_str(), "install" | "i")
                }) =>
        {
            Some(NODE_LISTS)
        }
        "yarn" if args.is_empty() || verb == Some("install") => Some(NODE_LISTS),
        "pnpm"
            if matches!(verb, Some("install" | "i"))
                && args
                    .iter()
                    .filter(|word| !word.text.starts_with('-'))
                    .count()
                    == 1 =>
        {
            Some(NODE_LISTS)
        }
        "go" if has(&["mod"]) && has(&["download"]) => Some("`go.mod` con `go.sum`"),
        "bundle" if verb == Some("install") || args.is_empty() => {
            Some("`Gemfile` con `Gemfile.lock`")
        }
        "poetry" if verb == Some("install") && has(&["--no-root"]) => {
            Some("`pyproject.toml` con `poetry.lock`")
        }
        _ => None,
    }
}

fn code_first(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for stage in &file.dockerfile.stages {
            let mut whole: Option<Line<'_>> = None;
            for line in file.lineage(stage.index) {
                if let Some(transfer) = line.transfer() {
                    let all = transfer.from.is_none()
                        && transfer
                            .sources
                            .iter()
                            .any(|word| matches!(word.value.as_deref(), Some("." | "./" | "/")));
                    if all && whole.is_none() {
                        whole = Some(line);
                    }
                }
                let install = line
                    .run()
                    .iter()
                    .find_map(|command| Some((command, installs_from(command)?)));
                let Some((command, list)) = install else {
                    continue;
                };
                if let Some(copy) = whole
                    .filter(|_| !line.lends_cache() && line.instruction.stage == Some(stage.index))
                {
                    out.span(file.dockerfile, copy.instruction.span, format!("con cualquier cambio en la carpeta se repite la instalación; para ella basta {list}"))
                        .related(file.dockerfile.location(command.span), "la instalación".to_owned());
                }
                break;
            }
        }
    }
}

fn is_url(text: &str) -> bool {
    ["http://", "https://", "git@", "ssh://", "git://"]
        .iter()
        .any(|start| text.starts_with(start))
}

fn add(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for line in file.lines().filter(|line| line.is("ADD")) {
            let Some(transfer) = line.transfer() else {
                continue;
            };
            let plain = transfer.sources.iter().all(|word| {
                let text = word.value.as_deref().unwrap_or("*");
                let archive = [
                    ".tar", ".tgz", ".gz", ".xz", ".bz2", ".tbz", ".txz", ".zst", ".lzma",
                ]
                .iter()
                .any(|end| text.contains(end));
                !is_url(text) && !archive && !text.contains(['*', '?', '['])
            });
            let own = ["checksum", "keep-git-dir", "unpack"]
                .iter()
                .any(|flag| line.instruction.flag(flag).is_some());
            if plain && !own && !transfer.sources.is_empty() {
                let span = line.instruction.keyword_span;
                let finding = out.span(file.dockerfile, span, "aquí `ADD` solo copia".to_owned());
                file.mend(finding, span, "COPY");
            }
        }
    }
}

fn download(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for line in file
            .lines()
            .filter(|line| line.is("ADD") && line.instruction.flag("checksum").is_none())
        {
            let sources = line
                .transfer()
                .map_or(&[][..], |transfer| &transfer.sources);
            for word in sources {
                let text = word.text();
                if text.starts_with("http") && is_url(text) && !text.contains(".git") {
                    out.span(
                        file.dockerfile,
                        word.span,
                        "lo que haya hoy en esta dirección entra en la imagen".to_owned(),
                    );
                }
            }
        }
    }
}

fn root(reading: &Reading, out: &mut Out<'_>) {
    /// Bases whose working directory is `/`.
    const AT_ROOT: [&str; 7] = [
        "python", "node", "debian", "ubuntu", "alpine", "ruby", "rust",
    ];
    for file in files::all(reading) {
        for line in file.lines() {
            let (Some(transfer), Some(stage)) = (line.transfer(), line.instruction.stage) else {
                continue;
            };
            let Some(destination) = &transfer.destination.value else {
                continue;
            };
            let at_root = file
                .known(stage)
                .is_some_and(|base| AT_ROOT.contains(&base.name));
            let relative = !destination.starts_with('/') && !destination.is_empty();
            if at_root
                && relative
                && !file.refused(line.instruction)
                && !file.before(line).iter().any(|line| line.is("WORKDIR"))
            {
                let to = destination.trim_start_matches("./").trim_end_matches('/');
                let to = if to == "." { "" } else { to };
                out.span(
                    file.dockerfile,
                    transfer.destination.span,
                    format!("sin `WORKDIR`, `{destination}` es `/{to}`"),
                );
            }
        }
    }
}

fn relative(reading: &Reading, out: &mut Out<'_>) {
    for file in files::all(reading) {
        for line in file.lines() {
            let Kind::Workdir(word) = &line.instruction.kind else {
                continue;
            };
            let Some(path) = &word.value else { continue };
            let earlier = file.before(line).iter().any(|line| line.is("WORKDIR"));
            let windows = path.chars().nth(1) == Some(':') || path.starts_with('\\');
            if !path.starts_with('/') && !windows && !earlier && !path.is_empty() {
                out.span(
                    file.dockerfile,
                    word.span,
                    format!("`{path}` cuelga de la carpeta que tenga la imagen base"),
                );
            }
        }
    }
}
