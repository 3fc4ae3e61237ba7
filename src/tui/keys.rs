//! The one table of keys: what a key does where, what the footer and the help say of it. Dispatch, footer and
//! help are made from it; a test finds clashes.

mod footers;
mod table;

pub use footers::footer;
pub use table::TABLE;

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
    /// The field for a token. Letters are text.
    Token,
    /// The question whether Rails may be asked, and the Ruby that it would be asked with.
    Runner,
    /// A terminal that is too small.
    Small,
}

impl Context {
    /// Every context.
    pub const ALL: [Context; 13] = [
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
        Context::Token,
        Context::Runner,
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
    Token,
    Runner,
    Clear,
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

/// What a key does in a context.
pub fn action(context: Context, key: Key) -> Option<Action> {
    TABLE.iter().find(|r| r.contexts.contains(&context) && r.keys.contains(&key)).map(|r| r.action)
}

/// The row of an action in a context.
pub fn row_of(context: Context, action: Action) -> Option<&'static Row> {
    TABLE.iter().find(|r| r.action == action && r.contexts.contains(&context))
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
        for context in [Context::Export, Context::Filter, Context::Token] {
            for c in ' '..='~' {
                assert_eq!(action(context, Key::Char(c)), None);
            }
        }
    }
}
