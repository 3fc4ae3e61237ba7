//! What the footer names in each context.

use super::{Action as A, Context};
use Context::{Demo, Doors, Drill, Export, Filter, Guide, Help, List, Quit, Routes, Runner, Small, Token};

/// The actions that the footer names in a context, the next likely step first. The ones that fit are shown;
/// `? keys` and the way out always are.
pub fn footer(context: Context) -> &'static [A] {
    match context {
        List => &[
            A::Open,
            A::Mend,
            A::Guide,
            A::Stop,
            A::NextPart,
            A::RunFailed,
            A::Export,
            A::Filter,
            A::Token,
            A::Runner,
            A::Fold,
            A::RunThis,
            A::RunAll,
            A::Routes,
            A::Doors,
            A::Next,
            A::Help,
            A::Quit,
        ],
        Drill => &[
            A::NextPart,
            A::RunThis,
            A::Cause,
            A::Copy,
            A::Write,
            A::Guide,
            A::Open,
            A::Token,
            A::Runner,
            A::Mend,
            A::Routes,
            A::Doors,
            A::Next,
            A::Help,
            A::Back,
        ],
        Guide => {
            &[A::Open, A::Tick, A::Copy, A::Write, A::RunThis, A::Mend, A::Next, A::Export, A::Help, A::Back]
        }
        Routes | Doors => &[A::Left, A::Open, A::Stop, A::Copy, A::RunThis, A::Export, A::Help, A::Back],
        Demo => &[A::Open, A::Filter, A::Help, A::Quit],
        Export => &[A::Open, A::Left, A::NextPart, A::PageDown, A::Back],
        Filter => &[A::Open, A::Back],
        Help => &[A::Quit, A::Back],
        Quit => &[A::Yes, A::No],
        Token => &[A::Open, A::Clear, A::Back],
        Runner => &[A::Yes, A::No, A::Shown, A::Token, A::Back],
        Small => &[A::Quit, A::Export],
    }
}
