//! A page of the book and its blocks.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use muelle::book::markdown::{self, Block};
use muelle::book::verb::{self, Verb};
use regex::Regex;

/// A page.
pub struct Page {
    /// Its file's name.
    pub name: String,
    /// Its Markdown.
    pub text: String,
}

/// A block that says what is done with it.
pub struct Told {
    /// Where it begins.
    pub line: usize,
    /// Its language.
    pub language: String,
    /// What is done with it.
    pub verb: Verb,
    /// What is in it.
    pub text: String,
}

/// The book's folder.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("book")
}

/// The files that belong to a block, by its language, when its first line does not name one.
const USUAL: [(&str, &str); 4] = [
    ("dockerfile", "Dockerfile"),
    ("yaml", "compose.yaml"),
    ("dockerignore", ".dockerignore"),
    ("dotenv", ".env"),
];

impl Page {
    /// Every page, in the order of their names.
    pub fn all() -> Vec<Self> {
        let mut pages: Vec<Self> = fs::read_dir(root().join("src"))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "md"))
            .map(|path| Self {
                name: path.file_name().unwrap().to_string_lossy().into_owned(),
                text: fs::read_to_string(&path).unwrap(),
            })
            .filter(|page| page.name != "SUMMARY.md")
            .collect();
        pages.sort_by(|a, b| a.name.cmp(&b.name));
        pages
    }

    /// Its fenced blocks.
    pub fn blocks(&self) -> Vec<Block> {
        markdown::blocks(&self.text)
    }

    /// Its blocks that say what is done with them.
    pub fn told(&self) -> Vec<Told> {
        let told = |block: Block| {
            let (language, verb) = verb::parse(&block.info).ok()?;
            Some(Told {
                line: block.line,
                language: language.to_owned(),
                verb,
                text: block.text,
            })
        };
        self.blocks().into_iter().filter_map(told).collect()
    }

    /// Whether anything in it is built or run.
    pub fn needs_engine(&self) -> bool {
        self.told().iter().any(Told::needs_engine)
    }

    /// The ports of the machine that its blocks publish; with 0 for who brings a project up, of which there is one name.
    pub fn ports(&self) -> BTreeSet<u16> {
        static PUBLISHED: LazyLock<Regex> = LazyLock::new(|| {
            Regex::new(r#"(?:-p |--publish[ =]|["' :])(\d{2,5}):\d{2,5}\b"#).unwrap()
        });
        let tried = self.told();
        let tried = tried.iter().filter(|block| {
            let read_only = matches!(block.verb, Verb::ReadOnly(_) | Verb::Fails(_));
            !read_only && ["console", "yaml"].contains(&block.language.as_str())
        });
        let project =
            |block: &&Told| block.verb == Verb::Runs && block.text.contains("docker compose");
        let projects = self.told().iter().any(|block| project(&block));
        tried
            .flat_map(|block| PUBLISHED.captures_iter(&block.text))
            .filter_map(|found| found[1].parse().ok())
            .chain(projects.then_some(0))
            .collect()
    }
}

impl Told {
    /// Whether only an engine can tell if it holds.
    pub fn needs_engine(&self) -> bool {
        match &self.verb {
            Verb::Builds(_) | Verb::Runs => true,
            Verb::Fails(what) => muelle::rules::find(what).is_none(),
            Verb::Holds => self.language == "python",
            Verb::ReadOnly(_) => false,
        }
    }

    /// The name of the file that it is: what its first line says (`# compose.prod.yaml`), else the usual one.
    pub fn file(&self) -> Option<String> {
        self.own_name().or_else(|| {
            let usual = USUAL
                .iter()
                .find(|(language, _)| *language == self.language);
            usual.map(|(_, name)| (*name).to_owned())
        })
    }

    /// The name of a file that its first line says.
    pub fn own_name(&self) -> Option<String> {
        let comment = self.text.lines().next()?.strip_prefix('#')?.trim();
        let plain = |c: char| c.is_ascii_alphanumeric() || "._-/".contains(c);
        let last = comment.rsplit('/').next()?;
        let is_name = last.starts_with("Dockerfile")
            || last.starts_with('.')
            || [
                ".yaml",
                ".yml",
                ".py",
                ".toml",
                ".json",
                ".sh",
                ".txt",
                ".env",
                ".Dockerfile",
            ]
            .iter()
            .any(|end| last.ends_with(end));
        (is_name && comment.chars().all(plain) && !comment.contains(".."))
            .then(|| comment.to_owned())
    }
}
