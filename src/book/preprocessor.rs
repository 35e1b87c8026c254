//! The preprocessor: pages with all that they ask for put in, in this process or beside the stock `mdbook`.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::Context;
use mdbook_preprocessor::book::{Book, BookItem, Chapter};
use mdbook_preprocessor::{Preprocessor, PreprocessorContext};

use super::directives::{self, Directive};
use super::{markdown, panel, reference};
use crate::course::Course;

/// The preprocessor called `muelle`.
pub struct Muelle {
    course: Course,
}

impl Muelle {
    /// One that shows the exercises of `course`.
    pub fn new(course: Course) -> Self {
        Self { course }
    }

    fn page(&self, chapter: &Chapter, src: &Path, titles: &Titles) -> anyhow::Result<String> {
        let text = markdown::without_verbs(&chapter.content);
        let text = markdown::with_notes(&text);
        markdown::replace_lines(&text, |line| {
            let directive = directives::read(line).map_err(anyhow::Error::msg)?;
            let Some(directive) = directive else {
                return Ok(None);
            };
            Ok(Some(match directive {
                Directive::Exercise(id) => panel::exercise(&self.course, id)?,
                Directive::Checklist => panel::checklist(self.course.find("proyecto-final")?),
                Directive::Rules => reference::rules(&|page| titles.get(page).cloned()),
                Directive::Experiments => reference::experiments(),
                Directive::Svg(path) => drawing(&src.join(path))?,
            }))
        })
    }
}

/// The names of the pages, by path without extension.
type Titles = BTreeMap<String, String>;

impl Preprocessor for Muelle {
    fn name(&self) -> &str {
        "muelle"
    }

    fn run(&self, ctx: &PreprocessorContext, mut book: Book) -> anyhow::Result<Book> {
        let src = ctx.root.join(&ctx.config.book.src);
        let mut titles = Titles::new();
        for item in book.iter() {
            if let BookItem::Chapter(chapter) = item
                && let Some(path) = &chapter.source_path
            {
                let path = path.with_extension("");
                titles.insert(path.to_string_lossy().into_owned(), chapter.name.clone());
            }
        }
        let mut result = Ok(());
        book.for_each_mut(|item| {
            let BookItem::Chapter(chapter) = item else {
                return;
            };
            match self.page(chapter, &src, &titles) {
                Ok(text) => chapter.content = text,
                Err(error) if result.is_ok() => {
                    let page = chapter.source_path.clone().unwrap_or_default();
                    result = Err(error.context(page.display().to_string()));
                }
                Err(_) => {}
            }
        });
        result.map(|()| book)
    }

    fn supports_renderer(&self, renderer: &str) -> anyhow::Result<bool> {
        Ok(renderer == "html")
    }
}

/// A drawing, to stand in the page itself so that it follows the page's theme.
fn drawing(path: &Path) -> anyhow::Result<String> {
    let text = fs::read_to_string(path)
        .with_context(|| format!("no puedo leer el dibujo `{}`", path.display()))?;
    let start = text
        .find("<svg")
        .with_context(|| format!("`{}` no es un SVG", path.display()))?;
    // A blank line would end the HTML and make Markdown of the rest.
    let lines = text[start..].lines().filter(|line| !line.trim().is_empty());
    let svg: Vec<&str> = lines.map(str::trim_end).collect();
    Ok(format!(
        "<figure class=\"diagrama\">\n{}\n</figure>\n",
        svg.join("\n")
    ))
}
