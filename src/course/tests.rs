//! Tests of the whole way from an `exercise.toml` to a course.

use super::exercise::lay;
use super::source::Folder;
use super::*;
use crate::submission::Snapshot;

/// The real catalogue: its names and parameters are what the course's exercises use.
fn experiments() -> Vec<ExperimentSpec> {
    crate::experiments::specs()
}

const GOOD: &str = r#"id = "uno"
title = "Uno"
lesson = "01-uno.html"
summary = "Uno."
goal = "Llega a uno."
hints = ["a", "b", "c"]
images = ["python:3.11-slim"]

[files]
app = true
omit = ["models/modelo.json"]

[services]
api = "api"

[[items]]
id = "construye"
title = "Se construye"
points = 0
experiment = "construye"

[[items]]
id = "para"
title = "Para"
points = 1.5
experiment = "para-limpio"
blocked_by = ["construye"]
lesson = "02-dos.html#para"
[items.with]
segundos = 3
"#;

fn app() -> Snapshot {
    let mut app = Snapshot::default();
    app.insert("app/main.py", "pristine", false);
    app.insert("models/modelo.json", "{}", false);
    app
}

fn folder(manifest: &str) -> Folder {
    let mut files = Snapshot::default();
    files.insert("exercise.toml", manifest.to_owned(), false);
    files.insert("Dockerfile", "FROM scratch", false);
    files.insert("vendor/a.whl", "wheel", false);
    Folder {
        path: "01-tema/01-uno".to_owned(),
        files,
        solution: Snapshot::default(),
    }
}

/// What the loader says of `GOOD` with `from` replaced by `to`, without the file's name.
fn faults(from: &str, to: &str) -> String {
    let manifest = GOOD.replacen(from, to, 1);
    assert_ne!(manifest, GOOD, "`{from}` is not in the example");
    match Exercise::load(&folder(&manifest), &app(), &experiments()) {
        Ok(_) => "nothing".to_owned(),
        Err(faults) => fault::lines(&faults).replace("exercises/01-tema/01-uno/exercise.toml:", ""),
    }
}

fn paths(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.entries().map(|(path, _)| path).collect()
}

#[test]
fn an_exercise_is_the_app_and_its_own_files_and_knows_whose_is_which() {
    let exercise = Exercise::load(&folder(GOOD), &app(), &experiments()).unwrap();
    assert_eq!(
        paths(&exercise.starter),
        ["Dockerfile", "app", "app/main.py", "vendor", "vendor/a.whl"]
    );
    assert_eq!(
        paths(&exercise.course_files),
        ["app", "app/main.py", "vendor", "vendor/a.whl"]
    );
    assert_eq!(exercise.max_points(), 1.5);
    assert_eq!(exercise.services["api"], "api");
    let item = exercise.item("para").unwrap();
    assert_eq!(item.params["segundos"].as_integer(), Some(3));
    assert_eq!(item.blocked_by, ["construye"]);
    assert_eq!(item.lesson, "02-dos.html#para");
    assert_eq!(exercise.items[0].lesson, "01-uno.html");
}

#[test]
fn the_course_s_files_are_laid_over_whatever_stands_in_their_place() {
    let exercise = Exercise::load(&folder(GOOD), &app(), &experiments()).unwrap();
    let mut submission = Snapshot::default();
    submission.insert("Dockerfile", "FROM mine", false);
    submission.insert("app/main.py/trick", "a folder where a file belongs", false);
    submission.insert("app/salud.py", "the student's own", false);
    submission.insert("models/modelo.json", "made at home", false);
    let laid = lay(&submission, &exercise);
    assert_eq!(
        paths(&laid),
        [
            "Dockerfile",
            "app",
            "app/main.py",
            "app/salud.py",
            "models",
            "vendor",
            "vendor/a.whl"
        ]
    );
    assert_eq!(laid.file("Dockerfile").unwrap(), "FROM mine");
    assert_eq!(laid.file("app/main.py").unwrap(), "pristine");
}

#[test]
fn every_slip_of_the_author_is_told_with_its_place() {
    for (from, to, said) in [
        (
            "title = \"Uno\"",
            "titel = \"Uno\"",
            "2:1: no conozco la clave `titel` (aquí van `id`, `title`, `lesson`, `summary`, `goal`, `hints`, `images`, `add_urls`, \
             `build_network`, `port`, `files`, `services`, `items`); ¿quisiste decir `title`?",
        ),
        ("points = 1.5\n", "", "22:1: falta la clave `points`"),
        (
            "lesson = \"01-uno.html\"\n",
            "",
            "1:1: falta la clave `lesson`",
        ),
        (
            "points = 1.5",
            "points = \"dos\"",
            "25:10: aquí va un número, pero encontré el texto `dos`",
        ),
        (
            "points = 1.5",
            "points = [1]",
            "25:10: aquí va un número, pero encontré una lista",
        ),
        (
            "title = \"Uno\"",
            "title = 3",
            "2:9: aquí va un texto entre comillas, pero encontré el número `3`",
        ),
        (
            "app = true",
            "app = \"sí\"",
            "10:7: aquí va `true` o `false`, pero encontré el texto `sí`",
        ),
        (
            "[services]\napi = \"api\"",
            "services = [\"api\"]",
            "13:1: no conozco la clave `services` (aquí van `app`, `omit`, `student`)",
        ),
        (
            "hints = [\"a\", \"b\", \"c\"]",
            "hints = [\"a\", \"b\", \"c\"",
            "7:1: el TOML no se puede leer: antes de esto falta una coma, o cerrar la lista con `]`",
        ),
        (
            "[services]",
            "[services",
            "13:10: el TOML no se puede leer: a este encabezado le falta cerrar el corchete `]`",
        ),
        (
            "points = 1.5",
            "points = -1",
            "25:10: `points` no puede ser -1: pon 0 o más",
        ),
        (
            "hints = [\"a\", \"b\", \"c\"]",
            "hints = [\"a\", \"b\"]",
            "6:9: `hints` lleva exactamente tres pistas con texto, de la más vaga a la más concreta; aquí hay 2",
        ),
        (
            "blocked_by = [\"construye\"]",
            "blocked_by = [\"construy\"]",
            "27:15: ningún ítem de este ejercicio se llama `construy`; ¿quisiste decir `construye`?",
        ),
        (
            "experiment = \"construye\"",
            "experiment = \"construye\"\nblocked_by = [\"para\"]",
            "21:15: `blocked_by` da la vuelta: construye → para → construye",
        ),
        (
            "blocked_by = [\"construye\"]",
            "blocked_by = [\"para\"]",
            "27:15: `blocked_by` da la vuelta: para → para",
        ),
        (
            "id = \"para\"",
            "id = \"construye\"",
            "23:6: el id `construye` ya está en la línea 17",
        ),
        (
            "experiment = \"para-limpio\"",
            "experiment = \"para-limpo\"",
            "26:14: no conozco el experimento `para-limpo`; ¿quisiste decir `para-limpio`?",
        ),
        (
            "segundos = 3",
            "segundo = 3",
            "30:1: en los parámetros de `para-limpio`: no conozco la clave `segundo` (aquí van `segundos`, `mira`); \
             ¿quisiste decir `segundos`?",
        ),
        (
            "segundos = 3",
            "segundos = -3",
            "30:12: en los parámetros de `para-limpio`: el número `-3` no vale aquí: hace falta un número entero, cero o mayor",
        ),
        (
            "[items.with]\nsegundos = 3",
            "",
            "26:14: en los parámetros de `para-limpio`: falta la clave `segundos`",
        ),
        (
            "omit = [\"models/modelo.json\"]",
            "omit = [\"models/modelo.jsn\"]",
            "11:9: `exercises/_app` no tiene ningún archivo `models/modelo.jsn`; ¿quisiste decir `models/modelo.json`?",
        ),
        (
            "id = \"uno\"",
            "id = \"Uno\"",
            "1:6: el id `Uno` solo puede llevar minúsculas, cifras y guiones entre palabras",
        ),
        (
            "\"01-uno.html\"",
            "\"01-uno\"",
            "3:10: `01-uno` no es una página del libro: se espera algo como `02-dockerfile.html#ancla`",
        ),
        (
            "points = 0",
            "points = 0\npoints = 0",
            "20:1: la clave está repetida",
        ),
        (
            "title = \"Uno\"",
            "title = Uno",
            "2:9: el TOML no se puede leer: los textos van entre comillas",
        ),
    ] {
        assert_eq!(faults(from, to), said, "{from} → {to}");
    }
}

#[test]
fn a_name_that_no_exercise_has_is_answered_with_the_nearest() {
    let course = Course::embedded(&experiments()).unwrap();
    assert_eq!(course.find("proyecto-final").unwrap().id, "proyecto-final");
    assert!(
        course
            .find("exercises/10-proyecto/32-proyecto-final/")
            .is_ok()
    );
    assert_eq!(
        course.find("proyeto-final").unwrap_err().to_string(),
        "no hay ningún ejercicio `proyeto-final`: ¿quisiste decir `proyecto-final`?"
    );
    assert_eq!(
        course.find("x").unwrap_err().to_string(),
        "no hay ningún ejercicio `x`: `muelle list` muestra los que hay"
    );
}

#[test]
fn the_embedded_course_is_the_folder_s() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let ids = |course: Course| {
        course
            .exercises
            .into_iter()
            .map(|e| e.id)
            .collect::<Vec<_>>()
    };
    let embedded = ids(Course::embedded(&experiments()).unwrap());
    assert_eq!(
        embedded,
        ids(Course::in_folder(root, &experiments()).unwrap())
    );
    assert_eq!(
        embedded,
        ids(Course::with_folder(root, &experiments()).unwrap())
    );
    assert_eq!(find_folder(&root.join("src/course")).as_deref(), Some(root));
}

#[test]
fn the_final_project_is_worth_thirty_points_and_has_a_solution_of_its_own_files() {
    let course = Course::embedded(&experiments()).unwrap();
    let project = course.find("proyecto-final").unwrap();
    assert_eq!(project.max_points(), 30.0);
    assert_eq!(project.items.len(), 21);
    assert_eq!(
        paths(&project.solution),
        [".dockerignore", "Dockerfile", "compose.yaml"]
    );
    let solved = project.solved();
    assert!(solved.contains("app/main.py") && solved.contains("app/informe.py"));
    assert!(!solved.contains("docker-compose.yml") && !solved.contains("models/modelo.json"));
    assert!(!solved.contains("exercise.toml"));
    assert!(project.starter.contains("docker-compose.yml"));
}

#[test]
fn exercises_come_in_the_order_of_their_numbers() {
    let mut exercises = Snapshot::default();
    for path in ["10-b/11-y", "9-a/12-z", "9-a/10-x", "9-a/9-w"] {
        let id = path.rsplit('-').next().unwrap();
        exercises.insert(
            &format!("{path}/exercise.toml"),
            GOOD.replace("id = \"uno\"", &format!("id = \"{id}\"")),
            false,
        );
    }
    exercises.insert("_app/models/modelo.json", "{}", false);
    let source = Source::of(&exercises, &Snapshot::default());
    let course = Course::load(&source, &experiments()).unwrap();
    let ids: Vec<&str> = course.exercises.iter().map(|e| e.id.as_str()).collect();
    assert_eq!(ids, ["w", "x", "y", "z"]);
}

/// Set `MUELLE_BLESS=1` to write the file anew.
#[test]
fn the_schema_for_editors_is_up_to_date() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("exercises/exercise.schema.json");
    let schema = schema::text(&experiments());
    if std::env::var_os("MUELLE_BLESS").is_some() {
        std::fs::write(&path, &schema).unwrap();
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        written.replace("\r\n", "\n") == schema,
        "exercises/exercise.schema.json is out of date: run the tests with MUELLE_BLESS=1"
    );
}
