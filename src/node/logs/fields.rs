//! The few fields of a JSON line that matter; all others are skipped unread.

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// Makes `Key` and the names under which its fields are written.
macro_rules! keys {
    ($($key:ident = $($name:literal)|+),+ $(,)?) => {
        /// A field that matters.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Key { $($key),+ }

        impl Key {
            const COUNT: usize = [$(Key::$key),+].len();

            fn named(name: &str) -> Option<Key> {
                match name {
                    $($($name)|+ => Some(Key::$key),)+
                    // Sidekiq puts the worker's name before what a job says of itself.
                    _ if name.starts_with("extra.") && name.ends_with(".error_message") => Some(Key::JobError),
                    _ => None,
                }
            }
        }
    };
}

keys! {
    Time = "time" | "timestamp" | "ts" | "@timestamp",
    Message = "message" | "msg",
    Error = "error",
    Class = "class",
    ExceptionClass = "exception.class",
    ExceptionMessage = "exception.message",
    Backtrace = "exception.backtrace",
    Gitaly = "exception.gitaly",
    Category = "tags.feature_category" | "meta.feature_category" | "feature_category",
    JobStatus = "job_status",
    JobError = "extra.error_message",
    Status = "status",
    ExtraStatus = "extra.response_code" | "extra.status",
    ExtraError = "extra.error",
    ExtraErrorCode = "extra.error_code",
    ExtraDetail = "extra.detail",
    ExtraMessage = "extra.message",
    Body = "body",
    Action = "action",
    ChatError = "duo_chat_error_code",
    Uri = "uri",
    Route = "route",
    Path = "path",
}

/// What a field holds.
#[derive(Clone, Debug, PartialEq)]
enum Piece<'a> {
    Text(Cow<'a, str>),
    Number(f64),
    Lines(Frames),
    Nothing,
}

/// What the lines of a backtrace say of where an exception came from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Frames {
    /// It passed through GitLab Duo's own code, or that of the sync.
    pub(super) is_of_duo: bool,
    /// It passed through the client of Gitaly.
    pub(super) is_of_gitaly: bool,
    /// A name was being resolved.
    pub(super) is_resolving: bool,
}

/// Folders and files of GitLab's source through which Duo's requests and the sync go (EE 18.9).
const OF_DUO: [&str; 7] = [
    "/llm/",
    "ai_gateway",
    "cloud_connector",
    "subscription_portal",
    "code_suggestions",
    "duo_",
    "seat_link",
];

impl Frames {
    fn add(&mut self, line: &str) {
        self.is_of_duo |= OF_DUO.iter().any(|part| line.contains(part));
        self.is_of_gitaly |= line.contains("gitaly_client");
        self.is_resolving |= ["getaddress", "getaddrinfo", "resolv"].iter().any(|part| line.contains(part));
    }
}

/// The fields of a line.
pub(super) struct Fields<'a>([Piece<'a>; Key::COUNT]);

impl<'a> Fields<'a> {
    /// Reads a line. `None`: it is no JSON object.
    pub(super) fn read(line: &'a [u8]) -> Option<Self> {
        serde_json::from_slice(line).ok()
    }

    /// A field's text; empty where it is not there or holds something else.
    pub(super) fn text(&self, key: Key) -> &str {
        match &self.0[key as usize] {
            Piece::Text(text) => text,
            Piece::Number(_) | Piece::Lines(_) | Piece::Nothing => "",
        }
    }

    /// A field's number, also where it is written as a text.
    pub(super) fn number(&self, key: Key) -> Option<f64> {
        match &self.0[key as usize] {
            Piece::Number(number) => Some(*number),
            Piece::Text(text) => text.parse().ok(),
            Piece::Lines(_) | Piece::Nothing => None,
        }
    }

    /// What the backtrace says.
    pub(super) fn frames(&self) -> Frames {
        match &self.0[Key::Backtrace as usize] {
            Piece::Lines(frames) => *frames,
            Piece::Text(text) => {
                let mut frames = Frames::default();
                frames.add(text);
                frames
            }
            Piece::Number(_) | Piece::Nothing => Frames::default(),
        }
    }
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Fields<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut pieces = [const { Piece::Nothing }; Key::COUNT];
                while let Some(Name(key)) = map.next_key()? {
                    match key {
                        Some(key) => {
                            let piece = map.next_value()?;
                            // The first of several names for the same thing stands.
                            if pieces[key as usize] == Piece::Nothing {
                                pieces[key as usize] = piece;
                            }
                        }
                        None => {
                            map.next_value::<IgnoredAny>()?;
                        }
                    }
                }
                Ok(Fields(pieces))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// A field's name.
struct Name(Option<Key>);

impl<'de> Deserialize<'de> for Name {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Name;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a name")
            }

            fn visit_str<E>(self, name: &str) -> Result<Name, E> {
                Ok(Name(Key::named(name)))
            }
        }
        deserializer.deserialize_identifier(Text)
    }
}

impl<'de> Deserialize<'de> for Piece<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Piece<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("anything")
            }

            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
                Ok(Piece::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
                Ok(Piece::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
                Ok(Piece::Nothing)
            }

            #[expect(clippy::cast_precision_loss, reason = "a status and a time are exact in 53 bits")]
            fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
                Ok(Piece::Number(number as f64))
            }

            #[expect(clippy::cast_precision_loss, reason = "a status and a time are exact in 53 bits")]
            fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
                Ok(Piece::Number(number as f64))
            }

            fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
                Ok(Piece::Number(number))
            }

            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(Piece::Nothing)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut frames = Frames::default();
                while let Some(piece) = list.next_element()? {
                    match piece {
                        Piece::Text(line) => frames.add(&line),
                        Piece::Number(_) | Piece::Lines(_) | Piece::Nothing => {}
                    }
                }
                Ok(Piece::Lines(frames))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
                Ok(Piece::Nothing)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_field_is_read_whatever_stands_around_it() {
        let line = r#"{"x":{"message":"no","deep":[[{}]]},"message":"a \"b\"","status":"401","ts":1.5,"error":null,
            "exception.backtrace":["lib/a.rb:1:in `x'",3,"ee/lib/gitlab/llm/ai_gateway/client.rb:9:in `y'"],
            "extra.cloud_connector_sync_service_token_worker.error_message":"License not found"}"#;
        let fields = Fields::read(line.as_bytes()).expect("an object");
        assert_eq!((fields.text(Key::Message), fields.text(Key::Error)), (r#"a "b""#, ""));
        assert_eq!((fields.number(Key::Status), fields.number(Key::Time)), (Some(401.0), Some(1.5)));
        assert_eq!(fields.text(Key::JobError), "License not found");
        assert_eq!(fields.frames(), Frames { is_of_duo: true, ..Frames::default() });
    }

    #[test]
    fn what_is_broken_is_no_line() {
        let deep = format!("{{\"message\":{}", "[".repeat(5_000));
        for line in
            ["", "{", "[]", "3", "{\"message\":\"a", "{\"message\":1}x", "{\"message\":\"\\ud800\"}", &deep]
        {
            assert!(Fields::read(line.as_bytes()).is_none(), "{line}");
        }
        assert!(Fields::read(b"{\"message\":\"\xff\xfe\"}").is_none());
        assert!(Fields::read(b"\x00\x01\x02").is_none());
    }
}
