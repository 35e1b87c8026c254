//! `cargo bench --bench reading`: what reading costs, beside the peers that are installed, in one run.
//!
//! Whole processes, as a student's terminal or an editor would start them: wall time, processor time and peak memory
//! from the operating system's own accounting (`wait4`). `HADOLINT` names hadolint's program, else the one on `PATH` is
//! taken; `benches/peers.sh` installs it into a throw-away environment and runs this.

use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

type Outcome<T> = Result<T, Box<dyn Error>>;

/// Runs of each row, after one that warms the caches.
const RUNS: usize = 11;
/// Dockerfiles in the many-files row.
const MANY: usize = 500;

const DOCKERFILE: &str = r#"FROM python:3.11-slim
LABEL org.opencontainers.image.title="iris"
ENV PYTHONUNBUFFERED=1
WORKDIR /app
COPY requirements.txt .
RUN pip install --no-cache-dir -r requirements.txt
COPY app app
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=5s --timeout=3s --retries=3 \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/health', timeout=2)"]
CMD ["python", "-m", "app.main"]
"#;

const COMPOSE: &str = r#"services:
  api:
    build: .
    ports:
      - "127.0.0.1:8000:8000"
    environment:
      LOG_LEVEL: ${LOG_LEVEL:-INFO}
    restart: unless-stopped
  informe:
    build: .
    command: ["python", "-m", "app.informe"]
    depends_on:
      api:
        condition: service_healthy
"#;

fn main() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let small = folder.path().join("pequena");
    fs::create_dir_all(small.join("app"))?;
    fs::write(small.join("Dockerfile"), DOCKERFILE)?;
    fs::write(small.join("compose.yaml"), COMPOSE)?;
    fs::write(small.join(".dockerignore"), "**/.env*\n**/.git\n")?;
    fs::write(small.join("requirements.txt"), "fastapi==0.115.0\n")?;
    fs::write(small.join("app/main.py"), "")?;
    let many = folder.path().join("muchas");
    let paths = write_many(&many)?;

    let muelle = PathBuf::from(env!("CARGO_BIN_EXE_muelle"));
    let hadolint =
        std::env::var_os("HADOLINT").map_or_else(|| PathBuf::from("hadolint"), PathBuf::from);
    let version = Command::new(&hadolint).arg("--version").output();
    let peer = version.is_ok_and(|output| output.status.success());

    let mut table = String::from(
        "| what | tool | wall ms: median (min–max) | cpu ms: median | peak MiB |\n|---|---|---|---|---|\n",
    );
    let mut per_file = Vec::new();
    let folder_of = |path: &Path| vec![path.as_os_str().to_owned()];
    let reading = |path: &Path| {
        let mut args = vec![
            "check".into(),
            "--static".into(),
            "--format".into(),
            "json".into(),
        ];
        args.extend(folder_of(path));
        args
    };
    row(
        &mut table,
        "one folder: Dockerfile, compose.yaml, .dockerignore",
        "muelle",
        &muelle,
        &reading(&small),
    )?;
    if peer {
        let args = folder_of(&small.join("Dockerfile"));
        row(
            &mut table,
            "its Dockerfile alone",
            "hadolint",
            &hadolint,
            &args,
        )?;
    }
    let what = format!("{MANY} Dockerfiles in one call");
    let ours = row(&mut table, &what, "muelle", &muelle, &reading(&many))?;
    per_file.push(("muelle", ours));
    if peer {
        let args: Vec<_> = paths
            .iter()
            .map(|path| path.as_os_str().to_owned())
            .collect();
        let theirs = row(&mut table, &what, "hadolint", &hadolint, &args)?;
        per_file.push(("hadolint", theirs));
    }
    println!("{table}");
    for (tool, cpu) in &per_file {
        println!(
            "{tool}: {:.3} ms of processor time a file",
            millis(*cpu) / MANY as f64
        );
    }
    if let [(_, ours), (_, theirs)] = per_file.as_slice() {
        println!(
            "hadolint / muelle: {:.0}",
            theirs.as_secs_f64() / ours.as_secs_f64()
        );
    } else {
        println!("hadolint is not installed: `bash benches/peers.sh` installs it for this run");
    }
    growth(folder.path(), &muelle, &hadolint, peer)
}

/// Does the time grow with the input, and not faster?
fn growth(folder: &Path, muelle: &Path, hadolint: &Path, peer: bool) -> Outcome<()> {
    println!(
        "\n| instructions in one Dockerfile | muelle cpu ms | hadolint cpu ms |\n|---|---|---|"
    );
    // hadolint's time grows with the square: it is left out where it would take minutes.
    const MOST_FOR_PEER: usize = 1000;
    for instructions in [250, 500, 1000, 2000, 4000] {
        let path = folder.join(format!("crece/{instructions}/Dockerfile"));
        fs::create_dir_all(path.parent().ok_or("no folder")?)?;
        fs::write(&path, long(instructions))?;
        let args = ["check", "--static", "--format", "json"].map(Into::into);
        let mut args: Vec<std::ffi::OsString> = args.to_vec();
        args.push(path.clone().into());
        let ours = measure(muelle, &args, 5)?;
        let theirs = match peer && instructions <= MOST_FOR_PEER {
            true => format!(
                "{:.1}",
                millis(median(&measure(hadolint, &[path.into()], 1)?, |m| m.cpu))
            ),
            false => "–".to_owned(),
        };
        println!(
            "| {instructions} | {:.1} | {theirs} |",
            millis(median(&ours, |m| m.cpu))
        );
    }
    Ok(())
}

/// One Dockerfile of that many instructions.
fn long(instructions: usize) -> String {
    let mut text = String::from("FROM python:3.11-slim\nWORKDIR /app\n");
    for n in 0..instructions {
        let _ = match n % 4 {
            0 => writeln!(text, "ENV CLAVE_{n}=\"valor {n}\""),
            1 => writeln!(text, "RUN mkdir -p /datos/{n} && chown 10001 /datos/{n}"),
            2 => writeln!(text, "COPY app/{n}.py app/{n}.py"),
            _ => writeln!(text, "LABEL etiqueta.{n}=\"${{CLAVE_0}}\""),
        };
    }
    text
}

/// Dockerfiles that differ: bases, installers, users, checks, commands.
fn write_many(folder: &Path) -> Outcome<Vec<PathBuf>> {
    const BASES: [&str; 5] = [
        "python:3.11-slim",
        "python:3.12",
        "node:22-slim",
        "debian:bookworm-slim",
        "alpine:3.20",
    ];
    const INSTALLS: [&str; 5] = [
        "pip install --no-cache-dir -r requirements.txt",
        "apt-get update && apt-get install -y --no-install-recommends build-essential \\\n    && rm -rf /var/lib/apt/lists/*",
        "apk add --no-cache curl",
        "npm ci --omit=dev",
        "python -m venv /opt/venv && /opt/venv/bin/pip install fastapi uvicorn",
    ];
    const COMMANDS: [&str; 4] = [
        "[\"uvicorn\", \"app.main:app\", \"--host\", \"0.0.0.0\", \"--port\", \"8000\"]",
        "python -m app.main",
        "[\"node\", \"server.js\"]",
        "exec gunicorn -b 0.0.0.0:8000 app:app",
    ];
    let mut paths = Vec::new();
    for n in 0..MANY {
        let path = folder.join(format!("{n:04}/Dockerfile"));
        fs::create_dir_all(path.parent().ok_or("no folder")?)?;
        let mut text = String::new();
        let _ = writeln!(
            text,
            "# Servicio {n}\nFROM {} AS base",
            BASES[n % BASES.len()]
        );
        let _ = writeln!(
            text,
            "ENV VERSION={n} \\\n    MODO=produccion\nWORKDIR /srv/app{n}"
        );
        let _ = writeln!(
            text,
            "COPY requirements.txt package.json ./\nRUN {}",
            INSTALLS[n / 2 % INSTALLS.len()]
        );
        let _ = writeln!(
            text,
            "COPY . .\nRUN groupadd -r app && useradd -r -g app app{n} && chown -R app{n} /srv"
        );
        if n % 3 > 0 {
            let _ = writeln!(text, "USER app{n}");
        }
        if n % 4 == 0 {
            let _ = writeln!(
                text,
                "HEALTHCHECK --interval=30s CMD curl -f http://localhost:8000/health || exit 1"
            );
        }
        let _ = writeln!(
            text,
            "EXPOSE 8000\nCMD {}",
            COMMANDS[n / 3 % COMMANDS.len()]
        );
        fs::write(&path, text)?;
        paths.push(path);
    }
    Ok(paths)
}

/// What the operating system says of one process.
struct Measured {
    wall: Duration,
    cpu: Duration,
    peak_kib: u64,
}

fn row(
    table: &mut String,
    what: &str,
    tool: &str,
    program: &Path,
    args: &[std::ffi::OsString],
) -> Outcome<Duration> {
    let runs = measure(program, args, RUNS)?;
    let wall = |pick: fn(Vec<Duration>) -> Option<Duration>| {
        millis(pick(runs.iter().map(|run| run.wall).collect()).unwrap_or_default())
    };
    let peak = runs.iter().map(|run| run.peak_kib).max().unwrap_or(0);
    let cpu = median(&runs, |run| run.cpu);
    writeln!(
        table,
        "| {what} | {tool} | {:.1} ({:.1}–{:.1}) | {:.1} | {:.1} |",
        millis(median(&runs, |run| run.wall)),
        wall(|times| times.into_iter().min()),
        wall(|times| times.into_iter().max()),
        millis(cpu),
        peak as f64 / 1024.0
    )?;
    Ok(cpu)
}

fn measure(program: &Path, args: &[std::ffi::OsString], runs: usize) -> Outcome<Vec<Measured>> {
    let mut all = Vec::new();
    for _ in 0..=runs {
        let begun = Instant::now();
        let mut child = Command::new(program)
            .args(args)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let used = child.wait4()?;
        // Findings are no failure of a linter: both tools end with 1 then. A higher code is one.
        if used.status.code().is_none_or(|code| code > 1) {
            return Err(format!("{} ended with {}", program.display(), used.status).into());
        }
        all.push(Measured {
            wall: begun.elapsed(),
            cpu: used.rusage.utime + used.rusage.stime,
            peak_kib: used.rusage.maxrss / 1024,
        });
    }
    all.remove(0);
    Ok(all)
}

fn median(runs: &[Measured], of: impl Fn(&Measured) -> Duration) -> Duration {
    let mut times: Vec<Duration> = runs.iter().map(of).collect();
    times.sort();
    times.get(times.len() / 2).copied().unwrap_or_default()
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}
