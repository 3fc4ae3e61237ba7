//! Durations as milliseconds in JSON: how `#[serde(with = "millis")]` writes and reads them.

use serde::{Deserialize, Deserializer, Serializer};
use std::time::Duration;

/// Milliseconds with three decimals.
///
/// # Errors
/// Those of the serialiser.
pub fn serialize<S: Serializer>(d: &Duration, s: S) -> Result<S::Ok, S::Error> {
    s.serialize_f64((d.as_secs_f64() * 1e6).round() / 1e3)
}

/// Reads milliseconds; anything that is not a sensible time is an error.
///
/// # Errors
/// A number that is negative, not finite or over a year.
pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Duration, D::Error> {
    let ms = f64::deserialize(d)?;
    if ms.is_finite() && (0.0..3.2e10).contains(&ms) {
        Ok(Duration::from_secs_f64(ms / 1e3))
    } else {
        Err(serde::de::Error::custom("a time in milliseconds is out of range"))
    }
}
