//! Published ports.

use super::fields::{Fields, Read, excessive, invalid, shown, text};
use crate::submission::location::Location;
use crate::submission::yaml::Node;

/// Ports of one range at most.
const MOST_IN_RANGE: u16 = 200;

/// One container port that is published; ranges that map one to one are already taken apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Port {
    /// Where the entry is.
    pub location: Location,
    /// The port inside.
    pub target: u16,
    /// The port on the host, first and last (equal but for a range to choose from); nothing: the engine chooses.
    pub published: Option<(u16, u16)>,
    /// The host's address; nothing: all of them.
    pub host_ip: Option<String>,
    /// `tcp`, `udp` or `sctp`.
    pub protocol: String,
    /// `ingress` or `host`.
    pub mode: String,
    /// Name of the port, long form only.
    pub name: Option<String>,
    /// Application protocol, long form only.
    pub app_protocol: Option<String>,
}

impl Port {
    /// Reads one entry, which may stand for a range of ports.
    pub(super) fn read(node: &Node) -> Read<Vec<Self>> {
        match text(node) {
            Some(written) => short(&written, &node.location),
            None => Ok(vec![long(node)?]),
        }
    }
}

fn long(node: &Node) -> Read<Port> {
    let mut fields = Fields::of(node);
    let location = node.location.clone();
    let Some(target) = fields.node("target") else {
        return invalid(
            &location,
            "a este puerto le falta `target`, el puerto de dentro del contenedor",
        );
    };
    let wrong = |node: &Node| {
        let written = shown(node);
        move || wrong_port(&written, &written)
    };
    let Some(target) = number(&shown(&target)).filter(|port| *port > 0) else {
        return invalid(&target.location, wrong(&target)());
    };
    let published = match fields
        .node("published")
        .filter(|node| !shown(node).is_empty())
    {
        Some(node) => match range(&shown(&node)) {
            Some(range) => Some(range),
            None => return invalid(&node.location, wrong(&node)()),
        },
        None => None,
    };
    let host_ip = fields.text("host_ip")?;
    if let Some(ip) = host_ip
        .as_ref()
        .filter(|ip| ip.parse::<std::net::IpAddr>().is_err())
    {
        return invalid(
            &ip.location,
            format!(
                "`host_ip` tiene que ser una dirección IP, como `127.0.0.1`, y es `{}`",
                ip.value
            ),
        );
    }
    Ok(Port {
        location,
        target,
        published,
        host_ip: host_ip.map(|ip| ip.value),
        protocol: fields
            .plain_text("protocol")?
            .unwrap_or_else(|| "tcp".to_owned()),
        mode: fields
            .plain_text("mode")?
            .unwrap_or_else(|| "ingress".to_owned()),
        name: fields.plain_text("name")?,
        app_protocol: fields.plain_text("app_protocol")?,
    })
}

/// `[[IP:]PUBLISHED:]TARGET[/PROTOCOL]`, where both ports may be ranges.
fn short(written: &str, location: &Location) -> Read<Vec<Port>> {
    let (address, protocol) = match written.split_once('/') {
        None | Some((_, "")) => (written.trim_end_matches('/'), "tcp"),
        Some(parts) => parts,
    };
    if !["tcp", "udp", "sctp"].contains(&protocol.to_ascii_lowercase().as_str()) {
        return invalid(
            location,
            format!(
                "el puerto `{written}` tiene un protocolo que no existe, `{protocol}`: usa `tcp` o `udp`"
            ),
        );
    }
    let (host, target) = address.rsplit_once(':').unwrap_or(("", address));
    let (host_ip, published) = match host.rsplit_once(':') {
        Some(("", published)) => (None, published),
        Some((ip, published)) => (
            Some(ip.trim_start_matches('[').trim_end_matches(']')),
            published,
        ),
        None => (None, host),
    };
    if let Some(ip) = host_ip
        && ip.parse::<std::net::IpAddr>().is_err()
    {
        return invalid(
            location,
            format!(
                "en el puerto `{written}`, `{ip}` no es una dirección IP: escribe `[IP:]PUERTO_HOST:PUERTO_CONTENEDOR`"
            ),
        );
    }
    let Some((first, last)) = range(target).filter(|(first, _)| *first > 0) else {
        return invalid(location, wrong_port(target, written));
    };
    if last - first >= MOST_IN_RANGE {
        return excessive(
            location,
            format!(
                "el puerto `{written}` publica más de {MOST_IN_RANGE} puertos: publica solo los que usas"
            ),
        );
    }
    let host_range = match published {
        "" => None,
        text => match range(text) {
            Some(range) => Some(range),
            None => return invalid(location, wrong_port(text, written)),
        },
    };
    let count = last - first;
    let one_to_one = host_range.is_some_and(|(from, to)| to - from == count);
    if let Some((from, to)) = host_range
        && count > 0
        && !one_to_one
    {
        return invalid(
            location,
            format!(
                "en el puerto `{written}` los rangos no miden lo mismo: `{from}-{to}` y `{first}-{last}`"
            ),
        );
    }
    let port = |offset: u16| Port {
        location: location.clone(),
        target: first + offset,
        published: match host_range {
            Some((from, _)) if one_to_one => Some((from + offset, from + offset)),
            other => other,
        },
        host_ip: host_ip.map(str::to_owned),
        protocol: protocol.to_ascii_lowercase(),
        mode: "ingress".to_owned(),
        name: None,
        app_protocol: None,
    };
    Ok((0..=count).map(port).collect())
}

fn wrong_port(port: &str, written: &str) -> String {
    format!(
        "el puerto `{written}` no es válido: `{port}` no es un número (ni un rango `A-B`) entre 1 y 65535"
    )
}

fn number(text: &str) -> Option<u16> {
    text.bytes()
        .all(|b| b.is_ascii_digit())
        .then(|| text.parse().ok())?
}

fn range(text: &str) -> Option<(u16, u16)> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let (first, last) = (number(first)?, number(last)?);
    (first <= last).then_some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(written: &str) -> Result<String, String> {
        let ports = short(written, &Location::line("c.yaml", 1)).map_err(|e| e.to_string())?;
        let show = |port: Port| {
            let ip = port.host_ip.map(|ip| format!("{ip}@")).unwrap_or_default();
            let published = match port.published {
                None => "?".to_owned(),
                Some((a, b)) if a == b => a.to_string(),
                Some((a, b)) => format!("{a}-{b}"),
            };
            format!("{ip}{published}>{}/{}", port.target, port.protocol)
        };
        Ok(ports.into_iter().map(show).collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn the_short_form_is_read_as_docker_reads_it() {
        for (written, meant) in [
            ("8000", "?>8000/tcp"),
            ("18000:8000", "18000>8000/tcp"),
            ("127.0.0.1:80:8000", "127.0.0.1@80>8000/tcp"),
            ("127.0.0.1::90", "127.0.0.1@?>90/tcp"),
            ("[::1]:80:81", "::1@80>81/tcp"),
            ("53:53/udp", "53>53/udp"),
            ("8000-8001:9000-9001", "8000>9000/tcp 8001>9001/tcp"),
            ("9000-9010:80", "9000-9010>80/tcp"),
            ("3000-3001", "?>3000/tcp ?>3001/tcp"),
        ] {
            assert_eq!(read(written).unwrap(), meant, "{written}");
        }
    }

    #[test]
    fn a_wrong_port_says_which_part_is_wrong() {
        assert_eq!(
            read("80:99999").unwrap_err(),
            "c.yaml:1: el puerto `80:99999` no es válido: `99999` no es un número (ni un rango `A-B`) entre 1 y 65535"
        );
        assert!(
            read("localhost:80:80")
                .unwrap_err()
                .contains("`localhost` no es una dirección IP")
        );
        assert!(
            read("80:80/http")
                .unwrap_err()
                .contains("protocolo que no existe, `http`")
        );
        assert!(
            read("80-81:80-85")
                .unwrap_err()
                .contains("los rangos no miden lo mismo")
        );
        assert!(read("api").is_err() && read("0").is_err() && read("80:").is_err());
    }
}
