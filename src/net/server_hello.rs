//! What a TLS server's first answer looks like, in the form that JA3S gave it: version, cipher and the numbers of its
//! extensions in the order in which they came (`771,4866,43-51`). Libraries differ in that order, whatever certificate
//! they show. (RFC 8446, 4.1.3.)

/// The type of a handshake record, and that of a `ServerHello` in it.
const HANDSHAKE: u8 = 22;
const SERVER_HELLO: u8 = 2;

/// Reads it off the first bytes of a connection. `None`: no whole `ServerHello` stands there.
pub(super) fn shape(first: &[u8]) -> Option<String> {
    let mut bytes = Bytes(first);
    if bytes.byte()? != HANDSHAKE {
        return None;
    }
    bytes.short()?;
    let length = bytes.short()?;
    let mut bytes = Bytes(bytes.take(length.into())?);
    if bytes.byte()? != SERVER_HELLO {
        return None;
    }
    bytes.take(3)?;
    let version = bytes.short()?;
    bytes.take(32)?;
    let session = bytes.byte()?;
    bytes.take(session.into())?;
    let cipher = bytes.short()?;
    bytes.byte()?;
    let mut extensions = Bytes(match bytes.short() {
        Some(length) => bytes.take(length.into())?,
        None => &[],
    });
    let mut numbers = Vec::new();
    while let Some(number) = extensions.short() {
        let length = extensions.short()?;
        extensions.take(length.into())?;
        numbers.push(number.to_string());
    }
    Some(format!("{version},{cipher},{}", numbers.join("-")))
}

/// Bytes that are read from the front.
struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn byte(&mut self) -> Option<u8> {
        self.take(1).map(|b| b[0])
    }

    fn short(&mut self) -> Option<u16> {
        self.take(2).map(|b| u16::from_be_bytes([b[0], b[1]]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hello(extensions: &[u8]) -> Vec<u8> {
        let mut body = vec![3, 3];
        body.extend([7; 32]);
        body.push(0);
        body.extend([0x13, 0x02, 0]);
        body.extend(u16::try_from(extensions.len()).expect("a short list").to_be_bytes());
        body.extend(extensions);
        let length = u8::try_from(body.len()).expect("a short hello");
        [&[22, 3, 3, 0, length + 4, 2, 0, 0, length], body.as_slice()].concat()
    }

    #[test]
    fn the_order_of_extensions_is_kept() {
        let (versions, share) = ([0, 43, 0, 2, 3, 4], [0, 51, 0, 1, 9]);
        assert_eq!(shape(&hello(&[&versions[..], &share].concat())).as_deref(), Some("771,4866,43-51"));
        assert_eq!(shape(&hello(&[&share[..], &versions].concat())).as_deref(), Some("771,4866,51-43"));
    }

    #[test]
    fn what_is_cut_or_no_hello_is_nothing() {
        let whole = hello(&[0, 43, 0, 2, 3, 4]);
        for end in 0..whole.len() {
            assert_eq!(shape(&whole[..end]), None, "cut at {end}");
        }
        assert_eq!(shape(b"HTTP/1.1 400 Bad Request\r\n\r\n"), None);
    }
}
