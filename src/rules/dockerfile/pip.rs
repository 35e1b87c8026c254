//! Installing what a Python app needs.

use crate::rules::files::{self};
use crate::rules::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::dockerfile::Kind;
use crate::submission::shell::{ShellWord, Simple};
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "Dependencias de Python",
    rules: &RULES,
};

static RULES: [Rule; 3] = [
    Rule {
        id: "pip-con-cache",
        title: "`pip` guarda su caché en la imagen",
        level: Level::Note,
        why: "Lo descargado queda en `/root/.cache/pip`, y dentro de la imagen ya no sirve.",
        fix: "añade `--no-cache-dir`, o `ENV PIP_NO_CACHE_DIR=1`",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &["hadolint DL3042", "kics f2f903fb"],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nCOPY requirements.txt .\nRUN pip install --no-cache-dir -r requirements.txt\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: pip_cache,
    },
    Rule {
        id: "pip-cache-dos-veces",
        title: "`--no-cache-dir` repite lo que `PIP_NO_CACHE_DIR` ya dice",
        level: Level::Note,
        why: "Una de las dos sobra, y quien lea el archivo buscará en qué se diferencian.",
        fix: "deja la variable o la opción, una de las dos",
        lesson: "02-dockerfile.html#estructura-de-un-dockerfile",
        equivalents: &[],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nENV PIP_NO_CACHE_DIR=1\nCOPY requirements.txt .\nRUN pip install --no-cache-dir -r requirements.txt\nUSER 10001\nCMD [\"python\", \"-m\", \"app\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nENV PIP_NO_CACHE_DIR=1\nCOPY requirements.txt .\nRUN pip install -r requirements.txt\nUSER 10001\nCMD [\"python\", \"-m\", \"app\"]\n",
        )],
        check: pip_cache_twice,
    },
    Rule {
        id: "pip-sin-version",
        title: "`pip install` no dice qué versión",
        level: Level::Note,
        why: "Sin versión se instala la de hoy: la misma construcción da mañana otra imagen, y quizá ya no funcione.",
        fix: "fija la versión (`fastapi==0.115.0`), mejor en un `requirements.txt`",
        lesson: "08-buenas-practicas.html#optimizacion-de-cache",
        equivalents: &["hadolint DL3013", "kics 02d9c71f"],
        wrong: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN pip install --no-cache-dir fastapi uvicorn==0.30.0\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        right: &[(
            "Dockerfile",
            "FROM python:3.11-slim\nRUN pip install --no-cache-dir fastapi==0.115.0 uvicorn==0.30.0\nUSER 10001\nCMD [\"python\", \"-V\"]\n",
        )],
        check: pip_version,
    },
];

/// What a `pip install` is given.
fn pip_install(command: &Simple) -> Option<&[ShellWord]> {
    let args = command.args();
    match command.program()? {
        "pip" | "pip3" => (command.verb() == Some("install")).then_some(args),
        "python" | "python3" => {
            let at = args.iter().position(|word| word.text == "pip")?;
            let module = at > 0 && args[at - 1].text == "-m";
            (module && args.get(at + 1).is_some_and(|word| word.text == "install"))
                .then(|| &args[at + 1..])
        }
        _ => None,
    }
}

fn pip_cache_twice(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in files::runs(reading) {
        let Some(stage) = line.instruction.stage else {
            continue;
        };
        if !file.sets(stage, "PIP_NO_CACHE_DIR", Some(line.instruction.span)) {
            continue;
        }
        let commands = line
            .run()
            .iter()
            .filter(|command| pip_install(command).is_some());
        let mut words = commands.flat_map(Simple::args);
        if let Some(word) = words.find(|word| word.text == "--no-cache-dir") {
            let message = "esta opción ya la da `ENV PIP_NO_CACHE_DIR`";
            out.span(file.dockerfile, word.span, message);
        }
    }
}

fn pip_cache(reading: &Reading, out: &mut Out<'_>) {
    for (file, line) in files::runs(reading) {
        let Some(stage) = line
            .instruction
            .stage
            .filter(|stage| file.kept().contains(stage))
        else {
            continue;
        };
        let span = line.instruction.span;
        let cleaned = line.run().iter().any(|command| {
            command
                .words
                .iter()
                .chain(&command.assignments)
                .any(|word| word.text.contains(".cache") || word.text.contains("PIP_NO_CACHE_DIR"))
                || command
                    .args()
                    .windows(2)
                    .any(|two| two[0].text == "cache" && two[1].text == "purge")
        });
        let arg = file.lineage(stage).into_iter().any(|line| {
            matches!(line.instruction.kind, Kind::Arg(_))
                && line
                    .instruction
                    .pairs()
                    .iter()
                    .any(|pair| pair.name.text() == "PIP_NO_CACHE_DIR")
        });
        if cleaned || arg || line.lends_cache() || file.sets(stage, "PIP_NO_CACHE_DIR", Some(span))
        {
            continue;
        }
        for command in line.run() {
            let Some(args) = pip_install(command) else {
                continue;
            };
            let told = args.iter().any(|word| {
                ["--no-cache-dir", "--no-index", "--no-cache"].contains(&word.text.as_str())
                    || word.expands && word.text.starts_with('$')
            });
            if !told && !command.has_arg("--no-cache-dir") {
                out.span(
                    file.dockerfile,
                    command.span,
                    "lo que `pip` descarga queda también en la imagen".to_owned(),
                );
            }
        }
    }
}

fn pip_version(reading: &Reading, out: &mut Out<'_>) {
    const VALUED: [&str; 14] = [
        "-r",
        "--requirement",
        "-e",
        "--editable",
        "-t",
        "--target",
        "-i",
        "--index-url",
        "--extra-index-url",
        "-f",
        "--find-links",
        "--prefix",
        "--root",
        "--platform",
    ];
    for (file, line) in files::runs(reading) {
        for command in line.run() {
            let Some(args) = pip_install(command) else {
                continue;
            };
            if args.iter().any(|word| {
                word.text == "-c"
                    || word.text.starts_with("--constraint")
                    || word.text == "--no-index"
            }) {
                continue;
            }
            let mut skip = true;
            for word in args {
                let valued = VALUED.contains(&word.text.as_str());
                if std::mem::replace(&mut skip, valued) || valued || word.expands {
                    continue;
                }
                let name = word.text.as_str();
                let plain = name.starts_with(|c: char| c.is_ascii_alphabetic())
                    && name
                        .chars()
                        .all(|c| c.is_ascii_alphanumeric() || "-_.[],".contains(c))
                    && ![".txt", ".whl", ".gz", ".zip"]
                        .iter()
                        .any(|end| name.ends_with(end));
                let tools = [
                    "pip",
                    "setuptools",
                    "wheel",
                    "install",
                    "uv",
                    "poetry",
                    "pipenv",
                    "pip-tools",
                    "build",
                    "virtualenv",
                ];
                if plain && !tools.contains(&name) {
                    out.span(
                        file.dockerfile,
                        word.span,
                        format!("`{name}` no dice qué versión"),
                    );
                }
            }
        }
    }
}
