//! The services whose images are built here, with what becomes part of those images.

use super::copies;
use crate::submission::Reading;
use crate::submission::compose::{Loaded, Service};
use crate::submission::dockerfile::{Dockerfile, Instruction};
use crate::submission::reading::ImageBuild;

/// A service whose image is built here.
pub(in crate::rules) struct Built<'r> {
    pub(in crate::rules) loaded: &'r Loaded,
    pub(in crate::rules) service: &'r Service,
    pub(in crate::rules) build: &'r ImageBuild,
    pub(in crate::rules) dockerfile: &'r Dockerfile,
}

/// Every service whose image is built here.
pub(in crate::rules) fn built(reading: &Reading) -> Vec<Built<'_>> {
    let services = reading.services().filter_map(|(project, loaded, service)| {
        let build = reading.build_of(project, &service.name)?;
        Some(Built {
            loaded,
            service,
            build,
            dockerfile: &reading.dockerfiles[build.dockerfile],
        })
    });
    services.collect()
}

impl<'r> Built<'r> {
    /// The instructions of the image that it runs, the last stage's last.
    pub(in crate::rules) fn kept(&self) -> Vec<&'r Instruction> {
        kept(self.dockerfile, self.build)
    }
}

/// The instructions whose results are in the image that `build` leaves, in their order.
pub(in crate::rules) fn kept<'r>(
    dockerfile: &'r Dockerfile,
    build: &ImageBuild,
) -> Vec<&'r Instruction> {
    let mut stages = copies::stages_kept(dockerfile, build);
    stages.reverse();
    stages
        .into_iter()
        .flat_map(|stage| dockerfile.stage_instructions(stage))
        .collect()
}
