//! Every key of the console, in one table. Footer, help and palette are drawn from it; `press` acts by it.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::tabs::TabId;

/// What a key means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the table below says what each of them does, and a law test that it does")]
pub enum KeyId {
    Up,
    Down,
    Left,
    Right,
    PageUp,
    PageDown,
    First,
    Last,
    Open,
    Back,
    NextTab,
    PreviousTab,
    Tab(TabId),
    Filter,
    Sort,
    Reverse,
    Select,
    PreviousDir,
    NextDir,
    StepBack,
    StepOn,
    MinuteBack,
    MinuteOn,
    GoToTime,
    Play,
    Slower,
    Faster,
    Turn,
    AllMounts,
    Helps,
    Ways,
    Undo,
    TakeBack,
    Purge,
    OtherWays,
    Forever,
    Older,
    Younger,
    Stop,
    Explain,
    Probe,
    ByHand,
    Copy,
    Gaps,
    Hint,
    Guess,
    GiveUp,
    Solution,
    Rescan,
    Freeze,
    Capture,
    Palette,
    Help,
    Quit,
    QuitReport,
    Interrupt,
    Suspend,
}

/// One way to press a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chord {
    /// A character; capitals are characters of their own.
    Char(char),
    /// Any other key.
    Code(KeyCode),
    /// A character with Ctrl.
    Ctrl(char),
}

impl Chord {
    /// Whether that event is this chord.
    pub fn is(self, event: &KeyEvent) -> bool {
        let ctrl = event.modifiers.contains(KeyModifiers::CONTROL);
        let alt = event.modifiers.intersects(KeyModifiers::ALT | KeyModifiers::SUPER | KeyModifiers::META);
        match self {
            Self::Char(c) => !ctrl && !alt && event.code == KeyCode::Char(c),
            Self::Code(code) => !ctrl && !alt && event.code == code,
            Self::Ctrl(c) => ctrl && !alt && event.code == KeyCode::Char(c),
        }
    }

    /// How it is written on screen.
    pub fn shown(self) -> String {
        match self {
            Self::Char(' ') => "Space".into(),
            Self::Char(c) => c.to_string(),
            Self::Ctrl(c) => format!("Ctrl-{}", c.to_ascii_uppercase()),
            Self::Code(code) => match code {
                KeyCode::Up => "↑".into(),
                KeyCode::Down => "↓".into(),
                KeyCode::Left => "←".into(),
                KeyCode::Right => "→".into(),
                KeyCode::PageUp => "PgUp".into(),
                KeyCode::PageDown => "PgDn".into(),
                KeyCode::BackTab => "Shift-Tab".into(),
                other => other.to_string(),
            },
        }
    }
}

/// Where a key works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Place {
    /// Everywhere, text fields included.
    Always,
    /// On every tab of a replay, before what the same key means otherwise.
    Replay,
    /// On every tab.
    Screen,
    /// On every tab while a lesson hides the verdict; goes before the other places.
    Lesson,
    /// On every tab once a lesson is over.
    Solved,
    /// On one tab.
    Tab(TabId),
    /// In a sheet.
    Sheet,
    /// In the sheet of a plan, before what the same key means in every sheet.
    Plan,
    /// In the field for the word by which one says yes; characters are text there.
    Word,
    /// In the text field of a filter; characters are text there.
    Field,
    /// In the palette; characters are text there.
    Palette,
}

/// One row of the table.
#[derive(Debug)]
pub struct Key {
    /// What it means.
    pub id: KeyId,
    /// How it is pressed.
    pub chords: &'static [Chord],
    /// Where it works.
    pub places: &'static [Place],
    /// Importance in the footer, 1 first; 0 is not shown there.
    pub rank: u8,
    /// How the footer writes the chord.
    pub short: &'static str,
    /// One or two words, for the footer.
    pub label: &'static str,
    /// One sentence, for help and palette.
    pub help: &'static str,
}

use Chord::{Char, Code, Ctrl};
use Place::{Always, Field, Palette, Plan, Screen, Sheet, Word};

const SCREEN: &[Place] = &[Screen];
const REPLAY: &[Place] = &[Place::Replay];
const BOTH: &[Place] = &[Screen, Sheet];
const LISTS: &[Place] = &[Screen, Sheet, Palette];
const PLANS: &[Place] = &[Screen, Plan];
const PLAN: &[Place] = &[Plan];
const JOURNAL: &[Place] = &[Place::Tab(TabId::Journal)];

#[rustfmt::skip]
/// Every key.
pub const KEYS: &[Key] = &[
    Key { id: KeyId::Guess, chords: &[Char('n')], places: &[Place::Lesson], rank: 1, short: "n", label: "name cause", help: "Name the cause; what this machine says about it is told at once" },
    Key { id: KeyId::Hint, chords: &[Char('h')], places: &[Place::Lesson], rank: 1, short: "h", label: "hint", help: "The next hint; what it costs is told before" },
    Key { id: KeyId::GiveUp, chords: &[Char('N')], places: &[Place::Lesson], rank: 0, short: "", label: "", help: "Give up: show the solution" },
    Key { id: KeyId::Solution, chords: &[Char('n')], places: &[Place::Solved], rank: 1, short: "n", label: "solution", help: "The solution of the lesson once more" },
    Key { id: KeyId::Up, chords: &[Code(KeyCode::Up), Char('k')], places: LISTS, rank: 1, short: "↑↓", label: "move", help: "One up; in a detail or a page, one line up" },
    Key { id: KeyId::Down, chords: &[Code(KeyCode::Down), Char('j')], places: LISTS, rank: 0, short: "", label: "", help: "One down" },
    Key { id: KeyId::Left, chords: &[Code(KeyCode::Left), Char('h')], places: SCREEN, rank: 2, short: "←→", label: "column", help: "Env: the column to the left; elsewhere back to the list" },
    Key { id: KeyId::Right, chords: &[Code(KeyCode::Right), Char('l')], places: PLANS, rank: 0, short: "", label: "", help: "Env: the column to the right; in a plan, what lies in a lot; elsewhere into the detail" },
    Key { id: KeyId::PageUp, chords: &[Code(KeyCode::PageUp)], places: LISTS, rank: 0, short: "", label: "", help: "One screen up" },
    Key { id: KeyId::PageDown, chords: &[Code(KeyCode::PageDown)], places: LISTS, rank: 0, short: "", label: "", help: "One screen down" },
    Key { id: KeyId::First, chords: &[Char('g'), Code(KeyCode::Home)], places: BOTH, rank: 0, short: "", label: "", help: "To the first" },
    Key { id: KeyId::Last, chords: &[Char('G'), Code(KeyCode::End)], places: BOTH, rank: 0, short: "", label: "", help: "To the last" },
    Key { id: KeyId::Open, chords: &[Code(KeyCode::Enter)], places: &[Screen, Sheet, Field, Palette, Word], rank: 3, short: "Enter", label: "open", help: "Deeper: the detail of a row, a section, a family, a directory; in a plan, do it" },
    Key { id: KeyId::Back, chords: &[Code(KeyCode::Esc)], places: &[Screen, Sheet, Field, Palette, Word], rank: 4, short: "Esc", label: "back", help: "One step back; never leaves the console" },
    Key { id: KeyId::Helps, chords: &[Char('f')], places: SCREEN, rank: 5, short: "f", label: "what helps", help: "What helps against the selected finding: the plan, or commands; Entries: plan a clean-up" },
    Key { id: KeyId::Ways, chords: &[Char('F')], places: SCREEN, rank: 6, short: "F", label: "other ways", help: "Every way against the selected finding; Entries: clean up the whole temp dir" },
    Key { id: KeyId::TakeBack, chords: &[Char('u')], places: JOURNAL, rank: 5, short: "u", label: "undo", help: "Take the selected work back: shows what that would do" },
    Key { id: KeyId::Purge, chords: &[Char('P')], places: JOURNAL, rank: 6, short: "P", label: "purge", help: "Remove for good what the selected work put aside: shows what that would do" },
    Key { id: KeyId::OtherWays, chords: &[Char('o')], places: PLAN, rank: 5, short: "o", label: "other ways", help: "Every other way against the same finding" },
    Key { id: KeyId::Forever, chords: &[Char('d')], places: PLAN, rank: 5, short: "d", label: "for good", help: "Clean-up: remove for good, which frees the room at once, or put aside" },
    Key { id: KeyId::Older, chords: &[Char('+'), Char('=')], places: PLAN, rank: 6, short: "+ -", label: "age", help: "Clean-up: only what is older; plans again" },
    Key { id: KeyId::Younger, chords: &[Char('-')], places: PLAN, rank: 0, short: "", label: "", help: "Clean-up: younger entries too; plans again" },
    Key { id: KeyId::Stop, chords: &[Char('s')], places: PLAN, rank: 2, short: "s", label: "stop", help: "Stop the work under way between two steps" },
    Key { id: KeyId::Turn, chords: &[Char('t')], places: &[Place::Tab(TabId::Holders)], rank: 6, short: "t", label: "turn", help: "Process to paths, or path to processes" },
    Key { id: KeyId::AllMounts, chords: &[Char('a')], places: &[Place::Tab(TabId::Mounts)], rank: 6, short: "a", label: "all mounts", help: "All mounts, or only those that matter to temp dirs" },
    Key { id: KeyId::NextDir, chords: &[Char(']'), Char('>')], places: &[Place::Tab(TabId::Entries)], rank: 6, short: "[ ]", label: "temp dir", help: "The next temp dir" },
    Key { id: KeyId::PreviousDir, chords: &[Char('['), Char('<')], places: &[Place::Tab(TabId::Entries)], rank: 0, short: "", label: "", help: "The previous temp dir" },
    Key { id: KeyId::Select, chords: &[Char(' '), Char('v')], places: &[Place::Tab(TabId::Entries)], rank: 9, short: "Space", label: "pick", help: "Pick an entry, or put it back; what is picked is copied and listed together" },
    Key { id: KeyId::StepOn, chords: &[Char(']')], places: REPLAY, rank: 2, short: "[ ]", label: "step", help: "The next look of the recording" },
    Key { id: KeyId::StepBack, chords: &[Char('[')], places: REPLAY, rank: 0, short: "", label: "", help: "The look before" },
    Key { id: KeyId::MinuteOn, chords: &[Char('}')], places: REPLAY, rank: 6, short: "{ }", label: "minute", help: "A minute later" },
    Key { id: KeyId::MinuteBack, chords: &[Char('{')], places: REPLAY, rank: 0, short: "", label: "", help: "A minute earlier" },
    Key { id: KeyId::GoToTime, chords: &[Char('T')], places: REPLAY, rank: 4, short: "T", label: "go to", help: "Go to a time: 20:41, 20:41:07, +30s, -2m, or to a look: #12" },
    Key { id: KeyId::Play, chords: &[Char(' ')], places: REPLAY, rank: 2, short: "Space", label: "play", help: "Play on at the pace of the recording, or pause (`v` picks entries then)" },
    Key { id: KeyId::Faster, chords: &[Char('+'), Char('=')], places: REPLAY, rank: 3, short: "+ -", label: "speed", help: "Play faster" },
    Key { id: KeyId::Slower, chords: &[Char('-')], places: REPLAY, rank: 0, short: "", label: "", help: "Play slower" },
    Key { id: KeyId::Undo, chords: &[Char('z')], places: PLANS, rank: 18, short: "z", label: "undo", help: "Take the last work back: shows what that would do" },
    Key { id: KeyId::Explain, chords: &[Char('e')], places: PLANS, rank: 7, short: "e", label: "explain", help: "The runbook page of the cause" },
    Key { id: KeyId::Probe, chords: &[Char('p')], places: SCREEN, rank: 8, short: "p", label: "probe", help: "Make and remove a temp dir for real, as that process would, and show each step" },
    Key { id: KeyId::ByHand, chords: &[Char('x')], places: PLANS, rank: 10, short: "x", label: "by hand", help: "The commands that show the same in a shell" },
    Key { id: KeyId::Copy, chords: &[Char('y')], places: BOTH, rank: 11, short: "y", label: "copy", help: "Copy the selected command, path or page to the clipboard of the terminal (OSC 52)" },
    Key { id: KeyId::Filter, chords: &[Char('/')], places: SCREEN, rank: 12, short: "/", label: "filter", help: "Only rows that hold these words" },
    Key { id: KeyId::Sort, chords: &[Char('s')], places: SCREEN, rank: 13, short: "s", label: "sort", help: "Sort by the next column" },
    Key { id: KeyId::Reverse, chords: &[Char('S')], places: SCREEN, rank: 0, short: "", label: "", help: "The other way round" },
    Key { id: KeyId::Gaps, chords: &[Char('i')], places: SCREEN, rank: 14, short: "i", label: "not known", help: "What could not be seen, why, and what would let it be seen" },
    Key { id: KeyId::Rescan, chords: &[Char('r')], places: PLANS, rank: 15, short: "r", label: "rescan", help: "Look again now; in a plan, plan again" },
    Key { id: KeyId::Freeze, chords: &[Char('.')], places: SCREEN, rank: 16, short: ".", label: "freeze", help: "Hold the screen as it is, or let it go on" },
    Key { id: KeyId::Capture, chords: &[Char('c')], places: SCREEN, rank: 15, short: "c", label: "capture", help: "Take what is on screen home: a capture in the working directory, and nothing else is written" },
    Key { id: KeyId::NextTab, chords: &[Code(KeyCode::Tab)], places: SCREEN, rank: 17, short: "Tab", label: "next tab", help: "The next tab" },
    Key { id: KeyId::PreviousTab, chords: &[Code(KeyCode::BackTab)], places: SCREEN, rank: 0, short: "", label: "", help: "The previous tab" },
    Key { id: KeyId::Tab(TabId::Triage), chords: &[Char('1')], places: SCREEN, rank: 0, short: "", label: "", help: "Triage: what is wrong, why, and what helps" },
    Key { id: KeyId::Tab(TabId::Access), chords: &[Char('2')], places: SCREEN, rank: 0, short: "", label: "", help: "Access: who can create temp dirs where" },
    Key { id: KeyId::Tab(TabId::Entries), chords: &[Char('3')], places: SCREEN, rank: 0, short: "", label: "", help: "Entries: what lies in the temp dirs, whose, how old" },
    Key { id: KeyId::Tab(TabId::Holders), chords: &[Char('4')], places: SCREEN, rank: 0, short: "", label: "", help: "Holders: which process holds what in them" },
    Key { id: KeyId::Tab(TabId::Mounts), chords: &[Char('5')], places: SCREEN, rank: 0, short: "", label: "", help: "Mounts: what is mounted on, over and under them" },
    Key { id: KeyId::Tab(TabId::Env), chords: &[Char('6')], places: SCREEN, rank: 0, short: "", label: "", help: "Env: which temp variables each build process got, and from where" },
    Key { id: KeyId::Tab(TabId::Journal), chords: &[Char('8')], places: SCREEN, rank: 0, short: "", label: "", help: "Journal: what was done to this machine, and what can be taken back" },
    Key { id: KeyId::Palette, chords: &[Char(':')], places: SCREEN, rank: 18, short: ":", label: "commands", help: "All commands and all pages of the runbook, by name" },
    Key { id: KeyId::Help, chords: &[Char('?')], places: BOTH, rank: 100, short: "?", label: "help", help: "Every key, and what the signs mean" },
    Key { id: KeyId::Quit, chords: &[Char('q')], places: BOTH, rank: 101, short: "q", label: "quit", help: "Leave" },
    Key { id: KeyId::QuitReport, chords: &[Char('Q')], places: BOTH, rank: 0, short: "", label: "", help: "Leave, and print the report" },
    Key { id: KeyId::Interrupt, chords: &[Ctrl('c')], places: &[Always], rank: 0, short: "", label: "", help: "Leave at once" },
    Key { id: KeyId::Suspend, chords: &[Ctrl('z')], places: &[Always], rank: 0, short: "", label: "", help: "Suspend; `fg` comes back" },
];

/// The key that an event means at these places. In a text field, characters are text.
pub fn find(places: &[Place], event: &KeyEvent) -> Option<KeyId> {
    let text_field = places.iter().any(|p| matches!(p, Field | Palette | Word));
    let is_meant = |chord: &&Chord| !(text_field && matches!(chord, Char(_))) && chord.is(event);
    let meant = KEYS.iter().flat_map(|key| key.chords).find(is_meant)?;
    means(places, *meant)
}

/// What a chord means at these places, of which the first goes before the others.
pub fn means(places: &[Place], chord: Chord) -> Option<KeyId> {
    let at =
        |place: &Place| KEYS.iter().find(|key| key.places.contains(place) && key.chords.contains(&chord));
    places.iter().find_map(at).map(|key| key.id)
}

/// The chord by which a key is pressed at these places, where it is not hidden by another one.
pub fn chord(key: &Key, places: &[Place]) -> Option<Chord> {
    key.chords.iter().copied().find(|chord| means(places, *chord) == Some(key.id))
}

/// The row of a key.
pub fn key(id: KeyId) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.id == id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_is_text_in_a_text_field_and_ctrl_c_still_leaves() {
        let j = KeyEvent::new(KeyCode::Char('j'), KeyModifiers::NONE);
        assert_eq!(find(&[Screen, Always], &j), Some(KeyId::Down));
        assert_eq!(find(&[Palette, Always], &j), None);
        let ctrl_c = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        assert_eq!(find(&[Field, Always], &ctrl_c), Some(KeyId::Interrupt));
    }

    #[test]
    fn a_key_with_ctrl_or_alt_is_not_the_plain_key() {
        for modifiers in [KeyModifiers::CONTROL, KeyModifiers::ALT] {
            let event = KeyEvent::new(KeyCode::Char('q'), modifiers);
            assert_eq!(find(&[Screen, Always], &event), None);
        }
    }
}
