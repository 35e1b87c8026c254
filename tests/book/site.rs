//! The pages as they are built.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;
use std::fs;
use std::path::Path;
use std::sync::{Arc, Mutex};

use mdbook_driver::MDBook;
use muelle::book::build;
use muelle::book::source::Source;
use muelle::course::Course;
use muelle::rules;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

use super::page::{Page, root};

/// Pages that teach: each ends with its exercises.
const LESSONS: [&str; 10] = [
    "01-", "02-", "03-", "04-", "05-", "06-", "07-", "08-", "09-", "10-",
];

/// Every lesson's last section is its exercises, every exercise stands on one page, and that is the page that it names.
pub fn exercises(pages: &[Arc<Page>], course: &Course) -> Result<(), String> {
    let mut faults = Vec::new();
    let mut at: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for page in pages {
        let asked = page.text.lines().filter_map(|line| {
            let id = line
                .trim()
                .strip_prefix("{{#ejercicio ")?
                .strip_suffix("}}")?;
            Some(id.trim().to_owned())
        });
        let asked: Vec<String> = match page.name.as_str() {
            // Pages for authors show how it is written.
            "aportar.md" => Vec::new(),
            _ => asked.collect(),
        };
        let lesson = LESSONS.iter().any(|start| page.name.starts_with(start));
        let last = page.text.trim_end().lines().last().unwrap_or_default();
        if lesson && !last.starts_with("{{#ejercicio ") {
            faults.push(format!("{}: no termina con sus ejercicios", page.name));
        }
        for id in asked {
            at.entry(id).or_default().push(&page.name);
        }
    }
    for exercise in &course.exercises {
        let page = exercise.lesson.split('#').next().unwrap_or_default();
        let page = page.replace(".html", ".md");
        match at.get(&exercise.id).map(Vec::as_slice) {
            None => faults.push(format!(
                "`{}` no está en ninguna página (la suya es {page})",
                exercise.id
            )),
            Some([one]) if **one == page => {}
            Some(there) => faults.push(format!(
                "`{}` está en {}, y su lección es {page}",
                exercise.id,
                there.join(" y en ")
            )),
        }
    }
    let unknown = at.keys().filter(|id| course.find(id).is_err());
    faults.extend(unknown.map(|id| format!("no hay ningún ejercicio `{id}`")));
    told(faults)
}

/// The pages are built without a warning, and every link, anchor and image in them is there; so is every page that an
/// exercise or a rule sends to.
pub fn check(course: &Course) -> Result<(), String> {
    let dest = tempfile::tempdir().unwrap();
    let warnings = Warnings::default();
    let built = tracing::subscriber::with_default(warnings.clone(), || {
        let source = Source::find(Some(Path::new(env!("CARGO_MANIFEST_DIR")))).unwrap();
        build::build(&source, course.clone(), dest.path())
    });
    built.map_err(|error| format!("{error:#}"))?;
    let mut faults: Vec<String> = warnings.said.lock().unwrap().clone();
    let mut pages = BTreeMap::new();
    for entry in fs::read_dir(dest.path()).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if name.ends_with(".html") && !["print.html", "toc.html"].contains(&name.as_str()) {
            pages.insert(name, Html::of(&fs::read_to_string(&path).unwrap()));
        }
    }
    for (name, page) in &pages {
        faults.extend(page.faults.iter().map(|fault| format!("{name}: {fault}")));
        for link in &page.links {
            if let Err(why) = lead(name, link, &pages, dest.path()) {
                faults.push(format!("{name}: {why}"));
            }
        }
    }
    let of_rules =
        rules::all().map(|rule| (format!("la regla `{}`", rule.id), rule.lesson.to_owned()));
    let of_exercises = course.exercises.iter().flat_map(|exercise| {
        let own = (
            format!("el ejercicio `{}`", exercise.id),
            exercise.lesson.clone(),
        );
        let items = exercise.items.iter().map(move |item| {
            (
                format!("`{}` de `{}`", item.id, exercise.id),
                item.lesson.clone(),
            )
        });
        std::iter::once(own).chain(items)
    });
    for (who, lesson) in of_rules.chain(of_exercises) {
        if let Err(why) = lead("index.html", &lesson, &pages, dest.path()) {
            faults.push(format!("{who}: {why}"));
        }
    }
    told(faults)
}

/// mdBook with the preprocessor as a command of its own makes the same pages as our build.
pub fn same_by_command(course: &Course) -> Result<(), String> {
    let ours = tempfile::tempdir().unwrap();
    let theirs = tempfile::tempdir().unwrap();
    let source = Source::find(Some(Path::new(env!("CARGO_MANIFEST_DIR")))).unwrap();
    build::build(&source, course.clone(), ours.path()).map_err(|error| format!("{error:#}"))?;
    let mut config = mdbook_driver::config::Config::from_disk(root().join("book.toml")).unwrap();
    let command = format!("{} mdbook", env!("CARGO_BIN_EXE_muelle"));
    config.set("preprocessor.muelle.command", command).unwrap();
    config.build.build_dir = theirs.path().to_owned();
    let book = MDBook::load_with_config(root(), config).map_err(|error| format!("{error:#}"))?;
    book.build().map_err(|error| format!("{error:#}"))?;
    let mut faults = Vec::new();
    for entry in fs::read_dir(ours.path()).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|end| end == "html") {
            let name = path.file_name().unwrap();
            if fs::read(&path).unwrap() != fs::read(theirs.path().join(name)).unwrap_or_default() {
                faults.push(format!("{} no es la misma", name.to_string_lossy()));
            }
        }
    }
    told(faults)
}

fn told(mut faults: Vec<String>) -> Result<(), String> {
    faults.sort();
    faults.dedup();
    if faults.is_empty() {
        Ok(())
    } else {
        Err(faults.join("\n"))
    }
}

/// Whether what `link` on the page `from` names is there.
fn lead(from: &str, link: &str, pages: &BTreeMap<String, Html>, dest: &Path) -> Result<(), String> {
    // The reader's own machine may well be asked without a certificate.
    let elsewhere = [
        "https://",
        "mailto:",
        "http://localhost:",
        "http://127.0.0.1:",
    ];
    if elsewhere.iter().any(|start| link.starts_with(start)) {
        return Ok(());
    }
    if link.contains("://") || link.starts_with('/') {
        return Err(format!("`{link}` no es de este libro ni es https"));
    }
    let (path, anchor) = match link.split_once('#') {
        Some((path, anchor)) => (path, Some(anchor)),
        None => (link, None),
    };
    let path = path.split('?').next().unwrap_or_default();
    let page = if path.is_empty() { from } else { path };
    let Some(html) = pages.get(page) else {
        return if page.ends_with(".html") && page != "print.html" && page != "toc.html" {
            Err(format!("no hay ninguna página `{page}`"))
        } else if dest.join(page).is_file() {
            Ok(())
        } else {
            Err(format!("no hay ningún archivo `{page}`"))
        };
    };
    match anchor {
        Some(anchor) if !anchor.is_empty() && !html.ids.contains(anchor) => {
            Err(format!("`{page}` no tiene ningún ancla `#{anchor}`"))
        }
        _ => Ok(()),
    }
}

/// What a page's tags say.
struct Html {
    ids: BTreeSet<String>,
    links: Vec<String>,
    faults: Vec<String>,
}

impl Html {
    fn of(text: &str) -> Self {
        let mut html = Self {
            ids: BTreeSet::new(),
            links: Vec::new(),
            faults: Vec::new(),
        };
        let mut script = false;
        for tag in text.split('<').skip(1) {
            let tag = tag.split('>').next().unwrap_or_default();
            if script {
                script = !tag.starts_with("/script");
                continue;
            }
            script = tag.starts_with("script");
            if let Some(id) = attribute(tag, "id")
                && !html.ids.insert(id.clone())
            {
                html.faults.push(format!("dos cosas se llaman `#{id}`"));
            }
            for name in ["href", "src"] {
                html.links
                    .extend(attribute(tag, name).filter(|_| !tag.starts_with("base ")));
            }
            if tag.starts_with("img ") && attribute(tag, "alt").is_none_or(|alt| alt.is_empty()) {
                html.faults.push(format!("una imagen sin texto: <{tag}>"));
            }
        }
        // Icons are decoration; a drawing says what it shows.
        for drawing in text.split("<figure class=\"diagrama\">").skip(1) {
            let drawing = drawing.split("</figure>").next().unwrap_or_default();
            let named = drawing.contains("role=\"img\"") && drawing.contains("aria-labelledby=");
            if !(named && drawing.contains("<title") && drawing.contains("<desc")) {
                let start: String = drawing.trim().chars().take(120).collect();
                html.faults
                    .push(format!("un dibujo sin título o sin descripción: {start}"));
            }
            for colour in ["=\"#", "=\"rgb", "=\"black", "=\"white"] {
                if drawing.contains(&format!("fill{colour}"))
                    || drawing.contains(&format!("stroke{colour}"))
                {
                    html.faults.push(
                        "un dibujo con colores fijos: no se verá en los dos temas".to_owned(),
                    );
                }
            }
        }
        html
    }
}

fn attribute(tag: &str, name: &str) -> Option<String> {
    let start = tag.find(&format!(" {name}=\""))? + name.len() + 3;
    let value = &tag[start..];
    Some(value[..value.find('"')?].replace("&amp;", "&"))
}

/// What mdBook warns of.
#[derive(Clone, Default)]
struct Warnings {
    said: Arc<Mutex<Vec<String>>>,
}

impl Subscriber for Warnings {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::WARN
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        struct Text(String);
        impl Visit for Text {
            fn record_debug(&mut self, _: &Field, value: &dyn Debug) {
                self.0.push_str(&format!("{value:?} "));
            }
        }
        let mut text = Text(String::from("mdBook avisa: "));
        event.record(&mut text);
        self.said.lock().unwrap().push(text.0);
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
