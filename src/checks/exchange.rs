//! Group System exchange: Code Suggestions end to end, as far as it shows without credentials.

pub(super) mod headers;
