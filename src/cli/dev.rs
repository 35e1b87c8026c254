use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use clap::Subcommand;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::check::{self, Sandbox};
use super::{exit, tell};
use crate::cases::{self, Case, Kind, Trials};
use crate::course::{Course, find_folder};
use crate::experiments;
use crate::lab::reaper;

/// `muelle dev`.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(subcommand)]
    order: Order,
}

#[derive(Debug, Subcommand)]
enum Order {
    /// Comprueba los ejercicios con sus propios casos: el punto de partida falla, lo correcto pasa y cada mutante falla lo suyo
    #[command(visible_alias = "verificar")]
    Check(CheckArgs),
}

#[derive(Debug, clap::Args)]
struct CheckArgs {
    /// Ejercicios; sin nada, todos
    #[arg(value_name = "ID")]
    ids: Vec<String>,
    /// Solo los casos cuyo nombre contiene este texto
    #[arg(long, value_name = "TEXTO")]
    only: Option<String>,
    /// De cada mutante, prueba solo lo que tiene que fallar y aquello de lo que depende
    #[arg(long, visible_alias = "breve")]
    brief: bool,
    /// Casos a la vez
    #[arg(long, value_name = "N", default_value_t = 3)]
    jobs: usize,
    /// Dónde se prueban
    #[arg(long, value_name = "DÓNDE", default_value = "compartido")]
    sandbox: Sandbox,
}

/// What authors of exercises do.
pub async fn run(args: Args) -> anyhow::Result<u8> {
    match args.order {
        Order::Check(args) => run_check(args).await,
    }
}

async fn run_check(args: CheckArgs) -> anyhow::Result<u8> {
    let Some(root) = root()? else {
        tell::error("no estás en la carpeta de un curso: tiene que haber una carpeta `exercises`");
        return Ok(exit::USAGE);
    };
    let cases = match cases(&root, &args) {
        Ok(cases) => cases,
        Err(error) => {
            tell::error(format_args!("{error:#}"));
            return Ok(exit::USAGE);
        }
    };
    let say = |line: &str| tell::progress(line);
    let engine = args
        .sandbox
        .engine(cases.iter().map(Case::exercise), &say)
        .await?;
    reaper::reap(engine.docker()).await?;
    let trials = Arc::new(Trials::on(Arc::new(engine), !args.brief));
    let begun = Instant::now();
    let result = tokio::select! {
        wrong = try_all(&trials, cases, args.jobs.max(1)) => Ok(wrong),
        code = check::interrupted() => Err(code),
    };
    let code = match result {
        Ok(tally) => {
            tell::line(tally.summary(begun.elapsed().as_secs_f64()));
            if tally.wrong == 0 {
                exit::PASSED
            } else {
                exit::FAILED
            }
        }
        Err(code) => {
            reaper::reap(trials.engine().docker()).await?;
            code
        }
    };
    if let Some(trials) = Arc::into_inner(trials) {
        check::release(trials.into_engine()).await;
    }
    Ok(code)
}

fn root() -> anyhow::Result<Option<PathBuf>> {
    Ok(find_folder(&std::env::current_dir()?))
}

/// The cases asked for, of the course as it stands in `root`.
fn cases(root: &Path, args: &CheckArgs) -> anyhow::Result<Vec<Case>> {
    let course = Course::in_folder(root, &experiments::specs())?;
    let exercises = if args.ids.is_empty() {
        course.exercises
    } else {
        let ids = args.ids.iter().map(|id| course.find(id).cloned());
        ids.collect::<Result<_, _>>()?
    };
    let mut cases = Vec::new();
    for exercise in exercises {
        cases.extend(cases::of(&Arc::new(exercise), root)?);
    }
    if let Some(only) = &args.only {
        cases.retain(|case| case.name.contains(only.as_str()));
    }
    Ok(cases)
}

/// How many cases there were of each kind, and how many did not come out as they must.
#[derive(Default)]
struct Tally {
    starters: usize,
    solutions: usize,
    alternatives: usize,
    mutants: usize,
    wrong: usize,
}

impl Tally {
    fn count(&mut self, kind: Kind) {
        *match kind {
            Kind::Starter => &mut self.starters,
            Kind::Solution => &mut self.solutions,
            Kind::Alternative => &mut self.alternatives,
            Kind::Mutant => &mut self.mutants,
        } += 1;
    }

    fn summary(&self, seconds: f64) -> String {
        let outcome = match self.wrong {
            0 => "todos como se esperaba".to_owned(),
            1 => "1 no salió como se esperaba".to_owned(),
            wrong => format!("{wrong} no salieron como se esperaba"),
        };
        format!(
            "{} puntos de partida, {} soluciones, {} alternativas y {} mutantes: {outcome} ({seconds:.0} s)",
            self.starters, self.solutions, self.alternatives, self.mutants
        )
    }
}

/// Tries `cases`, `jobs` at once, and tells of each as it ends.
async fn try_all(trials: &Arc<Trials>, cases: Vec<Case>, jobs: usize) -> Tally {
    let turns = Arc::new(Semaphore::new(jobs));
    let mut running = JoinSet::new();
    for case in cases {
        let (trials, turns) = (trials.clone(), turns.clone());
        running.spawn(async move {
            let _turn = turns.acquire_owned().await;
            let begun = Instant::now();
            let result = trials.run(&case).await;
            (case, result, begun.elapsed().as_secs_f64())
        });
    }
    let mut tally = Tally::default();
    while let Some(joined) = running.join_next().await {
        let Ok((case, result, seconds)) = joined else {
            tally.wrong += 1;
            continue;
        };
        tally.count(case.kind);
        let wrong = match result {
            Ok(None) => {
                tell::line(format_args!("[OK]    {} ({seconds:.1} s)", case.name));
                continue;
            }
            Ok(Some(told)) => told,
            Err(error) => format!("{error:#}"),
        };
        tally.wrong += 1;
        tell::line(format_args!("[FALLA] {} ({seconds:.1} s)", case.name));
        for line in wrong.lines() {
            tell::line(format_args!("        {line}"));
        }
    }
    tally
}
