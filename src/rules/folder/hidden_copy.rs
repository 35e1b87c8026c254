//! A folder of this machine laid over what the image brings from another stage, and that the folder does not have.

use super::built::built;
use super::copies;
use crate::rules::Out;
use crate::submission::Reading;
use crate::submission::compose::MountKind;
use crate::submission::dockerfile::Kind;

pub(super) fn check(reading: &Reading, out: &mut Out<'_>) {
    if reading.snapshot.is_partial() {
        return;
    }
    for built in built(reading) {
        for instruction in built.kept() {
            let Kind::Transfer(transfer) = &instruction.kind else {
                continue;
            };
            // What a build makes is in no folder of this machine; what is copied from here usually is.
            let [source] = transfer.sources.as_slice() else {
                continue;
            };
            let made = transfer.from.is_some();
            let at = copies::workdir_at(built.dockerfile, instruction);
            let place = transfer.destination.value.as_deref();
            let place = place.and_then(|place| copies::absolute(place, at.as_deref()));
            let Some(place) = place.filter(|_| made) else {
                continue;
            };
            // A folder's content may be spread over the folder that is there; a file is one file.
            let name = source.text().rsplit('/').next().unwrap_or_default();
            if !place
                .rsplit('/')
                .next()
                .is_some_and(|last| last.contains('.'))
                || !name.contains('.')
            {
                continue;
            }
            let mut volumes = built.service.volumes.iter();
            let hiding = volumes.find(|mount| {
                let target = mount.target.trim_end_matches('/');
                let relative = mount.source.as_deref().filter(|source| {
                    mount.kind == MountKind::Bind && !source.starts_with(['/', '~', '.'])
                });
                let Some(folder) = relative.filter(|_| !target.is_empty()) else {
                    return false;
                };
                let rest = place
                    .strip_prefix(target)
                    .and_then(|rest| rest.strip_prefix('/'));
                rest.is_some_and(|rest| {
                    let own = format!("{folder}/{rest}");
                    !reading.snapshot.contains(&own) && !copies::is_unsure(reading, folder)
                })
            });
            if let Some(mount) = hiding {
                let message = format!(
                    "`{}` tapa `{place}`, que la imagen trae hecho",
                    mount.target
                );
                out.at(mount.location.clone(), message).related(
                    built.dockerfile.location(instruction.span),
                    "aquí entra en la imagen",
                );
            }
        }
    }
}
