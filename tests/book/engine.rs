//! What is built and run, on the real engine.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bollard::query_parameters::{RemoveImageOptions, TagImageOptionsBuilder};
use muelle::book::verb::Verb;
use muelle::course::{Course, Source};
use muelle::lab::build::{BuildError, Built, Recipe};
use muelle::lab::doctor;
use muelle::lab::engine::Engine;
use muelle::lab::images::BaseImage;
use muelle::lab::{Lab, RUN_LABEL};
use muelle::submission::Snapshot;
use muelle::submission::dockerfile::Dockerfile;
use muelle::submission::dockerignore::{self, Dockerignore};
use muelle::submission::snapshot::Limits;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tokio::task::JoinHandle;

use super::console;
use super::page::{Page, Told};
use super::reading as read;

/// The image that the whole course stands on.
const BASE: &str = "python:3.11-slim";

/// What a reader's folder is called, and so what Compose calls the project in it.
const PROJECT: &str = "iris";

/// How long all that a block types may take.
const PATIENCE: &str = "120";

/// Blocks that took less are not told of.
const WORTH_TELLING: Duration = Duration::from_secs(3);

/// The engine, and what the book makes on it.
pub struct Bench {
    runtime: Runtime,
    lab: Arc<Lab>,
    watch: JoinHandle<()>,
    tools: TempDir,
    compose: bool,
    files: Snapshot,
}

impl Bench {
    /// Finds the engine, and prepares it as `muelle demo` does.
    pub fn open(course: &Course) -> Self {
        let runtime = Runtime::new().unwrap();
        let (lab, watch) = runtime.block_on(async {
            let say = |line: &str| eprintln!("· {line}");
            let images = [BaseImage::new(BASE)];
            doctor::fix(&images, None, &say)
                .await
                .expect("an engine and the base image");
            let engine = Arc::new(Engine::connect(&say).await.expect("an engine"));
            let lab = Arc::new(Lab::open(engine).unwrap());
            lab.moor(&[BASE.to_owned()]).await.unwrap();
            let watched = lab.clone();
            (lab, tokio::spawn(async move { watched.watch().await }))
        });
        let tools = tools(&lab);
        let compose = Command::new("docker")
            .args(["compose", "version"])
            .env("DOCKER_CONFIG", tools.path())
            .stdin(Stdio::null())
            .output()
            .is_ok_and(|output| output.status.success());
        let project = course.find("proyecto-final").unwrap();
        // As a student of the final project has them, with the model that the other exercises have.
        let mut files = Source::embedded().app().clone();
        files.lay(&project.course_files);
        Self {
            runtime,
            lab,
            watch,
            tools,
            compose,
            files,
        }
    }

    /// Builds and runs every block of `page` that asks for it, in their order, in one folder.
    pub fn try_page(&self, page: &Page) -> Result<(), String> {
        let home = tempfile::tempdir().unwrap();
        let folder = home.path().join(PROJECT);
        self.files.write(&folder).unwrap();
        let mut scene = Scene {
            bench: self,
            folder,
            home,
            composes: page.ports().contains(&0),
            names: BTreeMap::new(),
            before: self.compose_objects(),
        };
        let mut faults = Vec::new();
        let mut left_out = 0;
        let begun = Instant::now();
        for block in page.told() {
            if !self.compose && block.text.contains("docker compose") && block.verb == Verb::Runs {
                left_out += 1;
                continue;
            }
            let block_begun = Instant::now();
            if let Err(why) = scene.try_block(&block) {
                faults.push(format!("{}:{}: {why}", page.name, block.line));
            }
            let took = block_begun.elapsed();
            if took > WORTH_TELLING {
                eprintln!(
                    "· {}:{}: {:.1} s",
                    page.name,
                    block.line,
                    took.as_secs_f64()
                );
            }
        }
        scene.strike();
        eprintln!("· {}: {:.1} s", page.name, begun.elapsed().as_secs_f64());
        if left_out > 0 {
            let told = format!(
                "{}: {left_out} bloques piden `docker compose`, que aquí no está",
                page.name
            );
            eprintln!("· {told}");
            if std::env::var_os("MUELLE_BOOK_ALL").is_some() {
                faults.push(told);
            }
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults.join("\n"))
        }
    }

    /// Removes everything from the engine.
    pub fn close(self) -> Result<(), String> {
        let closed = self.runtime.block_on(self.lab.close(false));
        self.watch.abort();
        closed.map_err(|error| error.to_string())
    }

    fn name(&self, image: &str, name: &str) -> Result<(), String> {
        let (repository, tag) = name.split_once(':').unwrap_or((name, "latest"));
        let options = TagImageOptionsBuilder::default()
            .repo(repository)
            .tag(tag)
            .build();
        let tagged = self.lab.docker().tag_image(image, Some(options));
        self.runtime
            .block_on(tagged)
            .map_err(|error| error.to_string())
    }

    fn docker(&self, args: &[&str]) -> String {
        let output = Command::new("docker")
            .args(args)
            .env("DOCKER_HOST", &self.lab.engine().endpoint().host)
            .stdin(Stdio::null())
            .output()
            .expect("docker's own command");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Everything that Compose made on the engine, by kind and id.
    fn compose_objects(&self) -> BTreeSet<(&'static str, String)> {
        let label = "label=com.docker.compose.project";
        let mut all = BTreeSet::new();
        for (kind, list) in [
            (
                "container",
                &["ps", "-aq", "--no-trunc", "--filter", label][..],
            ),
            (
                "network",
                &["network", "ls", "-q", "--no-trunc", "--filter", label],
            ),
            ("volume", &["volume", "ls", "-q", "--filter", label]),
            ("image", &["images", "-q", "--no-trunc", "--filter", label]),
        ] {
            all.extend(self.docker(list).lines().map(|id| (kind, id.to_owned())));
        }
        all
    }
}

/// Docker's configuration for the blocks: the plugins that were named, and a `docker` that marks what it makes.
fn tools(lab: &Lab) -> TempDir {
    let tools = tempfile::tempdir().unwrap();
    let plugins = tools.path().join("cli-plugins");
    fs::create_dir(&plugins).unwrap();
    for (name, variable) in [
        ("docker-compose", "MUELLE_COMPOSE"),
        ("docker-buildx", "MUELLE_BUILDX"),
    ] {
        if let Some(path) = std::env::var_os(variable) {
            symlink(fs::canonicalize(path).unwrap(), plugins.join(name)).unwrap();
        }
    }
    let found = Command::new("sh")
        .args(["-c", "command -v docker"])
        .output()
        .unwrap();
    let real = String::from_utf8(found.stdout).unwrap();
    let mark = format!("--label {RUN_LABEL}={}", lab.id());
    let script = format!(
        r#"#!/bin/sh
case "$1" in
  run|create|build) order=$1; shift; exec {real} "$order" {mark} "$@" ;;
  volume|network) if [ "$2" = create ]; then kind=$1; shift 2; exec {real} "$kind" create {mark} "$@"; fi ;;
  container|image) case "$2" in run|create|build) kind=$1 order=$2; shift 2; exec {real} "$kind" "$order" {mark} "$@" ;; esac ;;
esac
exec {real} "$@"
"#,
        real = real.trim()
    );
    let bin = tools.path().join("bin");
    fs::create_dir(&bin).unwrap();
    fs::write(bin.join("docker"), script).unwrap();
    fs::set_permissions(bin.join("docker"), fs::Permissions::from_mode(0o755)).unwrap();
    tools
}

/// One page while its blocks are tried.
struct Scene<'b> {
    bench: &'b Bench,
    folder: PathBuf,
    home: TempDir,
    /// Whether it brings a project up.
    composes: bool,
    /// The names that it gave to its images, and the image that had each before.
    names: BTreeMap<String, Option<String>>,
    before: BTreeSet<(&'static str, String)>,
}

impl Scene<'_> {
    fn try_block(&mut self, block: &Told) -> Result<(), String> {
        match &block.verb {
            Verb::Builds(name) if block.language == "dockerfile" => {
                self.write(block, true);
                let built = self.build(block)?.map_err(|error| tell(&error))?;
                match name {
                    Some(name) => self.tag(&built, name),
                    None => Ok(()),
                }
            }
            Verb::Builds(_) | Verb::Holds => {
                self.write(block, false);
                match block.language.as_str() {
                    "python" => self.python(&block.text),
                    _ => Ok(()),
                }
            }
            Verb::Runs => self.run(&block.text),
            Verb::Fails(what) if muelle::rules::find(what).is_none() => self.fails(block, what),
            Verb::Fails(_) | Verb::ReadOnly(_) => Ok(()),
        }
    }

    /// Puts the block into the folder, for those that follow: under the name that it says, or (`always`) the usual one.
    fn write(&self, block: &Told, always: bool) {
        let name = if always {
            block.file()
        } else {
            block.own_name()
        };
        if let Some(name) = name {
            let path = self.folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, &block.text).unwrap();
        }
    }

    /// Builds the block in the folder as it stands; the outer error is not the block's.
    fn build(&self, block: &Told) -> Result<Result<Built, BuildError>, String> {
        let name = block.file().ok_or("no sé qué archivo es")?;
        let snapshot =
            Snapshot::read(&self.folder, Limits::default()).map_err(|e| e.to_string())?;
        let text = block.text.clone();
        let dockerfile = Dockerfile::read(&name, text.as_bytes(), &BTreeMap::new());
        let froms = match &dockerfile {
            Ok(dockerfile) => dockerfile.stage_starts(),
            Err(_) => Vec::new(),
        };
        let ignore = Dockerignore::for_build(&snapshot, "", &name).map_err(|e| e.message)?;
        let recipe = Recipe {
            context: dockerignore::context(&snapshot, "", &ignore),
            path: name,
            dockerfile: text.into_bytes().into(),
            froms,
            ..Recipe::default()
        };
        let tag = format!("libro-{}", block.line);
        Ok(self
            .bench
            .runtime
            .block_on(self.bench.lab.build(&tag, &recipe)))
    }

    /// Names the image, until the page is done.
    fn tag(&mut self, built: &Built, name: &str) -> Result<(), String> {
        let docker = self.bench.lab.docker();
        let before = self.bench.runtime.block_on(docker.inspect_image(name));
        let before = before.ok().and_then(|image| image.id);
        self.bench.name(&built.image, name)?;
        self.names.entry(name.to_owned()).or_insert(before);
        Ok(())
    }

    /// The build stops with that text, or a rule's message has it.
    fn fails(&self, block: &Told, text: &str) -> Result<(), String> {
        let found = read::findings(block)?;
        if found.iter().any(|finding| finding.message.contains(text)) {
            return Ok(());
        }
        if block.language != "dockerfile" {
            return Err(format!("ninguna regla dice `{text}`"));
        }
        match self.build(block)? {
            Ok(_) => Err(format!("se construye, y tenía que fallar con `{text}`")),
            Err(error) => {
                let told = tell(&error);
                if told.contains(text) {
                    Ok(())
                } else {
                    Err(format!("falla, pero no con `{text}`: {told}"))
                }
            }
        }
    }

    /// Python takes it.
    fn python(&self, text: &str) -> Result<(), String> {
        let script = "import ast, sys; ast.parse(sys.stdin.read())";
        fs::write(self.home.path().join("bloque.py"), text).unwrap();
        let stdin = fs::File::open(self.home.path().join("bloque.py")).unwrap();
        let output = self
            .command("docker")
            .args([
                "run",
                "--rm",
                "-i",
                "--network",
                "none",
                BASE,
                "python",
                "-c",
                script,
            ])
            .stdin(stdin)
            .output()
            .unwrap();
        if output.status.success() {
            Ok(())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }

    /// Types every step in one shell, and compares what comes back.
    fn run(&self, text: &str) -> Result<(), String> {
        let steps = console::session(text)?;
        let mark = muelle::lab::token(16);
        let mut script = String::from("exec 2>&1\n");
        for step in &steps {
            // What is wrong with one step is told by it, and the next goes on.
            script.push_str(&format!("{}\nprintf '%s\\n' '{mark}'\n", step.typed));
        }
        let path = self.home.path().join("bloque.sh");
        fs::write(&path, script).unwrap();
        let output = self
            .command("timeout")
            .args(["--kill-after=5", PATIENCE, "bash"])
            .arg(&path)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        // As a shell that reads what is typed calls itself.
        let printed = printed.replace(&format!("{}: line ", path.display()), "bash: line ");
        let parts: Vec<&str> = printed.split(&format!("{mark}\n")).collect();
        if parts.len() <= steps.len() {
            let at = &steps[parts.len() - 1].typed;
            return Err(format!(
                "`{at}` no acabó ({}): {}",
                output.status,
                parts[parts.len() - 1]
            ));
        }
        let mut faults = Vec::new();
        for (step, printed) in steps.iter().zip(parts) {
            if let Err(why) = console::same(&step.shown, printed) {
                faults.push(format!("`{}`\n  {why}", step.typed));
            }
        }
        if faults.is_empty() {
            Ok(())
        } else {
            Err(faults.join("\n"))
        }
    }

    fn command(&self, program: &str) -> Command {
        let here = Path::new(env!("CARGO_BIN_EXE_muelle")).parent().unwrap();
        let bin = self.bench.tools.path().join("bin");
        let others = std::env::var("PATH").unwrap_or_default();
        let path = format!("{}:{}:{others}", bin.display(), here.display());
        let mut command = Command::new(program);
        command
            .current_dir(&self.folder)
            .env("PATH", path)
            .env("HOME", self.home.path())
            .env("DOCKER_CONFIG", self.bench.tools.path())
            .env("DOCKER_HOST", &self.bench.lab.engine().endpoint().host)
            .env("LANG", "C.UTF-8")
            .env("NO_COLOR", "1")
            .env("TERM", "dumb")
            .env("COLUMNS", "100")
            .env_remove("LC_ALL");
        command
    }

    /// Takes away what the page left: the names of its images, and what Compose made.
    fn strike(self) {
        let docker = self.bench.lab.docker();
        for (name, before) in &self.names {
            // What a session built under the name goes with the steps that led to it; what the lab built has another.
            let removed = docker.remove_image(name, None::<RemoveImageOptions>, None);
            let _ = self.bench.runtime.block_on(removed);
            if let Some(image) = before {
                let _ = self.bench.name(image, name);
            }
        }
        // Whoever brings a project up has its name alone; others would take it from under their feet.
        if !self.composes {
            return;
        }
        let after = self.bench.compose_objects();
        let mine = |kind: &str, id: &str| {
            let template = match kind {
                "container" | "image" => "{{index .Config.Labels \"com.docker.compose.project\"}}",
                _ => "{{index .Labels \"com.docker.compose.project\"}}",
            };
            let project = self
                .bench
                .docker(&[kind, "inspect", "--format", template, id]);
            project.trim() == PROJECT
        };
        for kind in ["container", "network", "volume", "image"] {
            let new = after.difference(&self.before).filter(|(of, _)| *of == kind);
            for (kind, id) in new.filter(|(kind, id)| mine(kind, id)) {
                let force = if *kind == "network" {
                    &[][..]
                } else {
                    &["-f"][..]
                };
                self.bench.docker(&[&[kind, "rm"], force, &[id]].concat());
            }
        }
    }
}

fn tell(error: &BuildError) -> String {
    match error {
        BuildError::Failed(failure) => {
            let step = failure.step.clone().unwrap_or_default();
            format!("{step}: {}\n{}", failure.message, failure.output.join("\n"))
        }
        other => other.to_string(),
    }
}
