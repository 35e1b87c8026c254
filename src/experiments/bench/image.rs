//! The image under test, and rebuilds of it with something changed.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Bench;
use crate::course::BuildNetwork;
use crate::lab::build::{BuildError, BuildFailure, Built, Recipe};
use crate::lab::engine::Facts;
use crate::policy::dockerfile::{Standing, standing};
use crate::policy::join;
use crate::submission::compose::{Build, Service};
use crate::submission::dockerfile::Dockerfile;
use crate::submission::dockerignore::{self, Dockerignore};
use crate::submission::snapshot::Resolved;
use crate::submission::{Location, Snapshot};
use crate::verdict::Finding;

/// Steps of a build that took less are not told apart in the timings.
const STEP_WORTH_TELLING: Duration = Duration::from_millis(300);

/// The image of the service under test.
#[derive(Clone, Debug)]
pub struct Image {
    /// The build that made it.
    pub built: Built,
    /// The Dockerfile that made it.
    pub dockerfile: Dockerfile,
    /// How it was made, without what the checker adds.
    order: Order,
}

/// What a build is made of, as the submission asks for it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Order {
    context: String,
    dockerfile: String,
    inline: Option<String>,
    target: Option<String>,
    args: BTreeMap<String, String>,
}

/// An image that a service runs, not the one under test.
pub(super) struct Other {
    order: Order,
    image: String,
}

/// A build that stopped, for experiments that expect one.
#[derive(Clone, Debug)]
pub struct StepError(pub BuildFailure);

impl Image {
    /// Where the image says what runs when it starts, if its Dockerfile does.
    pub fn starts_at(&self) -> Option<Location> {
        let last = |keyword| self.dockerfile.last(keyword);
        last("CMD").or_else(|| last("ENTRYPOINT"))
    }

    /// Where the image gets its health check, if the Dockerfile has one.
    pub fn healthcheck(&self) -> Option<Location> {
        self.dockerfile.last("HEALTHCHECK")
    }
}

impl<'lab> Bench<'lab> {
    /// The image of the service under test, built once.
    ///
    /// # Errors
    /// The finding for whoever asks for the build itself.
    pub async fn image(&self) -> Result<&Image, Finding> {
        let image = self.image.get_or_init(|| async {
            let order = self.order();
            let (dockerfile, recipe) = self.recipe(&order, &self.planted)?;
            self.check_bases(&dockerfile).await?;
            self.say("construyo la imagen");
            let built = self
                .lab
                .timed("construir la imagen", self.lab.build("api", &recipe))
                .await
                .map_err(|error| blame(&dockerfile, self.lab.engine().facts(), error))?;
            for step in &built.steps {
                if let Some(took) = step.took.filter(|took| *took > STEP_WORTH_TELLING) {
                    self.lab.note_timing(format!("  {}", step.name), took);
                }
            }
            Ok(Image {
                built,
                dockerfile,
                order,
            })
        });
        image.await.as_ref().map_err(Clone::clone)
    }

    /// Builds the image again as `name` with files changed by `edit`.
    ///
    /// # Errors
    /// The outer error is the machine's; the inner one the build's own.
    pub async fn rebuild(
        &self,
        name: &str,
        image: &Image,
        edit: impl FnOnce(&mut Snapshot),
    ) -> anyhow::Result<Result<Built, StepError>> {
        self.rebuild_with(name, image, &[], edit).await
    }

    /// The same with build arguments: as `docker build --build-arg NAME=VALUE` gives them.
    ///
    /// # Errors
    /// As [`Bench::rebuild`].
    pub async fn rebuild_with(
        &self,
        name: &str,
        image: &Image,
        args: &[(&str, &str)],
        edit: impl FnOnce(&mut Snapshot),
    ) -> anyhow::Result<Result<Built, StepError>> {
        let mut files = self.planted.clone();
        edit(&mut files);
        let mut order = image.order.clone();
        let args = args.iter();
        order
            .args
            .extend(args.map(|&(name, value)| (name.to_owned(), value.to_owned())));
        let (_, recipe) = self
            .recipe(&order, &files)
            .map_err(|finding| anyhow::anyhow!(finding.saw))?;
        match self.lab.build(name, &recipe).await {
            Ok(built) => Ok(Ok(built)),
            Err(BuildError::Failed(failure)) => Ok(Err(StepError(failure))),
            Err(error) => Err(error.into()),
        }
    }

    /// The image that `service` runs: the one under test where it is built alike, else one of its own.
    pub(super) async fn image_of(&self, service: &Service) -> Result<String, Finding> {
        let Some(build) = &service.build else {
            return self.ready_image(service).await;
        };
        let order = Order::of(build);
        if order == self.order() {
            return Ok(self.image().await?.built.image.clone());
        }
        // One after the other: what two services build alike is built once.
        let mut others = self.others.lock().await;
        if let Some(other) = others.iter().find(|other| other.order == order) {
            return Ok(other.image.clone());
        }
        let (dockerfile, recipe) = self.recipe(&order, &self.planted)?;
        self.check_bases(&dockerfile).await?;
        let name = match others.len() {
            0 => service.name.clone(),
            more => format!("{}-{more}", service.name),
        };
        let built = self.lab.build(&name, &recipe);
        let built = self
            .lab
            .timed(format!("construir `{}`", service.name), built)
            .await;
        let image = built
            .map_err(|error| blame(&dockerfile, self.lab.engine().facts(), error))?
            .image;
        others.push(Other {
            order,
            image: image.clone(),
        });
        Ok(image)
    }

    /// How the image under test is made.
    fn order(&self) -> Order {
        match self.api().and_then(|api| api.build.as_ref()) {
            Some(build) => Order::of(build),
            None => Order::plain(),
        }
    }

    /// The image that a service without `build` names: one of this project's, or one that the exercise allows.
    async fn ready_image(&self, service: &Service) -> Result<String, Finding> {
        let Some(image) = &service.image else {
            return Err(Finding::failed(format!(
                "`{}` no tiene ni `build` ni `image`",
                service.name
            ))
            .at(Some(service.location.clone())));
        };
        if self.allowance().has(&image.value) {
            return Ok(image.value.clone());
        }
        let api = self.api().filter(|api| {
            api.build.is_some()
                && api
                    .image
                    .as_ref()
                    .is_some_and(|name| name.value == image.value)
        });
        if api.is_some() {
            return Ok(self.image().await?.built.image.clone());
        }
        Err(Finding::refused(format!(
            "`{}` usa la imagen `{}`, que este ejercicio no admite. Admite: {}",
            service.name,
            image.value,
            self.exercise.images.join(", ")
        ))
        .at(Some(image.location.clone())))
    }

    fn recipe(&self, order: &Order, files: &Snapshot) -> Result<(Dockerfile, Recipe), Finding> {
        let path = join(&order.context, &order.dockerfile);
        let (path, bytes) = match &order.inline {
            Some(text) => (
                path.unwrap_or_else(|| "Dockerfile".into()),
                text.clone().into(),
            ),
            None => {
                let path = path.ok_or_else(|| outside(&order.dockerfile))?;
                let bytes = files
                    .file(&path)
                    .cloned()
                    .ok_or_else(|| missing(&path, files))?;
                (path, bytes)
            }
        };
        let context = join(".", &order.context).ok_or_else(|| outside(&order.context))?;
        // The folder that a link means, as `docker build` takes it.
        let context = match files.resolve(&context) {
            Resolved::Inside(real) => real,
            _ => context,
        };
        if !context.is_empty() && !files.contains(&context) {
            return Err(Finding::failed(format!(
                "no existe la carpeta `{context}`, que el archivo de Compose da como contexto"
            )));
        }
        let dockerfile = Dockerfile::read(&path, &bytes, &order.args)
            .map_err(|error| Finding::failed(error.message).at(Some(error.location)))?;
        let ignore = Dockerignore::for_build(files, &context, &path)
            .map_err(|error| Finding::failed(error.message).at(Some(error.location)))?;
        let recipe = Recipe {
            context: dockerignore::context(files, &context, &ignore),
            path: inside(&context, &path).unwrap_or_default(),
            dockerfile: dockerfile.without_syntax().into(),
            target: order.target.clone(),
            args: order.args.clone().into_iter().collect(),
            froms: dockerfile.stage_starts(),
            offline: self.exercise.build_network == BuildNetwork::None,
            unpacks: dockerfile.unpacks(),
        };
        Ok((dockerfile, recipe))
    }

    /// Every image that the Dockerfile starts from must be there: the checker never pulls.
    async fn check_bases(&self, dockerfile: &Dockerfile) -> Result<(), Finding> {
        for base in dockerfile.bases() {
            let at = Some(base.location.clone());
            let image = match (standing(dockerfile, &base, &self.allowance()), &base.image) {
                (Standing::Slip(name), _) => {
                    return Err(Finding::failed(format!(
                        "ninguna etapa se llama `{}`; ¿quisiste decir `{name}`?",
                        base.written
                    ))
                    .at(at));
                }
                (Standing::Allowed, Some(image)) => image,
                (Standing::Faulty, _) => continue,
                // The policy has already said no to the rest.
                _ => {
                    return Err(Finding::refused(format!(
                        "`{}`: este ejercicio no admite esa imagen",
                        base.written
                    ))
                    .at(at));
                }
            };
            if self.lab.docker().inspect_image(image).await.is_err() {
                return Err(Finding::error(format!(
                    "falta la imagen base `{image}`, y al comprobar no se descarga nada. Prepárala con `muelle images prepare`"
                ))
                .at(at));
            }
        }
        Ok(())
    }
}

impl Order {
    fn of(build: &Build) -> Self {
        let text = |located: &Option<crate::submission::compose::Located<String>>| {
            located.as_ref().map(|located| located.value.clone())
        };
        Self {
            context: build.context.value.clone(),
            dockerfile: text(&build.dockerfile).unwrap_or_else(|| "Dockerfile".into()),
            inline: text(&build.dockerfile_inline),
            target: text(&build.target),
            args: build
                .args
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), value.value.clone()?)))
                .collect(),
        }
    }

    /// `docker build .`
    fn plain() -> Self {
        Self {
            context: ".".into(),
            dockerfile: "Dockerfile".into(),
            inline: None,
            target: None,
            args: BTreeMap::new(),
        }
    }
}

/// `path` as seen from inside the folder `context`.
fn inside(context: &str, path: &str) -> Option<String> {
    if context.is_empty() {
        return Some(path.to_owned());
    }
    path.strip_prefix(context)?
        .strip_prefix('/')
        .map(str::to_owned)
}

fn outside(path: &str) -> Finding {
    Finding::refused(format!(
        "`{path}` queda fuera de la entrega, y nada de fuera entra en la construcción"
    ))
}

fn missing(path: &str, files: &Snapshot) -> Finding {
    let near = files
        .entries()
        .map(|(path, _)| path)
        .find(|entry| entry.to_lowercase().contains("dockerfile") && !entry.ends_with("ignore"));
    let hint = match near {
        Some(near) => {
            format!(" Hay un `{near}`: ¿es ese? El nombre se escribe tal cual, con esa mayúscula")
        }
        None => " Créalo en la raíz de la entrega".to_owned(),
    };
    Finding::failed(format!("no encuentro el archivo `{path}`.{hint}."))
}

/// Who is to blame for a build that gave no image, and where.
fn blame(dockerfile: &Dockerfile, facts: &Facts, error: BuildError) -> Finding {
    match error {
        BuildError::Failed(failure) => {
            if let Some((what, at)) = dockerfile.beyond(&failure.message, facts.knows_heredocs()) {
                return Finding::unverified(format!(
                    "tu Dockerfile usa {what}, que el constructor de este motor todavía no conoce y uno más nuevo sí. Actualiza el motor, o escríbelo de otra forma para probarlo aquí"
                ))
                .at(at);
            }
            let step = failure.step.as_deref();
            let at = step
                .and_then(|step| dockerfile.step(step))
                .or_else(|| dockerfile.blamed(&failure.message));
            let mut saw = match step {
                Some(step) => format!("la construcción se detuvo en `{step}`."),
                None => "el constructor no acepta el Dockerfile.".to_owned(),
            };
            if failure.output.is_empty() {
                saw.push_str(&format!("\n{}", failure.message.trim()));
            } else {
                saw.push_str(&format!("\n{}", failure.output.join("\n")));
            }
            Finding::failed(saw).at(at)
        }
        error @ BuildError::TimedOut => Finding::failed(error.to_string()),
        error => Finding::error(error.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_never_leave_the_submission() {
        assert_eq!(
            join(".", "docker/../Dockerfile").as_deref(),
            Some("Dockerfile")
        );
        assert_eq!(join("a/b", "../c").as_deref(), Some("a/c"));
        assert_eq!(join("a", "../../c"), None);
        assert_eq!(join(".", "/etc"), None);
        assert_eq!(join(".", "https://x/y"), None);
    }

    #[test]
    fn a_dockerfile_of_another_case_is_pointed_out() {
        let mut files = Snapshot::default();
        files.insert("dockerfile", "FROM x", false);
        assert!(
            missing("Dockerfile", &files)
                .saw
                .contains("`dockerfile`: ¿es ese?")
        );
    }
}
