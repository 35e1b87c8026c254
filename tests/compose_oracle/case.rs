//! One project to compare, and those written by hand.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// A project: its files, and how Compose is called on it.
#[derive(Clone, Default)]
pub struct Case {
    pub name: String,
    /// Path and text.
    pub tree: Vec<(String, String)>,
    pub shell: BTreeMap<String, String>,
    pub files: Vec<String>,
    pub env_files: Vec<String>,
    pub profiles: Vec<String>,
}

impl Case {
    /// A project of one `compose.yaml`.
    pub fn one(name: String, text: String) -> Self {
        Self {
            name,
            tree: vec![("compose.yaml".to_owned(), text)],
            ..Self::default()
        }
    }

    /// Writes the files below `root`.
    pub fn write(&self, root: &Path) {
        fs::create_dir_all(root).expect("the folder");
        for (path, text) in &self.tree {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("the folder");
            fs::write(path, text).expect("the file");
        }
    }

    /// The folder of the first file asked for, after which Compose names the project.
    pub fn folder(&self) -> Option<&str> {
        let (folder, _) = self.files.first()?.rsplit_once('/')?;
        folder.rsplit('/').next()
    }

    /// Whether it has more than one YAML file.
    pub fn has_several_files(&self) -> bool {
        let is_yaml = |path: &str| path.ends_with(".yaml") || path.ends_with(".yml");
        self.tree.iter().filter(|(path, _)| is_yaml(path)).count() > 1
    }

    /// All of it, for whoever looks into a difference.
    pub fn shown(&self) -> String {
        let mut shown = String::new();
        for (path, text) in &self.tree {
            let text: String = text.chars().take(3_000).collect();
            shown += &format!("--- {path}\n{}\n", text.trim_end());
        }
        shown
    }
}

/// Named things that the bodies of `services.txt` may refer to.
pub const SURROUNDINGS: &str = "  b: {image: y}\n  c: {image: z, healthcheck: {test: [CMD, ok]}}\nnetworks: {n: , m: {internal: true}}\nvolumes: {datos: , otros: }\nsecrets: {s: {file: ./s.txt}, t: {environment: T}}\nconfigs: {k: {file: ./k.txt}, l: {content: hola}}\n";

/// The keys of a service, one after the other: `services.txt` holds one `key: value` a line (`\n` stands for a
/// new line), and stands for a service with just that.
pub fn bodies() -> Vec<String> {
    include_str!("services.txt")
        .lines()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .map(|line| line.replace("\\n", "\n    "))
        .collect()
}

/// A project whose service `a` has the keys of `bodies`.
pub fn service(bodies: &[&str]) -> String {
    let mut text = "services:\n  a:\n".to_owned();
    let has = |key: &str| {
        bodies
            .iter()
            .any(|body| body.split(':').next() == Some(key))
    };
    if !has("image") && !has("provider") {
        text += "    image: x\n";
    }
    for body in bodies {
        text += &format!("    {body}\n");
    }
    text + SURROUNDINGS
}

/// The files that `services.txt` names.
pub fn helpers() -> Vec<(String, String)> {
    [
        ("uno.env", "A=uno\nB=\"dos $A\"\nSHELL_VAR\n"),
        ("dos.env", "A=otra\nC='$A'\n"),
        ("etiquetas.txt", "com.x=1\ncom.y=dos\n"),
        ("s.txt", "secreto"),
        ("k.txt", "config"),
    ]
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .to_vec()
}

/// Every case written by hand.
pub fn written() -> Vec<Case> {
    let mut cases: Vec<Case> = bodies()
        .iter()
        .enumerate()
        .map(|(index, body)| {
            let mut case = Case::one(format!("service {}: {body}", index + 1), service(&[body]));
            case.tree.extend(helpers());
            case.shell
                .insert("SHELL_VAR".to_owned(), "de la shell".to_owned());
            case
        })
        .collect();
    cases.extend(
        include_str!("roots.txt")
            .split("\n====\n")
            .enumerate()
            .map(|(index, text)| Case::one(format!("root {}", index + 1), unescape(text))),
    );
    cases.extend(
        include_str!("projects.txt")
            .split("\n==== ")
            .skip(1)
            .map(project),
    );
    cases
}

/// The compose projects of this repository: exercises, solutions and the folders of `tests/cases`, but for the hostile
/// ones, which are parts of projects, and which Compose would follow out of the folder.
pub fn repository() -> Vec<Case> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut cases: Vec<Case> = Vec::new();
    for top in ["exercises", "solutions", "tests/cases"] {
        let mut folders = vec![root.join(top)];
        while let Some(folder) = folders.pop() {
            let mut tree = Vec::new();
            for entry in fs::read_dir(&folder).expect("a folder") {
                let path = entry.expect("an entry").path();
                if path.is_dir() {
                    if !path.ends_with("tests/cases/hostile") {
                        folders.push(path);
                    }
                } else if let Ok(text) = fs::read_to_string(&path) {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    tree.push((name.into_owned(), text));
                }
            }
            tree.sort();
            let has_compose = tree.iter().any(|(name, _)| name.contains("compose."));
            if has_compose && cases.iter().all(|case| case.tree != tree) {
                let name = folder.strip_prefix(root).unwrap_or(&folder).display();
                cases.push(Case {
                    name: format!("repository {name}"),
                    tree,
                    ..Case::default()
                });
            }
        }
    }
    cases
}

/// `\t`, `\r` and `\u{feff}` would not survive an editor.
fn unescape(text: &str) -> String {
    text.replace("<TAB>", "\t")
        .replace("<CR>", "\r")
        .replace("<BOM>", "\u{feff}")
}

/// A name, settings (`shell: A=1`, `-f: one.yaml`, `--env-file: e`, `--profile: p`) and files (`-- path`).
fn project(text: &str) -> Case {
    let (name, rest) = text.split_once('\n').expect("a name");
    let mut case = Case {
        name: format!("project {name}"),
        ..Case::default()
    };
    let mut parts = rest.split("-- ");
    for setting in parts.next().unwrap_or_default().lines() {
        let (key, value) = setting.split_once(": ").expect("`setting: value`");
        let value = value.to_owned();
        match key {
            "shell" => {
                let (name, value) = value.split_once('=').expect("`A=1`");
                case.shell.insert(name.to_owned(), value.to_owned());
            }
            "-f" => case.files.push(value),
            "--env-file" => case.env_files.push(value),
            "--profile" => case.profiles.push(value),
            other => panic!("{name}: no setting `{other}`"),
        }
    }
    for part in parts {
        let (path, text) = part.split_once('\n').expect("a path");
        case.tree.push((path.to_owned(), unescape(text)));
    }
    case
}
