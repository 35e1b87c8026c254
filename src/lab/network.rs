//! Networks of a lab: bridges of its own, small enough for many labs side by side.

use bollard::errors::Error;
use bollard::models::{Ipam, IpamConfig, NetworkCreateRequest};
use rand::RngExt;

use super::Lab;

/// How many addresses are tried before the engine's own choice.
const TRIES: usize = 8;

impl Lab {
    /// The network of containers that have no other: never the engine's default one, where the user's own live.
    ///
    /// # Errors
    /// When the engine does not make it.
    pub async fn network(&self) -> Result<&str, Error> {
        self.network
            .get_or_try_init(|| {
                let name = format!("muelle-{}-red", self.id());
                self.make_network(NetworkCreateRequest {
                    name,
                    driver: Some("bridge".into()),
                    labels: Some(self.labels()),
                    ..NetworkCreateRequest::default()
                })
            })
            .await
            .map(String::as_str)
    }

    /// Makes the network that `wanted` asks for, with an address range of ours, and gives its id.
    ///
    /// # Errors
    /// When the engine does not make it.
    pub async fn make_network(&self, wanted: NetworkCreateRequest) -> Result<String, Error> {
        for _ in 0..TRIES {
            let range = IpamConfig {
                subnet: Some(subnet(rand::rng().random_range(0..512))),
                ..IpamConfig::default()
            };
            let request = NetworkCreateRequest {
                ipam: Some(Ipam {
                    config: Some(vec![range]),
                    ..Ipam::default()
                }),
                ..wanted.clone()
            };
            match self.docker().create_network(request).await {
                Ok(made) => return Ok(made.id),
                // Taken by another network of this engine's.
                Err(Error::DockerResponseServerError { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(self.docker().create_network(wanted).await?.id)
    }
}

/// The `index`th of 512 nets of 62 addresses in 198.19.0.0/17, a range for measurements that nobody routes. The
/// engine's own pools hold 31 networks in all, which eight checks at once use up.
fn subnet(index: u16) -> String {
    format!("198.19.{}.{}/26", index / 4, index % 4 * 64)
}

#[cfg(test)]
mod tests {
    use super::subnet;

    #[test]
    fn subnets_do_not_overlap() {
        assert_eq!(subnet(0), "198.19.0.0/26");
        assert_eq!(subnet(7), "198.19.1.192/26");
        assert_eq!(subnet(511), "198.19.127.192/26");
    }
}
