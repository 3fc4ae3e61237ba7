//! The times of lines, in the forms that GitLab's programs write: JSON's fields, Rails' text, NGINX, svlogd.

use crate::node::root::Root;
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// No form of a time is longer.
const LONGEST: usize = 40;

/// A time as text, in Unix seconds: RFC 3339, `2026-11-27 10:00:00 UTC`, `2026-11-27 10:00:00 +0100`.
pub(super) fn of_text(text: &str) -> Option<i64> {
    let text = text.trim();
    if text.len() > LONGEST || !text.is_ascii() {
        return None;
    }
    let time = match text.rsplit_once(' ') {
        Some((time, "UTC")) => format!("{time}Z").parse(),
        Some((time, offset)) if offset.starts_with(['+', '-']) => format!("{time}{offset}").parse(),
        Some(_) | None => text.parse(),
    };
    time.ok().map(Timestamp::as_second)
}

/// A time as a number: seconds since 1970, or milliseconds.
pub(super) fn of_number(number: f64) -> Option<i64> {
    // As seconds, this is the year 5138.
    const MOST_SECONDS: f64 = 1e11;
    let seconds = if number < MOST_SECONDS { number } else { number / 1e3 };
    #[expect(clippy::cast_possible_truncation, reason = "it lies between 0 and 1e11")]
    (0.0..MOST_SECONDS).contains(&seconds).then_some(seconds as i64)
}

/// What svlogd puts before a line, and the line: nothing, `-t` (`@4000…`), `-tt` or `-ttt` (svlogd(8)), in UTC.
pub(super) fn svlogd(line: &[u8]) -> (Option<i64>, &[u8]) {
    let none = (None, line);
    if !line.first().is_some_and(|first| first.is_ascii_digit() || *first == b'@') {
        return none;
    }
    let Some(end) = line.iter().take(LONGEST).position(|byte| *byte == b' ') else { return none };
    let Ok(prefix) = std::str::from_utf8(&line[..end]) else { return none };
    let time = match prefix.strip_prefix('@') {
        Some(label) => tai64(label),
        None => of_text(&format!("{}Z", prefix.replacen('_', "T", 1))),
    };
    if time.is_some() { (time, &line[end + 1..]) } else { none }
}

/// A TAI64N label: seconds from 2^62 on, ten more than Unix counts, as svlogd takes it.
fn tai64(label: &str) -> Option<i64> {
    let seconds = u64::from_str_radix(label.get(..16)?, 16).ok()?;
    i64::try_from(seconds.checked_sub((1 << 62) + 10)?).ok()
}

/// NGINX's `$time_local`: `27/Nov/2026:10:00:00 +0000`.
pub(super) fn access(text: &str) -> Option<i64> {
    Timestamp::strptime("%d/%b/%Y:%H:%M:%S %z", text).ok().map(Timestamp::as_second)
}

/// The time of NGINX's error log, which says no zone: `2026/11/27 10:00:00`.
pub(super) fn error(text: &str, zone: &TimeZone) -> Option<i64> {
    let time = DateTime::strptime("%Y/%m/%d %H:%M:%S", text).ok()?;
    zone.to_timestamp(time).ok().map(Timestamp::as_second)
}

/// The node's time zone; UTC where it cannot be read.
pub(super) fn zone(root: &Root) -> TimeZone {
    let found = root.read("/etc/localtime").ok();
    found.and_then(|file| TimeZone::tzif("local", &file.bytes).ok()).unwrap_or(TimeZone::UTC)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-27 10:00:00 UTC.
    const TEN: i64 = 1_795_773_600;

    #[test]
    fn a_time_is_read_in_each_of_its_forms() {
        for text in [
            "2026-11-27T10:00:00.123Z",
            "2026-11-27T10:00:00Z",
            "2026-11-27T11:00:00+01:00",
            "2026-11-27 10:00:00 UTC",
            "2026-11-27 11:00:00 +0100",
            "2026-11-27 04:00:00 -0600",
        ] {
            assert_eq!(of_text(text), Some(TEN), "{text}");
        }
        assert_eq!((of_number(1_795_773_600.4), of_number(1_795_773_600_400.0)), (Some(TEN), Some(TEN)));
        assert_eq!(access("27/Nov/2026:11:00:00 +0100"), Some(TEN));
        assert_eq!(error("2026/11/27 10:00:00", &TimeZone::UTC), Some(TEN));
        assert_eq!(error("2026/11/27 11:00:00", &TimeZone::fixed(jiff::tz::offset(1))), Some(TEN));
    }

    #[test]
    fn what_is_no_time_is_none() {
        for text in ["", "yesterday", "2026-11-27", "2026-13-27T10:00:00Z", &"9".repeat(900), "２０２６"]
        {
            assert_eq!(of_text(text), None, "{text}");
        }
        assert_eq!([f64::NAN, -1.0, f64::INFINITY, 1e300].map(of_number), [None; 4]);
    }

    #[test]
    fn what_svlogd_puts_before_a_line_is_taken_off() {
        for (line, time) in [
            ("2026-11-27_10:00:00.12345 {}", Some(TEN)),
            ("2026-11-27T10:00:00.12345 {}", Some(TEN)),
            ("@400000006b0954aa00000000 {}", Some(TEN)),
            ("{}", None),
        ] {
            assert_eq!(svlogd(line.as_bytes()), (time, &b"{}"[..]), "{line}");
        }
        for line in ["@4000 {}", "12 {}", "", "2026-11-27_10:00:00"] {
            assert_eq!(svlogd(line.as_bytes()), (None, line.as_bytes()));
        }
    }
}
