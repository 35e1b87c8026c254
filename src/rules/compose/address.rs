//! Addresses inside of values: `scheme://user:password@host:port/path`.

/// An address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Address<'s> {
    pub scheme: &'s str,
    /// What stands behind the user's name, empty or not.
    pub password: Option<&'s str>,
    pub host: &'s str,
    pub port: Option<u16>,
}

/// Every address in `text`.
pub(super) fn addresses(text: &str) -> impl Iterator<Item = Address<'_>> {
    text.split([' ', ',', ';', '"', '\'']).filter_map(address)
}

fn address(text: &str) -> Option<Address<'_>> {
    let (scheme, rest) = text.split_once("://")?;
    let scheme = scheme
        .rsplit(|c: char| !c.is_ascii_alphanumeric() && !"+-.".contains(c))
        .next()?;
    let rest = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let (user, place) = rest
        .rsplit_once('@')
        .map_or((None, rest), |(user, place)| (Some(user), place));
    let password = user.and_then(|user| Some(user.split_once(':')?.1));
    let (host, port) = match place.rsplit_once(':') {
        Some((host, port)) => (host, Some(port.parse().ok()?)),
        None => (place, None),
    };
    (!scheme.is_empty() && !host.is_empty()).then_some(Address {
        scheme,
        password,
        host,
        port,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_found_inside_of_values() {
        let one = |text| addresses(text).next();
        let of = |scheme, password, host, port| {
            Some(Address {
                scheme,
                password,
                host,
                port,
            })
        };
        assert_eq!(
            one("http://api:8000/x?y=1"),
            of("http", None, "api", Some(8000))
        );
        assert_eq!(
            one("postgresql+psycopg://u:p@ss@db/name"),
            of("postgresql+psycopg", Some("p@ss"), "db", None)
        );
        assert_eq!(
            one("jdbc:mysql://db:3306/x"),
            of("mysql", None, "db", Some(3306))
        );
        assert_eq!(
            one("redis://:secreto@cache"),
            of("redis", Some("secreto"), "cache", None)
        );
        assert_eq!(one("http://a:b"), None);
        assert_eq!(one("nada"), None);
        assert_eq!(addresses("http://a:1,http://b:2").count(), 2);
    }
}
