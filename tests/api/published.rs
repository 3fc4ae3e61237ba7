//! GitLab's published schema, as it was in a version: the excerpt says since when each field is there.

use apollo_compiler::Schema;
use apollo_compiler::validation::Valid;

/// The excerpt, with its source at its head.
const SDL: &str = include_str!("../gitlab/schema.graphql");

/// A version as the excerpt writes it behind `since`.
fn since(line: &str) -> Option<(u32, u32)> {
    let (_, rest) = line.split_once("# since ")?;
    let number = rest.split([' ', ';', ')', ',']).next()?;
    let (major, minor) = number.split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// The schema of a version: without the fields that came later.
pub(crate) fn schema(version: (u32, u32)) -> Valid<Schema> {
    let is_there = |line: &&str| since(line).is_none_or(|since| since <= version);
    let sdl: Vec<&str> = SDL.lines().filter(is_there).collect();
    // A type of which nothing was there yet is led to by no field, and still has to have one.
    let sdl = sdl.join("\n").replace(" {\n}", " {\n  nothing: Boolean\n}");
    Schema::parse_and_validate(sdl, "schema.graphql").unwrap_or_else(|e| panic!("{version:?}: {e}"))
}

/// Versions in which a field of ours came, and those around them.
pub(crate) const VERSIONS: [(u32, u32); 12] = [
    (17, 0),
    (17, 2),
    (17, 3),
    (17, 4),
    (17, 5),
    (17, 9),
    (18, 0),
    (18, 2),
    (18, 4),
    (18, 9),
    (19, 0),
    (19, 4),
];
