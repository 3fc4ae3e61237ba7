//! The one table of keys: what a key does where, what the footer and the help say of it. Dispatch, footer and
//! help are made from it; a test finds clashes.

/// A key as pressed, whatever library read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Key {
    /// A character, shifted where the terminal says so.
    Char(char),
    /// A letter held down with Control.
    Ctrl(char),
    /// Enter.
    Enter,
    /// Escape.
    Esc,
    /// Tab.
    Tab,
    /// Shift and Tab.
    BackTab,
    /// Cursor up.
    Up,
    /// Cursor down.
    Down,
    /// Cursor left.
    Left,
    /// Cursor right.
    Right,
    /// A page up.
    PageUp,
    /// A page down.
    PageDown,
    /// To the start.
    Home,
    /// To the end.
    End,
    /// Delete to the left.
    Backspace,
    /// Delete to the right.
    Delete,
}

/// Where keys are pressed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// The overview.
    List,
    /// A check, drilled into.
    Drill,
    /// The guide.
    Guide,
    /// The ways out.
    Routes,
    /// The doors in.
    Doors,
    /// The list of the demo's scenarios.
    Demo,
    /// The export dialog. Letters are text.
    Export,
    /// The filter's field. Letters are text.
    Filter,
    /// The help.
    Help,
    /// The question whether to leave a run that goes on.
    Quit,
    /// A terminal that is too small.
    Small,
}

impl Context {
    /// Every context.
    pub const ALL: [Context; 11] = [
        Context::List,
        Context::Drill,
        Context::Guide,
        Context::Routes,
        Context::Doors,
        Context::Demo,
        Context::Export,
        Context::Filter,
        Context::Help,
        Context::Quit,
        Context::Small,
    ];
}

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[expect(missing_docs, reason = "the table below says each in words")]
pub enum Action {
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    First,
    Last,
    Next,
    Previous,
    Causes,
    Group,
    Open,
    Back,
    NextPart,
    PreviousPart,
    Fold,
    Shown,
    Cause,
    Routes,
    Doors,
    Filter,
    Help,
    RunThis,
    RunFailed,
    RunAll,
    Sample,
    Stop,
    Guide,
    Export,
    Copy,
    CopySummary,
    Write,
    Tick,
    Mend,
    NextScenario,
    Suspend,
    Redraw,
    Quit,
    Interrupt,
    Yes,
    No,
}

/// Where the help lists a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    /// Where to look.
    Move,
    /// What to see of it.
    Look,
    /// What to do.
    Do,
    /// Finding things.
    Find,
    /// The program itself.
    Program,
}

/// A row of the table.
#[derive(Debug)]
pub struct Row {
    /// What happens.
    pub action: Action,
    /// On which keys.
    pub keys: &'static [Key],
    /// Where.
    pub contexts: &'static [Context],
    /// The key's name in footer and help.
    pub name: &'static str,
    /// What the footer says; a few words.
    pub footer: &'static str,
    /// What the help says, and where. `None`: goes without saying there.
    pub help: Option<(Section, &'static str)>,
}

use Action as A;
use Context::{Demo, Doors, Drill, Export, Filter, Guide, Help, List, Quit, Routes, Small};
use Key as K;
use Section as S;

const fn row(
    action: Action,
    keys: &'static [Key],
    contexts: &'static [Context],
    name: &'static str,
    footer: &'static str,
    help: Option<(Section, &'static str)>,
) -> Row {
    Row { action, keys, contexts, name, footer, help }
}

const SCREENS: &[Context] = &[List, Drill, Guide];

/// Every key of the program.
pub static TABLE: &[Row] = &[
    row(
        A::Up,
        &[K::Up, K::Char('k')],
        &[List, Drill, Guide, Routes, Doors, Demo, Help],
        "↑ k",
        "",
        Some((S::Move, "line up")),
    ),
    row(
        A::Down,
        &[K::Down, K::Char('j')],
        &[List, Drill, Guide, Routes, Doors, Demo, Help],
        "↓ j",
        "",
        Some((S::Move, "line down")),
    ),
    row(
        A::PageUp,
        &[K::PageUp],
        &[List, Drill, Guide, Routes, Doors, Demo, Help, Export],
        "PgUp",
        "",
        Some((S::Move, "page up")),
    ),
    row(
        A::PageDown,
        &[K::PageDown],
        &[List, Drill, Guide, Routes, Doors, Demo, Help],
        "PgDn",
        "",
        Some((S::Move, "page down")),
    ),
    row(A::PageDown, &[K::PageDown], &[Export], "PgDn", "preview", None),
    row(
        A::First,
        &[K::Home, K::Char('<')],
        &[List, Drill, Guide, Routes, Doors, Demo, Help],
        "<",
        "",
        Some((S::Move, "first")),
    ),
    row(
        A::Last,
        &[K::End, K::Char('>')],
        &[List, Drill, Guide, Routes, Doors, Demo, Help],
        ">",
        "",
        Some((S::Move, "last")),
    ),
    row(A::NextPart, &[K::Tab], &[List], "Tab", "to the details", Some((S::Move, "panel"))),
    row(A::NextPart, &[K::Tab], &[Drill], "Tab", "next face", Some((S::Move, "next face"))),
    row(A::NextPart, &[K::Tab, K::Down], &[Export], "Tab", "next field", None),
    row(A::PreviousPart, &[K::BackTab], &[List, Drill], "S-Tab", "", None),
    row(A::PreviousPart, &[K::BackTab, K::Up], &[Export], "S-Tab", "", None),
    row(A::Left, &[K::Left], &[Export], "←→", "choose", None),
    row(A::Right, &[K::Right], &[Export], "→", "", None),
    row(A::Left, &[K::Left, K::Char('h')], &[Routes], "←→↑↓", "move", Some((S::Move, "to another way"))),
    row(A::Left, &[K::Left, K::Char('h')], &[Doors], "←→↑↓", "move", Some((S::Move, "to another cell"))),
    row(A::Right, &[K::Right, K::Char('l')], &[Routes, Doors], "→ l", "", None),
    row(
        A::Group,
        &[K::Char('1'), K::Char('2'), K::Char('3'), K::Char('4'), K::Char('5'), K::Char('6')],
        &[List],
        "1-6",
        "",
        Some((S::Move, "group")),
    ),
    row(A::Causes, &[K::Char('0')], &[List], "0", "", Some((S::Move, "the causes"))),
    row(A::Next, &[K::Char('n')], &[List, Drill], "n", "next problem", Some((S::Move, "next problem"))),
    row(A::Next, &[K::Char('n')], &[Guide], "n", "next cause", Some((S::Move, "next cause"))),
    row(A::Previous, &[K::Char('N')], &[List, Drill], "N", "", Some((S::Move, "problem before"))),
    row(A::Previous, &[K::Char('N')], &[Guide], "N", "", Some((S::Move, "cause before"))),
    row(A::Filter, &[K::Char('/')], &[List], "/", "filter", Some((S::Find, "filter"))),
    row(A::Filter, &[K::Char('/')], &[Demo], "/", "search", Some((S::Find, "search"))),
    row(A::Open, &[K::Enter, K::Char('l'), K::Right], &[List], "Enter", "open", Some((S::Look, "open"))),
    row(
        A::Open,
        &[K::Enter, K::Char('l'), K::Right],
        &[Drill],
        "Enter",
        "go to what blocks it",
        Some((S::Look, "what blocks it")),
    ),
    row(A::Open, &[K::Enter], &[Guide], "Enter", "go on", Some((S::Look, "go on"))),
    row(A::Open, &[K::Enter, K::Char('l'), K::Right], &[Demo], "Enter", "start", Some((S::Look, "start"))),
    row(A::Open, &[K::Enter], &[Routes, Doors], "Enter", "open the check", Some((S::Look, "open its check"))),
    row(A::Open, &[K::Enter], &[Export], "Enter", "write", None),
    row(A::Open, &[K::Enter], &[Filter], "Enter", "keep", None),
    row(A::Back, &[K::Esc, K::Char('h'), K::Left], &[List], "Esc", "back", Some((S::Look, "back"))),
    row(A::Back, &[K::Esc, K::Char('h'), K::Left], &[Drill], "Esc", "back", Some((S::Look, "back"))),
    row(A::Back, &[K::Esc, K::Char('h'), K::Left], &[Guide], "Esc", "leave", Some((S::Look, "leave"))),
    row(A::Back, &[K::Esc], &[Routes, Doors], "Esc", "back", Some((S::Look, "back"))),
    row(A::Back, &[K::Esc], &[Export], "Esc", "leave", None),
    row(A::Back, &[K::Esc], &[Filter], "Esc", "clear", None),
    row(A::Back, &[K::Esc, K::Char('?')], &[Help], "Esc", "close", None),
    row(A::Fold, &[K::Char(' ')], &[List], "Space", "fold", Some((S::Look, "fold"))),
    row(A::Shown, &[K::Char('v')], &[List], "v", "what is shown", Some((S::Look, "problems, all"))),
    row(A::Cause, &[K::Char('c')], &[List, Drill], "c", "cause", Some((S::Look, "its cause"))),
    row(A::Routes, &[K::Char('o')], &[List, Drill], "o", "routes out", Some((S::Look, "routes out"))),
    row(A::Doors, &[K::Char('d')], &[List, Drill], "d", "doors in", Some((S::Look, "doors in"))),
    row(A::Tick, &[K::Char(' ')], &[Guide], "Space", "done", Some((S::Do, "tick the step"))),
    row(A::Guide, &[K::Char('g')], &[List, Drill], "g", "guide", Some((S::Do, "guide me"))),
    row(A::RunThis, &[K::Char('r')], &[List], "r", "this one again", Some((S::Do, "run this again"))),
    row(A::RunThis, &[K::Char('r')], &[Drill], "r", "run again", Some((S::Do, "run this again"))),
    row(A::RunThis, &[K::Char('r')], &[Guide], "r", "check again", Some((S::Do, "check again"))),
    row(
        A::RunThis,
        &[K::Char('r')],
        &[Routes, Doors],
        "r",
        "run again",
        Some((S::Do, "run its checks again")),
    ),
    row(A::RunFailed, &[K::Char('R')], SCREENS, "R", "failed again", Some((S::Do, "run failed again"))),
    row(A::RunAll, &[K::Char('a')], SCREENS, "a", "run all again", Some((S::Do, "run all again"))),
    row(A::Sample, &[K::Char('S')], &[List, Drill], "S", "sample ranges", Some((S::Do, "sample ranges"))),
    row(
        A::Stop,
        &[K::Char('x')],
        &[List, Drill, Guide, Routes, Doors],
        "x",
        "stop the run",
        Some((S::Do, "stop the run")),
    ),
    row(
        A::Export,
        &[K::Char('e')],
        &[List, Drill, Guide, Routes, Doors],
        "e",
        "export",
        Some((S::Do, "export")),
    ),
    row(A::Export, &[K::Char('e')], &[Small], "e", "export", None),
    row(A::Copy, &[K::Char('y')], SCREENS, "y", "copy", Some((S::Do, "copy"))),
    row(A::Copy, &[K::Char('y')], &[Routes], "y", "copy", Some((S::Do, "copy the reasons"))),
    row(A::Copy, &[K::Char('y')], &[Doors], "y", "copy", Some((S::Do, "copy what is known"))),
    row(A::CopySummary, &[K::Char('Y')], SCREENS, "Y", "copy the summary", Some((S::Do, "copy the summary"))),
    row(A::Write, &[K::Char('w')], &[Drill, Guide], "w", "write", Some((S::Do, "write the snippet"))),
    row(A::Mend, &[K::Char('f')], SCREENS, "f", "mend or break", Some((S::Do, "demo: mend, break"))),
    row(A::NextScenario, &[K::Char('F')], SCREENS, "F", "next scenario", Some((S::Do, "demo: next one"))),
    row(
        A::Help,
        &[K::Char('?')],
        &[List, Drill, Guide, Routes, Doors, Demo],
        "?",
        "keys",
        Some((S::Program, "these keys")),
    ),
    row(A::Suspend, &[K::Ctrl('z')], &Context::ALL, "C-z", "", Some((S::Program, "to the shell"))),
    row(A::Redraw, &[K::Ctrl('l')], &Context::ALL, "C-l", "", Some((S::Program, "draw anew"))),
    row(A::Interrupt, &[K::Ctrl('c')], &Context::ALL, "C-c", "", Some((S::Program, "stop, then leave"))),
    row(
        A::Quit,
        &[K::Char('q')],
        &[List, Drill, Guide, Routes, Demo, Help, Small],
        "q",
        "quit",
        Some((S::Program, "quit")),
    ),
    row(A::Yes, &[K::Char('y'), K::Enter], &[Quit], "y", "leave", None),
    row(A::No, &[K::Char('n'), K::Esc], &[Quit], "n", "stay", None),
];

/// What a key does in a context.
pub fn action(context: Context, key: Key) -> Option<Action> {
    TABLE.iter().find(|r| r.contexts.contains(&context) && r.keys.contains(&key)).map(|r| r.action)
}

/// The row of an action in a context.
pub fn row_of(context: Context, action: Action) -> Option<&'static Row> {
    TABLE.iter().find(|r| r.action == action && r.contexts.contains(&context))
}

/// The actions that the footer names in a context, the next likely step first. The ones that fit are shown;
/// `? keys` and the way out always are.
pub fn footer(context: Context) -> &'static [Action] {
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
        Small => &[A::Quit, A::Export],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_key_means_two_things_in_one_context() {
        for context in Context::ALL {
            let mut seen: Vec<Key> = Vec::new();
            for row in TABLE.iter().filter(|r| r.contexts.contains(&context)) {
                for key in row.keys {
                    assert!(!seen.contains(key), "{key:?} twice in {context:?}");
                    seen.push(*key);
                }
            }
        }
    }

    #[test]
    fn every_action_in_a_footer_has_a_key_there() {
        for context in Context::ALL {
            for action in footer(context) {
                let row = row_of(context, *action);
                assert!(row.is_some_and(|r| !r.footer.is_empty()), "{action:?} in {context:?}");
            }
        }
    }

    #[test]
    fn letters_are_text_where_a_field_has_the_focus() {
        for context in [Context::Export, Context::Filter] {
            for c in ' '..='~' {
                assert_eq!(action(context, Key::Char(c)), None);
            }
        }
    }
}
