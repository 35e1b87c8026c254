//! The project in other surroundings: other variables, other files, another name.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use tokio::sync::OnceCell;

use super::{Bench, PROJECT, set_apart};
use crate::lab::stack::Stack;
use crate::policy;
use crate::submission::Snapshot;
use crate::submission::compose::{self, ComposeError, Loaded, Project};
use crate::verdict::Finding;

/// Surroundings in which the project is loaded, and what is changed around it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Setting {
    /// Variables of the shell.
    pub shell: BTreeMap<String, String>,
    /// Files as for `--env-file`; none: `.env`.
    pub env_files: Vec<String>,
    /// Compose files as for `-f`; none: those that Compose finds.
    pub files: Vec<String>,
    /// Variables that `.env` files are made to define, by the file's path; an empty list only makes sure that the
    /// file is there.
    pub defined: BTreeMap<String, BTreeMap<String, String>>,
    /// Variables that no longer are defined in the root's `.env`.
    pub undefined: Vec<String>,
    /// Text at the end of files around the project, which the images do not have: by path.
    pub edited: BTreeMap<String, String>,
    /// Whether networks get other addresses than those that are written down.
    pub readdressed: bool,
}

/// The project, up in its setting.
pub struct Scene<'lab> {
    /// The stack.
    pub stack: Stack<'lab>,
}

type Raised<'lab> = Arc<OnceCell<Result<Arc<Scene<'lab>>, Finding>>>;

/// The scenes of a bench.
#[derive(Default)]
pub(super) struct Scenes<'lab> {
    raised: Mutex<BTreeMap<Setting, Raised<'lab>>>,
    /// How many folders were laid out for stacks.
    staged: Mutex<usize>,
}

impl<'lab> Bench<'lab> {
    /// What stands around the project in `setting`.
    pub fn surroundings(&self, setting: &Setting) -> Snapshot {
        let mut files = self.outside.clone();
        for name in &setting.undefined {
            let own = files.file(".env");
            let own = own.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            if let Some(own) = own {
                files.insert(".env", without(&own, name), false);
            }
        }
        for (path, variables) in &setting.defined {
            define(&mut files, path, variables);
        }
        for (path, text) in &setting.edited {
            let own = files.file(path).map(|bytes| bytes.to_vec());
            let mut content = own.unwrap_or_default();
            content.extend_from_slice(text.as_bytes());
            files.insert(path, content, false);
        }
        files
    }

    /// The project as Compose reads it in `setting`; nothing when there is none.
    ///
    /// # Errors
    /// Why Compose would not go on.
    pub fn load_in(&self, setting: &Setting) -> Result<Option<Loaded>, ComposeError> {
        self.load_from(&self.surroundings(setting), setting)
    }

    fn load_from(
        &self,
        files: &Snapshot,
        setting: &Setting,
    ) -> Result<Option<Loaded>, ComposeError> {
        compose::load(&compose::Request {
            snapshot: files,
            shell: &setting.shell,
            files: &setting.files,
            env_files: &setting.env_files,
            profiles: &[],
            project: PROJECT,
        })
    }

    /// The project in `setting`, ready to be brought up: reviewed as it is there, in a folder of its own, which no
    /// container of another stack has touched.
    ///
    /// # Errors
    /// The finding that says why it is not.
    pub async fn stage(&self, setting: &Setting) -> Result<Stack<'lab>, Finding> {
        let files = self.surroundings(setting);
        let read = self.load_from(&files, setting);
        policy::review(&files, &read, &self.allowance()).map_err(|refusal| {
            Finding::refused(refusal.message).at(Some(refusal.location.clone()))
        })?;
        let mut project = self.valid(&read)?.project.clone();
        if setting.readdressed {
            readdress(&mut project);
        }
        let mut images = BTreeMap::new();
        for (name, service) in &project.services {
            images.insert(name.clone(), self.image_of(service).await?);
        }
        let name = format!("escena-{}", self.scenes.next());
        let mut lay = || -> std::io::Result<_> {
            let dir = self.lab.shared_dir().join(&name);
            std::fs::create_dir(&dir)?;
            files.write(&dir)?;
            self.lab.hand_over(&dir)?;
            let apart = self.lab.shared_dir().join(format!("{name}-aparte"));
            set_apart(&mut project, &dir, &apart)?;
            self.lab.hand_over(&apart)?;
            Ok(dir)
        };
        let dir = lay().map_err(|error| {
            Finding::error(format!("no pude preparar la carpeta del proyecto: {error}"))
        })?;
        let key = ("AULA_CLAVE".to_owned(), self.switch_key.clone());
        let tweaks = self.tweaks(&project, vec![key]);
        Ok(Stack::new(self.lab, &name, project, images, dir, tweaks))
    }

    /// The project brought up in `setting`, once.
    ///
    /// # Errors
    /// The finding that says why it does not come up there.
    pub async fn scene(&self, setting: &Setting) -> Result<Arc<Scene<'lab>>, Finding> {
        let cell = match self.scenes.raised.lock() {
            Ok(mut raised) => raised.entry(setting.clone()).or_default().clone(),
            Err(_) => return Err(Finding::error("las escenas quedaron en mal estado")),
        };
        let raised = cell.get_or_init(|| {
            self.lab
                .timed("levantar el proyecto en otro entorno", async {
                    let stack = self.stage(setting).await?;
                    let up = stack.up().await;
                    up.map_err(|error| {
                        let finding = error.finding();
                        finding.unwrap_or_else(|error| Finding::error(error.to_string()))
                    })?;
                    Ok(Arc::new(Scene { stack }))
                })
        });
        raised.await.clone()
    }
}

impl Scenes<'_> {
    fn next(&self) -> usize {
        let mut staged = match self.staged.lock() {
            Ok(staged) => staged,
            // It only counts.
            Err(poisoned) => poisoned.into_inner(),
        };
        *staged += 1;
        *staged
    }
}

/// Takes from `project` every address that is written down, so that its networks get others.
fn readdress(project: &mut Project) {
    for network in project.networks.values_mut() {
        network.ipam = None;
    }
    for service in project.services.values_mut() {
        for attachment in &mut service.networks {
            attachment.ipv4_address = None;
            attachment.ipv6_address = None;
        }
    }
}

/// Makes the `.env` file at `path` define `variables`, each where the student defines it, or else at the end.
pub(super) fn define(files: &mut Snapshot, path: &str, variables: &BTreeMap<String, String>) {
    let own = files.file(path);
    let own = own.map(|bytes| String::from_utf8_lossy(bytes).into_owned());
    let text = defining(&own.unwrap_or_default(), variables);
    files.insert(path, text, false);
}

fn defining(own: &str, variables: &BTreeMap<String, String>) -> String {
    let mut left = variables.clone();
    let mut text = String::new();
    for line in own.lines() {
        match named(line).filter(|name| variables.contains_key(*name)) {
            // A second definition of the same name would win over ours.
            Some(name) => {
                if let Some(value) = left.remove(name) {
                    text.push_str(&format!("{name}={value}\n"));
                }
            }
            None => text.push_str(&format!("{line}\n")),
        }
    }
    for (name, value) in left {
        text.push_str(&format!("{name}={value}\n"));
    }
    text
}

/// `own` without the definitions of `name`.
fn without(own: &str, name: &str) -> String {
    own.lines()
        .filter(|line| named(line) != Some(name))
        .map(|line| format!("{line}\n"))
        .collect()
}

/// The variable that a line of a `.env` file defines.
fn named(line: &str) -> Option<&str> {
    let line = line.trim_start();
    let line = line.strip_prefix("export ").unwrap_or(line);
    let (name, _) = line.split_once(['=', ':'])?;
    let name = name.trim();
    (!name.is_empty() && !name.starts_with('#')).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        let pairs = pairs.iter();
        pairs
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn a_variable_is_defined_where_the_student_defines_it_so_that_later_lines_still_see_it() {
        let own = "# nota\nAPP_NAME=uno\nTITULO=${APP_NAME}\nexport APP_NAME = dos\n";
        assert_eq!(
            defining(
                own,
                &variables(&[("APP_NAME", "otro"), ("LOG_LEVEL", "DEBUG")])
            ),
            "# nota\nAPP_NAME=otro\nTITULO=${APP_NAME}\nLOG_LEVEL=DEBUG\n"
        );
        assert_eq!(defining("", &variables(&[])), "");
    }

    #[test]
    fn a_variable_is_undefined_and_its_comment_stays() {
        assert_eq!(
            without("#API_KEY=x\nAPI_KEY: y\nAPI_KEYS=z\n", "API_KEY"),
            "#API_KEY=x\nAPI_KEYS=z\n"
        );
    }
}
