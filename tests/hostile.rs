//! Every folder of `tests/cases/hostile` is a hostile submission, laid over the solution of the course's project:
//! what the policy or the reading can see is decided at once and without an engine; what only the lab can contain runs
//! on one, with a host canary beside it that must be as it was when all of them are over.
//!
//! `MUELLE_TEST_SANDBOX`: `compartido` (the machine's engine, as it is without it), `privado` (one of our own), or
//! `ninguno` (only what needs no engine).

mod hostile {
    pub mod canary;
    pub mod expect;
    pub mod make;
}

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use muelle::check::{CheckError, check, without_engine};
use muelle::cli::exit;
use muelle::course::{Course, Exercise};
use muelle::experiments;
use muelle::lab::doctor;
use muelle::lab::engine::Engine;
use muelle::lab::images::BaseImage;
use muelle::submission::Snapshot;
use muelle::submission::snapshot::Limits;
use muelle::verdict::{Outcome, Verdict};
use tokio::runtime::Runtime;

use hostile::canary::Canary;
use hostile::expect::{Contained, Decided, Expect};
use hostile::make;

/// The exercise that all of them pretend to solve.
const EXERCISE: &str = "proyecto-final";

/// Longest that reading and refusing may take, on a busy machine.
const AT_ONCE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let mut args = Arguments::from_args();
    // Hostile ones one by one: what leaks is then known by its name.
    args.test_threads.get_or_insert(2);
    let course = Course::embedded(&experiments::specs()).expect("the embedded course is right");
    let exercise: &'static Exercise = Box::leak(Box::new(
        course.find(EXERCISE).expect("the exercise").clone(),
    ));
    let sandbox = std::env::var("MUELLE_TEST_SANDBOX").unwrap_or_else(|_| "compartido".to_owned());
    let cases = cases();
    let (read, run): (Vec<_>, Vec<_>) = cases
        .into_iter()
        .partition(|case| matches!(case.expect, Expect::Decided(_)));
    let mut trials: Vec<Trial> = read
        .into_iter()
        .map(|case| Trial::test(case.name.clone(), move || case.decided(exercise)))
        .collect();
    trials.push(Trial::test("no right submission is refused", move || {
        right(exercise)
    }));
    let filtered = args
        .filter
        .as_ref()
        .is_some_and(|filter| !run.iter().any(|case| case.name.contains(filter.as_str())));
    if args.list || sandbox == "ninguno" || filtered {
        let listed = run
            .into_iter()
            .filter(|_| sandbox != "ninguno")
            .map(|case| Trial::test(case.name, || Ok(())));
        trials.extend(listed);
        return libtest_mimic::run(&args, trials).exit_code();
    }
    let runtime = Arc::new(Runtime::new().expect("a runtime"));
    let (engine, machine) = runtime.block_on(engines(exercise, &sandbox));
    let canary = runtime.block_on(Canary::sing(machine.docker()));
    for case in run {
        let (runtime, engine) = (runtime.clone(), engine.clone());
        trials.push(Trial::test(case.name.clone(), move || {
            runtime.block_on(case.contained(exercise, engine))
        }));
    }
    let conclusion = libtest_mimic::run(&args, trials);
    let hurt = runtime.block_on(canary.look(machine.docker(), sandbox == "privado"));
    runtime.block_on(async {
        for engine in [engine, machine] {
            if let Some(engine) = Arc::into_inner(engine) {
                engine.stop().await;
            }
        }
    });
    if !hurt.is_empty() {
        eprintln!("the host is not as it was: {hurt:#?}");
        return ExitCode::FAILURE;
    }
    eprintln!("the host's canary is as it was");
    conclusion.exit_code()
}

/// The engine that the cases run on, and the machine's own, where the canary lives.
async fn engines(exercise: &Exercise, sandbox: &str) -> (Arc<Engine>, Arc<Engine>) {
    let say = |line: &str| eprintln!("· {line}");
    let images: Vec<_> = exercise.images.iter().map(BaseImage::new).collect();
    doctor::fix(&images, None, &say)
        .await
        .expect("an engine and base images");
    let machine = Arc::new(Engine::connect(&say).await.expect("an engine"));
    let engine = match sandbox {
        "compartido" => machine.clone(),
        "privado" => {
            let private = Engine::connect_sandbox(&images, &say)
                .await
                .expect("a private engine");
            Arc::new(private)
        }
        other => panic!("MUELLE_TEST_SANDBOX: no hay ningún `{other}`"),
    };
    (engine, machine)
}

/// One hostile submission.
struct Case {
    name: String,
    dir: PathBuf,
    expect: Expect,
}

fn root(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(dir)
        .map(|entries| {
            entries
                .filter_map(|entry| Some(entry.ok()?.path()))
                .collect()
        })
        .unwrap_or_default();
    folders.retain(|path| path.is_dir());
    folders.sort();
    folders
}

fn cases() -> Vec<Case> {
    let cases = folders(&root("tests/cases/hostile"))
        .into_iter()
        .map(|dir| Case {
            name: dir
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned(),
            expect: Expect::read(&dir.join("EXPECT")),
            dir,
        });
    cases.collect()
}

impl Case {
    /// The submission, in a folder that goes away.
    fn laid(&self, exercise: &Exercise) -> Result<(tempfile::TempDir, PathBuf), Failed> {
        let folder = tempfile::tempdir()?;
        let submission = folder.path().join("entrega");
        std::fs::create_dir(&submission)?;
        let mut files = exercise.solution.clone();
        let mut own = Snapshot::read(&self.dir, Limits::default())
            .map_err(|error| format!("{}: {error}", self.dir.display()))?;
        let recipe = own
            .file("MAKE")
            .map(|text| String::from_utf8_lossy(text).into_owned());
        own.remove("MAKE");
        own.remove("EXPECT");
        files.lay(&own);
        files.write(&submission)?;
        let path = make::make(&submission, recipe.as_deref().unwrap_or_default())?;
        Ok((folder, path))
    }

    /// Decided by reading alone.
    fn decided(&self, exercise: &Exercise) -> Result<(), Failed> {
        let Expect::Decided(Decided { code, at, says }) = &self.expect else {
            return Err("it needs an engine".into());
        };
        let (_folder, path) = self.laid(exercise)?;
        let begun = Instant::now();
        let result = without_engine(exercise, &path, "sin motor");
        if begun.elapsed() > AT_ONCE {
            return Err(format!("it took {:?}", begun.elapsed()).into());
        }
        let (saw, place, came) = match result {
            Ok(verdict) => {
                let first = &verdict.items[0];
                let place = first.location.as_ref().map(ToString::to_string);
                (first.saw.clone(), place, exit::of(&verdict))
            }
            Err(CheckError::Unreadable(why)) => (why, None, exit::USAGE),
            Err(error) => return Err(error.to_string().into()),
        };
        if came != *code || !saw.contains(says) || (at.is_some() && *at != place) {
            return Err(format!("exit {came} at {place:?}: {saw}").into());
        }
        Ok(())
    }

    /// Run, and held.
    async fn contained(&self, exercise: &Exercise, engine: Arc<Engine>) -> Result<(), Failed> {
        let Expect::Contained(Contained {
            items,
            outcomes,
            within,
        }) = &self.expect
        else {
            return Err("it needs no engine".into());
        };
        let (_folder, path) = self.laid(exercise)?;
        let mut exercise = exercise.clone();
        if let Some(unknown) = items.iter().find(|id| exercise.item(id).is_none()) {
            return Err(format!("no item `{unknown}`").into());
        }
        exercise.items.retain(|item| items.contains(&item.id));
        for item in &mut exercise.items {
            item.blocked_by.retain(|by| items.contains(by));
        }
        let begun = Instant::now();
        let verdict = check(engine, &exercise, &path, &|_| {}).await?;
        if begun.elapsed() > *within {
            return Err(format!("it took {:?}\n{}", begun.elapsed(), told(&verdict)).into());
        }
        // A fault of the machine's is no containment.
        if outcomes.contains(&verdict.outcome) && verdict.outcome != Outcome::Error {
            Ok(())
        } else {
            Err(told(&verdict).into())
        }
    }
}

fn told(verdict: &Verdict) -> String {
    let items = verdict.items.iter();
    let lines = items.map(|item| format!("\n{} {:?}: {}", item.id, item.outcome, item.saw));
    format!(
        "the whole: {:?}{}",
        verdict.outcome,
        lines.collect::<String>()
    )
}

/// The repository's own solutions and alternatives, and its mutants too: wrong they are, but nobody is attacked.
/// `MUELLE_RIGHT_CASES` adds folders of exercises (`ID/solution`, `ID/alternatives/*`), whose images are all allowed.
fn right(exercise: &Exercise) -> Result<(), Failed> {
    let mut refused = Vec::new();
    let mut count = 0;
    let mut ask = |exercise: &Exercise, dir: &Path, files: &Snapshot| -> Result<(), Failed> {
        let folder = tempfile::tempdir()?;
        files.write(folder.path())?;
        count += 1;
        match without_engine(exercise, folder.path(), "sin motor") {
            Ok(verdict) if verdict.outcome != Outcome::Refused => {}
            Ok(verdict) => {
                let first = &verdict.items[0];
                let place = first.location.as_ref().map(ToString::to_string);
                refused.push(format!("{} {place:?}: {}", dir.display(), first.saw));
            }
            Err(error) => refused.push(format!("{}: {error}", dir.display())),
        }
        Ok(())
    };
    ask(exercise, Path::new("the solution"), &exercise.solved())?;
    ask(exercise, Path::new("the starter"), &exercise.starter)?;
    for kind in ["alternatives", "mutants"] {
        for dir in folders(&root("tests/cases/proyecto-final").join(kind)) {
            let mut files = Snapshot::read(&dir, Limits::default())?;
            files.remove("EXPECT");
            files.remove("REMOVE");
            ask(exercise, &dir, &files)?;
        }
    }
    if let Ok(more) = std::env::var("MUELLE_RIGHT_CASES") {
        let mut open = exercise.clone();
        open.images.extend(
            std::env::var("MUELLE_RIGHT_IMAGES")
                .unwrap_or_default()
                .split(',')
                .map(str::to_owned),
        );
        for exercise_dir in folders(Path::new(&more)) {
            let mut dirs = folders(&exercise_dir.join("alternatives"));
            dirs.extend(
                folders(&exercise_dir)
                    .into_iter()
                    .filter(|dir| dir.ends_with("solution")),
            );
            for dir in dirs {
                ask(&open, &dir, &Snapshot::read(&dir, Limits::default())?)?;
            }
        }
    }
    eprintln!("{count} right submissions read");
    if refused.is_empty() {
        Ok(())
    } else {
        Err(refused.join("\n").into())
    }
}
