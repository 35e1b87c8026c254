//! The name that a TLS client asks for, in the first message that it sends.
//!
//! Behind the addresses of a package index are other sites too, those of all who pay for the same network of caches.
//! A tunnel to `pypi.org` in which somebody greets another site is none to `pypi.org`.

/// How a first message came out.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Hello {
    /// There is more of it to come.
    Unfinished,
    /// It asks for this name.
    Asks(String),
    /// It is no greeting of TLS, or names nobody.
    Strange,
}

/// The longest first message that is read: one record of TLS.
pub(super) const LIMIT: usize = 5 + (16 << 10);

/// Reads what a client has sent so far.
pub(super) fn read(bytes: &[u8]) -> Hello {
    let Some((header, rest)) = bytes.split_at_checked(5) else {
        return Hello::Unfinished;
    };
    // A record with a handshake, not larger than TLS allows.
    let length = usize::from(u16::from_be_bytes([header[3], header[4]]));
    if header[0] != 22 || header[1] != 3 || length + 5 > LIMIT {
        return Hello::Strange;
    }
    match rest.get(..length) {
        None => Hello::Unfinished,
        Some(record) => name(record).map_or(Hello::Strange, Hello::Asks),
    }
}

/// The name in a ClientHello.
fn name(record: &[u8]) -> Option<String> {
    let mut message = Reader(record);
    if message.take(1)? != [1] {
        return None;
    }
    let length = message.number(3)?;
    let mut hello = Reader(message.take(length)?);
    hello.take(2 + 32)?;
    for width in [1, 2, 1] {
        // Session, ciphers, compressions.
        let length = hello.number(width)?;
        hello.take(length)?;
    }
    let length = hello.number(2)?;
    let mut extensions = Reader(hello.take(length)?);
    loop {
        let kind = extensions.number(2)?;
        let length = extensions.number(2)?;
        let mut extension = Reader(extensions.take(length)?);
        if kind != 0 {
            continue;
        }
        let length = extension.number(2)?;
        let mut names = Reader(extension.take(length)?);
        if names.take(1)? != [0] {
            return None;
        }
        let length = names.number(2)?;
        let name = String::from_utf8(names.take(length)?.to_vec()).ok()?;
        // A second name would be one that somebody else might read.
        return names.0.is_empty().then(|| name.to_ascii_lowercase());
    }
}

/// What is left to be read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn number(&mut self, width: usize) -> Option<usize> {
        let bytes = self.take(width)?;
        Some(
            bytes
                .iter()
                .fold(0, |all, byte| all << 8 | usize::from(*byte)),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with_length(width: usize, bytes: &[u8]) -> Vec<u8> {
        let length = u32::try_from(bytes.len()).unwrap().to_be_bytes();
        [&length[4 - width..], bytes].concat()
    }

    fn greeting(names: &[&str]) -> Vec<u8> {
        let list: Vec<u8> = names
            .iter()
            .flat_map(|name| [&[0][..], &with_length(2, name.as_bytes())].concat())
            .collect();
        let other = [&[0, 43][..], &with_length(2, &[2, 3, 4])].concat();
        let server_name = [&[0, 0][..], &with_length(2, &with_length(2, &list))].concat();
        let extensions = with_length(2, &[other, server_name].concat());
        let hello = [
            &[3, 3][..],
            &[7; 32],
            &with_length(1, &[9; 32]),
            &with_length(2, &[0x13, 1]),
            &with_length(1, &[0]),
            &extensions,
        ]
        .concat();
        let message = [&[1][..], &with_length(3, &hello)].concat();
        [&[22, 3, 1][..], &with_length(2, &message)].concat()
    }

    #[test]
    fn the_name_asked_for_is_found_when_all_of_it_has_come() {
        let bytes = greeting(&["PyPI.org"]);
        assert_eq!(read(&bytes), Hello::Asks("pypi.org".into()));
        for length in 0..bytes.len() {
            assert_eq!(read(&bytes[..length]), Hello::Unfinished, "{length}");
        }
    }

    #[test]
    fn other_talk_is_strange() {
        assert_eq!(read(b"GET / HTTP/1.1\r\n\r\n"), Hello::Strange);
        assert_eq!(read(b"SSH-2.0-x"), Hello::Strange);
        assert_eq!(read(&greeting(&[])), Hello::Strange);
        assert_eq!(
            read(&greeting(&["pypi.org", "otro.example"])),
            Hello::Strange
        );
    }

    #[test]
    fn lengths_that_lie_are_survived() {
        let good = greeting(&["pypi.org"]);
        for at in 5..good.len() {
            for value in [0, 1, 0x7f, 0xff] {
                let mut bad = good.clone();
                bad[at] = value;
                let _ = read(&bad);
            }
        }
    }
}
