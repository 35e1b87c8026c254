//! An exercise as the book shows it, from the same `exercise.toml` that the checker goes by.

use std::fmt::Write as _;

use crate::course::{Course, Exercise, Item};
use crate::experiments;

/// The panel of the exercise `id`, in Markdown: what to reach, how it is tried, three hints to unfold, what to type.
///
/// # Errors
/// When the course has no such exercise.
pub fn exercise(course: &Course, id: &str) -> anyhow::Result<String> {
    let exercise = course.find(id)?;
    let number = course
        .exercises
        .iter()
        .position(|other| other.id == exercise.id);
    let number = number.map_or(0, |index| index + 1);
    let mut text = format!(
        "<section class=\"ejercicio\" id=\"{id}\" data-ejercicio=\"{id}\" aria-labelledby=\"{id}-titulo\">\n\n\
         <p class=\"ejercicio-datos\">Ejercicio {number} de {total} · {points}</p>\n\n\
         ### {title} {{#{id}-titulo}}\n\n{goal}\n\n",
        total = course.exercises.len(),
        points = points(exercise.max_points()),
        title = exercise.title,
        goal = exercise.goal.trim(),
    );
    text.push_str("<p class=\"ejercicio-apartado\">Qué prueba el verificador</p>\n\n");
    for item in &exercise.items {
        let _ = writeln!(
            text,
            "- **{}** <span class=\"valor\">{}</span>",
            item.title,
            worth(item)
        );
        if let Some(tried) = tried(item) {
            let _ = writeln!(text, "  <br>Cómo: {tried}.");
        }
    }
    text.push_str("\n<p class=\"ejercicio-apartado\">Pistas</p>\n\n");
    for (index, hint) in exercise.hints.iter().enumerate() {
        let _ = write!(
            text,
            "<details class=\"pista\">\n<summary>Pista {} de 3</summary>\n\n{}\n\n</details>\n\n",
            index + 1,
            hint.trim()
        );
    }
    let _ = write!(
        text,
        "<p class=\"ejercicio-apartado\">Compruébalo</p>\n\n\
         Tus archivos están en `exercises/{}`.\n\n```console\n$ muelle check {id}\n```\n\n</section>\n",
        exercise.path
    );
    Ok(text)
}

/// The checklist of `exercise` as a table.
pub fn checklist(exercise: &Exercise) -> String {
    let mut text = String::from("| Punto | Cómo se prueba | Vale |\n|---|---|---|\n");
    for item in &exercise.items {
        let tried = tried(item).unwrap_or_default();
        let cell = |text: &str| text.replace('|', "\\|").replace('\n', " ");
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            cell(&item.title),
            cell(&tried),
            worth(item)
        );
    }
    let _ = writeln!(
        text,
        "| **En total** | | {} |",
        points(exercise.max_points())
    );
    text
}

/// What the checker will do, without the full stop.
fn tried(item: &Item) -> Option<String> {
    let entry = experiments::find(&item.experiment)?;
    let tried = (entry.tried)(&item.params).ok()?;
    Some(tried.trim_end_matches('.').to_owned())
}

fn worth(item: &Item) -> String {
    if item.points == 0.0 {
        "sin puntos: abre los demás".to_owned()
    } else {
        points(item.points)
    }
}

/// As one writes points in Spanish: `0,5 puntos`.
fn points(points: f64) -> String {
    let number = format!("{points}").replace('.', ",");
    if points == 1.0 {
        format!("{number} punto")
    } else {
        format!("{number} puntos")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn course() -> Course {
        Course::embedded(&experiments::specs()).unwrap()
    }

    #[test]
    fn a_panel_has_an_anchor_every_item_three_hints_and_what_to_type() {
        let course = course();
        let panel = exercise(&course, "proyecto-final").unwrap();
        assert!(panel.starts_with("<section class=\"ejercicio\" id=\"proyecto-final\""));
        for item in &course.find("proyecto-final").unwrap().items {
            assert!(panel.contains(&item.title), "{}", item.id);
        }
        assert_eq!(panel.matches("<details").count(), 3);
        assert!(panel.contains("$ muelle check proyecto-final"));
    }

    #[test]
    fn a_page_cannot_ask_for_an_exercise_that_there_is_not() {
        assert!(exercise(&course(), "no-existe").is_err());
    }

    #[test]
    fn points_are_written_in_spanish() {
        assert_eq!(points(0.5), "0,5 puntos");
        assert_eq!(points(1.0), "1 punto");
        assert_eq!(points(30.0), "30 puntos");
    }
}
