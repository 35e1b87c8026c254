use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use clap::ValueEnum;
use tokio::task::JoinSet;

use super::live::Live;
use super::{exit, static_check, tell};
use crate::check::{self, CheckError};
use crate::course::{Course, Exercise, find_folder};
use crate::experiments;
use crate::lab::engine::{Engine, EngineError};
use crate::lab::images::BaseImage;
use crate::lab::reaper;
use crate::report;
use crate::verdict::Verdict;

/// `muelle check`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Ejercicios de esta carpeta del curso; con --exercise, la carpeta de la entrega o su .zip, .tar.gz, .tgz o .tar
    #[arg(value_name = "ID|RUTA")]
    targets: Vec<PathBuf>,
    /// Comprueba cualquier carpeta como entrega de este ejercicio
    #[arg(long, value_name = "ID")]
    exercise: Option<String>,
    /// Solo lee, sin motor: dice al momento lo que se ve en los archivos de cualquier carpeta
    #[arg(long = "static", visible_alias = "solo-leer", conflicts_with_all = ["exercise", "timings"])]
    reading: bool,
    /// Atiende los comentarios `# muelle: ignora REGLA` de los archivos; solo con --static
    #[arg(
        long = "heed-comments",
        visible_alias = "atiende-comentarios",
        requires = "reading"
    )]
    heed_comments: bool,
    /// Cómo se cuenta el resultado
    #[arg(long, value_name = "FORMATO", default_value = "human")]
    format: Format,
    /// Dónde se prueba la entrega
    #[arg(long, value_name = "DÓNDE", default_value = "compartido")]
    sandbox: Sandbox,
    /// Dice en qué se fue el tiempo
    #[arg(long)]
    timings: bool,
}

/// How a result is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// Para leer en la terminal
    Human,
    /// Un documento JSON
    Json,
    /// SARIF 2.1.0, solo con --static
    Sarif,
    /// Anotaciones de GitHub Actions, solo con --static
    Github,
}

/// Where submissions are tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Sandbox {
    /// En un motor propio, aislado y con límites, que dura lo que dura esta orden: para entregas ajenas (Linux, root)
    Privado,
    /// En tu motor de Docker: para tus propias entregas
    Compartido,
}

impl Sandbox {
    /// The engine to try submissions of `exercises` on, with their images.
    pub(super) async fn engine(
        self,
        exercises: impl IntoIterator<Item = &Exercise>,
        say: &(dyn Fn(&str) + Send + Sync),
    ) -> Result<Engine, EngineError> {
        match self {
            Self::Compartido => Engine::connect(say).await,
            Self::Privado => {
                let references = exercises.into_iter().flat_map(|exercise| &exercise.images);
                let images: BTreeSet<&String> = references.collect();
                let images: Vec<_> = images.into_iter().map(BaseImage::new).collect();
                Engine::connect_sandbox(&images, say).await
            }
        }
    }
}

impl Args {
    /// Whether nothing is asked of an engine.
    pub fn is_static(&self) -> bool {
        self.reading
    }
}

/// Reads and judges what was asked for, without an engine.
pub fn read(args: &Args) -> anyhow::Result<u8> {
    static_check::run(&args.targets, args.format, args.heed_comments)
}

/// Checks the submissions asked for.
pub async fn run(args: Args) -> anyhow::Result<u8> {
    if matches!(args.format, Format::Sarif | Format::Github) {
        return usage("los formatos `sarif` y `github` son de la lectura: añade `--static`");
    }
    let course = match course() {
        Ok(course) => course,
        Err(error) => return usage(&format!("{error:#}")),
    };
    let work = match work(&args, &course) {
        Ok(work) => work,
        Err(why) => return usage(&why),
    };
    let live = Live::new(args.format == Format::Json);
    let mut verdicts = Vec::new();
    let mut code = exit::PASSED;
    let engine = match args
        .sandbox
        .engine(work.iter().map(|(exercise, _)| *exercise), &|line| {
            live.say(line)
        })
        .await
    {
        Ok(engine) => Some(Arc::new(engine)),
        Err(error) => {
            live.end();
            tell::error(error);
            None
        }
    };
    // What killed checks left goes meanwhile: nothing of theirs stands in the way of this one.
    let mut chores = JoinSet::new();
    if let Some(engine) = &engine {
        let docker = engine.docker().clone();
        chores.spawn(async move { reaper::reap(&docker).await });
    }
    for (exercise, path) in work {
        let Some(engine) = &engine else {
            match check::without_engine(exercise, &path, "no hay motor de Docker en marcha") {
                Ok(verdict) => verdicts.push(verdict),
                Err(error) => {
                    tell::error(error);
                    code = code.max(exit::USAGE);
                }
            }
            continue;
        };
        match check_one(engine, exercise, &path, &live).await? {
            Checked::Verdict(verdict) => verdicts.push(*verdict),
            Checked::Unreadable(why) => {
                live.end();
                tell::error(why);
                code = code.max(exit::USAGE);
            }
            Checked::Interrupted(code) => {
                live.end();
                release(engine.clone()).await;
                return Ok(code);
            }
        }
    }
    live.end();
    // That something of theirs cannot be removed is no fault of these submissions.
    chores.join_all().await;
    if !args.timings {
        verdicts
            .iter_mut()
            .for_each(|verdict| verdict.timings.clear());
    }
    match args.format {
        Format::Human => tell::written(report::terminal::print(&verdicts))?,
        _ => tell::written(report::json::print(&verdicts))?,
    }
    if let Some(engine) = engine {
        release(engine).await;
    }
    Ok(verdicts.iter().map(exit::of).fold(code, u8::max))
}

/// How one submission's check ended.
pub(super) enum Checked {
    /// With a verdict.
    Verdict(Box<Verdict>),
    /// It could not be read.
    Unreadable(String),
    /// By a signal; with the exit code for it.
    Interrupted(u8),
}

/// Checks one submission; Ctrl-C and SIGTERM end it and leave nothing on the engine.
pub(super) async fn check_one(
    engine: &Arc<Engine>,
    exercise: &Exercise,
    path: &Path,
    live: &Live,
) -> anyhow::Result<Checked> {
    let tell = |event| live.show(event);
    let code = OnceLock::new();
    let interrupt = async {
        let signal = interrupted().await;
        live.say("interrumpido: retiro lo que quedaba en el motor");
        code.get_or_init(|| signal);
    };
    match check::check_until(engine.clone(), exercise, path, &tell, interrupt).await {
        Ok(verdict) => Ok(Checked::Verdict(Box::new(verdict))),
        Err(CheckError::Unreadable(why)) => Ok(Checked::Unreadable(why)),
        Err(CheckError::Interrupted) => Ok(Checked::Interrupted(
            code.get().copied().unwrap_or(exit::INTERRUPTED),
        )),
        Err(CheckError::Machine(error)) => Err(error),
    }
}

/// Lets go of the engine; a private one is stopped.
pub(super) async fn release(engine: Arc<Engine>) {
    if let Some(engine) = Arc::into_inner(engine) {
        engine.stop().await;
    }
}

/// The course inside the binary, with what a course folder around adds to it.
pub(super) fn course() -> anyhow::Result<Course> {
    let specs = experiments::specs();
    let here = std::env::current_dir()?;
    Ok(match find_folder(&here) {
        Some(root) => Course::with_folder(&root, &specs)?,
        None => Course::embedded(&specs)?,
    })
}

/// What to check, each with its folder.
fn work<'a>(args: &Args, course: &'a Course) -> Result<Vec<(&'a Exercise, PathBuf)>, String> {
    if let Some(id) = &args.exercise {
        let exercise = course.find(id).map_err(|error| error.to_string())?;
        return match args.targets.as_slice() {
            [path] => Ok(vec![(exercise, path.clone())]),
            [] => Err("falta la carpeta de la entrega: muelle check --exercise ID RUTA".into()),
            paths => Ok(paths.iter().map(|path| (exercise, path.clone())).collect()),
        };
    }
    let here = std::env::current_dir().map_err(|error| error.to_string())?;
    let Some(root) = find_folder(&here) else {
        return Err("no estás en una carpeta del curso. Ve a la tuya, o di qué entrega comprobar: muelle check --exercise ID RUTA".into());
    };
    let folder = |exercise: &Exercise| root.join("exercises").join(&exercise.path);
    let mut work = Vec::new();
    for target in &args.targets {
        let id = target.to_string_lossy();
        let exercise = course.find(&id).map_err(|error| error.to_string())?;
        work.push((exercise, folder(exercise)));
    }
    if args.targets.is_empty() {
        // Inside an exercise, that one; else all of the course.
        let inside = course
            .exercises
            .iter()
            .find(|exercise| here.starts_with(folder(exercise)));
        let all: Vec<_> = match inside {
            Some(exercise) => vec![exercise],
            None => course.exercises.iter().collect(),
        };
        work.extend(all.into_iter().map(|exercise| (exercise, folder(exercise))));
    }
    Ok(work)
}

fn usage(why: &str) -> anyhow::Result<u8> {
    tell::error(why);
    Ok(exit::USAGE)
}

/// Waits for Ctrl-C or SIGTERM and gives the exit code for it.
pub(super) async fn interrupted() -> u8 {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            return tokio::select! {
                _ = tokio::signal::ctrl_c() => exit::INTERRUPTED,
                _ = terminate.recv() => exit::TERMINATED,
            };
        }
    }
    // Without a handler there is nothing to wait for.
    if tokio::signal::ctrl_c().await.is_err() {
        std::future::pending::<()>().await;
    }
    exit::INTERRUPTED
}
