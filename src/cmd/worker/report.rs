//! What came of a piece of work, for a ticket.

use crate::model::units::Entries;
use crate::model::work::{Ending, Fate, Outcome, Prospect};
use crate::report::safe;

/// More refusals than a ticket has room for.
const MOST: usize = 20;

/// The report in Markdown.
pub fn markdown(prospect: &Prospect, outcome: &Outcome) -> String {
    let how = match outcome.ending {
        Ending::Whole => "done",
        Ending::Part => "done in part",
        Ending::Stopped => "stopped between two steps",
        Ending::Refused => "nothing was changed",
    };
    let mut text = format!("### {}\n\n{how}: {}\n\n", line(&prospect.title), line(&outcome.headline));
    text.push_str(&format!("- did: {}\n", line(&prospect.does)));
    if !prospect.digest.is_empty() {
        text.push_str(&format!("- plan: `{}`\n", prospect.digest));
    }
    if let Some(work) = outcome.work {
        text.push_str(&format!("- journal entry: {}\n", work.0));
        if outcome.can_undo {
            text.push_str(&format!("- to take it back: `tmpmedic undo {}`\n", work.0));
        }
    }
    if !outcome.steps.is_empty() {
        text.push('\n');
    }
    for (number, (step, fate)) in (1..).zip(prospect.steps.iter().zip(&outcome.steps)) {
        let came = match fate {
            Fate::Done => "done".to_owned(),
            Fate::Kept(why) => format!("left alone: {}", line(why)),
            Fate::Failed(why) => format!("failed: {}", line(why)),
        };
        text.push_str(&format!("{number}. {}: {came}\n", line(&step.does)));
    }
    if !outcome.table.is_empty() {
        text.push_str("\n| | before | after | change |\n|---|--:|--:|--:|\n");
    }
    for row in &outcome.table {
        let [what, before, after, change] =
            [&row.what, &row.before, &row.after, &row.change].map(|t| line(t));
        text.push_str(&format!("| {what} | {before} | {after} | {change} |\n"));
    }
    if !outcome.refusals.is_empty() || !outcome.notes.is_empty() {
        text.push('\n');
    }
    for (what, why) in outcome.refusals.iter().take(MOST) {
        text.push_str(&format!("- left: `{}`: {}\n", line(what), line(why)));
    }
    if let Some(more) = outcome.refusals.len().checked_sub(MOST).filter(|more| *more > 0) {
        text.push_str(&format!("- left: {} more\n", Entries(u64::try_from(more).unwrap_or(u64::MAX))));
    }
    for note in &outcome.notes {
        text.push_str(&format!("- {}\n", line(note)));
    }
    text
}

/// One line with nothing in it that ends a cell or a span of code.
fn line(text: &str) -> String {
    safe(text).replace('|', "\\|").replace('`', "'")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cmd::orders::refused;
    use crate::model::journal::WorkId;
    use crate::model::work::{Changed, Told, Wish};

    #[test]
    fn a_ticket_holds_the_steps_the_table_and_the_way_back_and_no_name_breaks_it() {
        let step = |does: &str| Told { does: does.to_owned(), by_hand: String::new() };
        let prospect = Prospect {
            wish: Wish::Undo(None),
            digest: "7c1f".to_owned(),
            expires: None,
            title: "Fix: mode of `/tmp`\nis 0755".to_owned(),
            does: "make it 1777".to_owned(),
            facts: Vec::new(),
            steps: vec![step("chmod"), step("prove it")],
            going: Vec::new(),
            staying: Vec::new(),
            ends: Vec::new(),
            notes: Vec::new(),
            word: None,
            barred: None,
        };
        let row = Changed {
            what: "a|b".to_owned(),
            before: "EACCES".to_owned(),
            after: "yes".to_owned(),
            change: "0.2 ms".to_owned(),
        };
        let outcome = Outcome {
            ending: Ending::Part,
            work: Some(WorkId(3)),
            can_undo: true,
            steps: vec![Fate::Done, Fate::Failed("EIO".to_owned())],
            table: vec![row],
            ..refused("1 of 2".to_owned())
        };
        let text = markdown(&prospect, &outcome);
        assert!(text.starts_with("### Fix: mode of '/tmp'\\nis 0755\n\ndone in part: 1 of 2\n"), "{text}");
        for part in [
            "- plan: `7c1f`\n",
            "`tmpmedic undo 3`",
            "2. prove it: failed: EIO\n",
            "| a\\|b | EACCES | yes | 0.2 ms |\n",
        ] {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}
