//! The end of a stack, or of a part of it.

use bollard::query_parameters::RemoveVolumeOptions;
use futures_util::future::try_join_all;

use super::Stack;
use super::order::waves;
use crate::lab::container::Container;

impl<'lab> Stack<'lab> {
    /// Stops and removes containers, those that wait for others first, and networks; volumes only `with_volumes`,
    /// as `down -v`.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn down(&self, with_volumes: bool) -> anyhow::Result<()> {
        let (mut replicas, one_offs) = {
            let mut made = self.made.lock().await;
            let replicas = std::mem::take(&mut made.replicas);
            (replicas, std::mem::take(&mut made.one_offs))
        };
        try_join_all(one_offs.iter().map(Container::remove)).await?;
        let services: Vec<_> = self.project.services.values().collect();
        for wave in waves(&services).into_iter().rev() {
            let mut ends = Vec::new();
            for service in wave {
                for replica in replicas.remove(&service.name).unwrap_or_default() {
                    ends.push(self.remove(&service.name, replica.container));
                }
            }
            try_join_all(ends).await?;
        }
        let mut made = self.made.lock().await;
        let networks = std::mem::take(&mut made.networks).into_values();
        try_join_all(networks.map(|id| async move { self.lab.docker().remove_network(&id).await }))
            .await?;
        if with_volumes {
            // Two keys may stand for one volume.
            let mut names: Vec<_> = std::mem::take(&mut made.volumes).into_values().collect();
            names.sort();
            names.dedup();
            try_join_all(names.into_iter().map(|name| async move {
                self.lab
                    .docker()
                    .remove_volume(&name, None::<RemoveVolumeOptions>)
                    .await
            }))
            .await?;
        }
        Ok(())
    }

    /// Stops the containers of `service` and leaves them there, as `docker compose stop SERVICE`.
    ///
    /// # Errors
    /// When the engine does not answer.
    pub async fn stop(&self, service: &str) -> anyhow::Result<()> {
        let grace = self.grace(service);
        let containers = self.containers(service).await;
        try_join_all(containers.iter().map(|container| container.stop(grace))).await?;
        Ok(())
    }

    /// Stops and removes one container of `service`.
    pub(super) async fn remove(
        &self,
        service: &str,
        container: Container<'lab>,
    ) -> anyhow::Result<()> {
        container.stop(self.grace(service)).await?;
        container.remove().await?;
        let stack = format!("muelle-{}-", self.lab.id());
        let name = container.name();
        self.ports
            .release(name.strip_prefix(&stack).unwrap_or(name));
        Ok(())
    }
}
