//! x
use super::{Report, redact::Hidden};
/// x
pub fn html(_: &Report, _: &Hidden) -> String {
    String::new()
}
