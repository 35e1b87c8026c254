//! Health checks, wherever they are written: a Dockerfile's `HEALTHCHECK` or a service's `healthcheck`.

mod built;
mod compose;
mod dockerfile;
mod elsewhere;

pub(in crate::rules) use compose::may_work;

use super::{Out, Rule, Topic};
use crate::submission::Reading;
use crate::submission::known_images::KnownImage;
use crate::verdict::Level;

pub(in crate::rules) static TOPIC: Topic = Topic {
    title: "El chequeo de salud",
    rules: &RULES,
};

static RULES: [Rule; 8] = [
    Rule {
        id: "chequeo-sin-programa",
        title: "un chequeo de salud usa un programa que la imagen no tiene",
        level: Level::Error,
        why: "El chequeo se ejecuta dentro del contenedor: si el programa no está, falla siempre, y el contenedor queda `unhealthy` aunque la app conteste.",
        fix: "usa un programa que la imagen tenga, o instálalo en la última etapa del Dockerfile",
        lesson: "02-dockerfile.html#health-check",
        equivalents: &[],
        wrong: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nUSER 10001\nHEALTHCHECK CMD curl -f http://localhost:8000/health || exit 1\nCMD [\"python\", \"-m\", \"app\"]\n",
            ),
            (
                "compose.yaml",
                "services:\n  api:\n    build: .\n    healthcheck:\n      test: [\"CMD\", \"wget\", \"-q\", \"http://127.0.0.1:8000/health\"]\n  web:\n    image: alpine:3.20\n    command: httpd -f\n    healthcheck:\n      test: curl -f http://localhost/ || exit 1\n",
            ),
        ],
        right: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nRUN apt-get update && apt-get install -y --no-install-recommends curl && rm -rf /var/lib/apt/lists/*\nUSER 10001\nHEALTHCHECK CMD curl -f http://localhost:8000/health || exit 1\nCMD [\"python\", \"-m\", \"app\"]\n",
            ),
            (
                "compose.yaml",
                "services:\n  api:\n    build: .\n    healthcheck:\n      test: [\"CMD\", \"curl\", \"-f\", \"http://127.0.0.1:8000/health\"]\n  web:\n    image: alpine:3.20\n    command: httpd -f\n    healthcheck:\n      test: wget -q -O /dev/null http://localhost/ || exit 1\n",
            ),
        ],
        check: absent_program,
    },
    Rule {
        id: "chequeo-que-no-falla",
        title: "un chequeo de salud no puede fallar",
        level: Level::Warning,
        why: "Lo último que se ejecuta decide la salud: con `|| true`, `exit 0` o `echo` al final, el contenedor sale `healthy` con la app caída, y quien dependa de ella no lo sabrá.",
        fix: "quita ese final, o escribe `|| exit 1`: el chequeo tiene que terminar en error cuando la app falla",
        lesson: "02-dockerfile.html#health-check",
        equivalents: &[],
        wrong: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nUSER 10001\nHEALTHCHECK CMD python salud.py || true\nCMD [\"python\", \"-m\", \"app\"]\n",
            ),
            (
                "compose.yaml",
                "services:\n  cache:\n    image: redis:7.4\n    healthcheck:\n      test: redis-cli ping || true\n",
            ),
        ],
        right: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nUSER 10001\nHEALTHCHECK CMD python salud.py || exit 1\nCMD [\"python\", \"-m\", \"app\"]\n",
            ),
            (
                "compose.yaml",
                "services:\n  cache:\n    image: redis:7.4\n    healthcheck:\n      test: redis-cli ping || exit 1\n",
            ),
        ],
        check: never_fails,
    },
    Rule {
        id: "chequeo-curl-sin-f",
        title: "un chequeo de salud con `curl` acierta aunque la app responda un error",
        level: Level::Warning,
        why: "Sin `-f`, `curl` termina bien con cualquier respuesta, también con un 500 o un 503: le basta con que alguien conteste.",
        fix: "añade `-f`: `curl -f …`",
        lesson: "02-dockerfile.html#health-check",
        equivalents: &[],
        wrong: &[
            (
                "Dockerfile",
                "FROM node:22\nUSER node\nHEALTHCHECK CMD curl http://localhost:3000/health || exit 1\nCMD [\"node\", \"a.js\"]\n",
            ),
            (
                "compose.yaml",
                "services:\n  web:\n    image: nginx:1.27\n    healthcheck:\n      test: [\"CMD\", \"curl\", \"-s\", \"http://localhost/\"]\n",
            ),
        ],
        right: &[
            (
                "Dockerfile",
                "FROM node:22\nUSER node\nHEALTHCHECK CMD curl -fsS http://localhost:3000/health || exit 1\nCMD [\"node\", \"a.js\"]\n",
            ),
            (
                "compose.yaml",
                "services:\n  web:\n    image: nginx:1.27\n    healthcheck:\n      test: [\"CMD\", \"curl\", \"-sf\", \"http://localhost/\"]\n",
            ),
        ],
        check: curl,
    },
    Rule {
        id: "chequeo-sin-shell",
        title: "un chequeo de salud `CMD` está escrito para un shell",
        level: Level::Error,
        why: "Con `CMD` cada elemento de la lista es una palabra y no hay shell: un `||` le llega al programa como un argumento más, y el chequeo falla siempre o prueba otra cosa.",
        fix: "escribe `[\"CMD-SHELL\", \"orden\"]`, con la orden entera en un solo texto",
        lesson: "02-dockerfile.html#health-check",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  cache:\n    image: redis:7.4\n    healthcheck:\n      test: [\"CMD\", \"redis-cli ping || exit 1\"]\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  cache:\n    image: redis:7.4\n    healthcheck:\n      test: [\"CMD-SHELL\", \"redis-cli ping || exit 1\"]\n",
        )],
        check: compose::no_shell,
    },
    Rule {
        id: "chequeo-con-variable-sin-shell",
        title: "un chequeo de salud `CMD` recibe `$VARIABLE` tal cual",
        level: Level::Warning,
        why: "Con `CMD` no hay shell que sustituya las variables del contenedor: el programa recibe el dólar y el nombre.",
        fix: "escribe `[\"CMD-SHELL\", \"orden\"]`, con la orden entera en un solo texto",
        lesson: "02-dockerfile.html#health-check",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  base:\n    image: postgres:17\n    healthcheck:\n      test: [\"CMD\", \"pg_isready\", \"-U\", \"$$POSTGRES_USER\"]\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  base:\n    image: postgres:17\n    healthcheck:\n      test: [\"CMD-SHELL\", \"pg_isready -U $$POSTGRES_USER\"]\n",
        )],
        check: compose::variable,
    },
    Rule {
        id: "chequeo-con-cero",
        title: "un cero en un chequeo de salud vale como no escribirlo",
        level: Level::Note,
        why: "Para Docker, 0 quiere decir «lo de siempre»: 3 intentos y 30 segundos.",
        fix: "escribe un número mayor que cero, como `retries: 1` o `interval: 1s`",
        lesson: "02-dockerfile.html#health-check",
        equivalents: &[],
        wrong: &[(
            "compose.yaml",
            "services:\n  cache:\n    image: redis:7.4\n    healthcheck:\n      test: [\"CMD\", \"redis-cli\", \"ping\"]\n      retries: 0\n",
        )],
        right: &[(
            "compose.yaml",
            "services:\n  cache:\n    image: redis:7.4\n    healthcheck:\n      test: [\"CMD\", \"redis-cli\", \"ping\"]\n      retries: 1\n",
        )],
        check: compose::zero,
    },
    Rule {
        id: "chequeo-con-codigo-reservado",
        title: "un chequeo de salud termina con un código que no es 0 ni 1",
        level: Level::Note,
        why: "Docker solo define dos respuestas, 0 si está sano y 1 si no; el 2 está reservado. Los demás cuentan hoy como 1, pero nadie lo promete.",
        fix: "termina con `exit 1` cuando la app falla",
        lesson: "02-dockerfile.html#health-check",
        equivalents: &[],
        wrong: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nCOPY salud.py .\nUSER 10001\nHEALTHCHECK CMD python salud.py || exit 2\nCMD [\"python\", \"-m\", \"app\"]\n",
            ),
            (
                "compose.yaml",
                "services:\n  cache:\n    image: redis:7.4\n    healthcheck:\n      test: redis-cli ping || exit 2\n",
            ),
        ],
        right: &[
            (
                "Dockerfile",
                "FROM python:3.11-slim\nCOPY salud.py .\nUSER 10001\nHEALTHCHECK CMD python salud.py || exit 1\nCMD [\"python\", \"-m\", \"app\"]\n",
            ),
            (
                "compose.yaml",
                "services:\n  cache:\n    image: redis:7.4\n    healthcheck:\n      test: redis-cli ping || exit 1\n",
            ),
        ],
        check: reserved_code,
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
        check: elsewhere::check,
    },
];

fn absent_program(reading: &Reading, out: &mut Out<'_>) {
    dockerfile::absent(reading, out);
    compose::program(reading, out);
    built::program(reading, out);
}

fn reserved_code(reading: &Reading, out: &mut Out<'_>) {
    dockerfile::reserved_code(reading, out);
    compose::reserved_code(reading, out);
}

fn never_fails(reading: &Reading, out: &mut Out<'_>) {
    dockerfile::never_fails(reading, out);
    compose::never_fails(reading, out);
}

fn curl(reading: &Reading, out: &mut Out<'_>) {
    dockerfile::curl(reading, out);
    compose::curl(reading, out);
}

/// What can ask for a page in an image that is known, to be written behind `before`: `HEALTHCHECK CMD [` or `["CMD", `.
fn instead(image: KnownImage, before: &str) -> Option<String> {
    let has = |program| image.has(program) == Some(true);
    let (name, words) = if has("python") {
        (
            "Python",
            r#""python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8000/health', timeout=2)""#,
        )
    } else if has("wget") {
        (
            "`wget`",
            r#""wget", "-q", "-O", "/dev/null", "http://127.0.0.1:8000/health""#,
        )
    } else {
        return None;
    };
    Some(format!(
        "usa {name}, que sí está: `{before}{words}]`, con tu puerto"
    ))
}
