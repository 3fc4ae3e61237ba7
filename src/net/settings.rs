//! A server's first HTTP/2 settings, in the order in which it sends them (RFC 9113, 6.5): products differ in them, and
//! one of them says whether `WebSockets` are taken over HTTP/2 (RFC 8441, 3). The library keeps none of this.

/// The length of a frame's head, and the type of the one looked for.
const HEAD: usize = 9;
const SETTINGS: u8 = 4;

/// Reads them off the first bytes of a connection. `None`: the whole frame is not there yet, or something else is.
pub(super) fn first(bytes: &[u8]) -> Option<Vec<(u16, u32)>> {
    let head = bytes.get(..HEAD)?;
    let length = usize::try_from(u32::from_be_bytes([0, head[0], head[1], head[2]])).ok()?;
    if head[3] != SETTINGS || length % 6 != 0 {
        return None;
    }
    let entry = |entry: &[u8]| {
        let value = u32::from_be_bytes([entry[2], entry[3], entry[4], entry[5]]);
        (u16::from_be_bytes([entry[0], entry[1]]), value)
    };
    Some(bytes.get(HEAD..HEAD + length)?.chunks_exact(6).map(entry).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_in_their_order_once_the_frame_is_whole() {
        let frame = [0, 0, 12, 4, 0, 0, 0, 0, 0, 0, 3, 0, 0, 0, 128, 0, 8, 0, 0, 0, 1];
        assert_eq!(first(&frame), Some(vec![(3, 128), (8, 1)]));
        assert_eq!(first(&frame[..20]), None);
        assert_eq!(first(&[0, 0, 0, 4, 0, 0, 0, 0, 0]), Some(vec![]));
        assert_eq!(first(b"HTTP/1.1 400 Bad Request"), None);
    }
}
