//! `explain`: the runbook page of a cause, or the list of causes.

use std::process::ExitCode;

use serde::Serialize;

use crate::catalog::runbook::{self, Page};
use crate::cli::{ExplainArgs, Global};
use crate::cmd::{Refusal, out, surroundings};
use crate::model::raw_path::shown_bytes;
use crate::report::page::{Ink, Page as Paper};
use crate::report::wrap::columns;
use crate::report::{self, Options, safe_json};

/// The version of the documents.
const SCHEMA: &str = "tmpmedic.explain/1";

#[derive(Serialize)]
struct PageKeys {
    schema: &'static str,
    id: &'static str,
    title: &'static str,
    body: &'static str,
}

#[derive(Serialize)]
struct ListKeys {
    schema: &'static str,
    causes: Vec<CauseKeys>,
}

#[derive(Serialize)]
struct CauseKeys {
    id: &'static str,
    title: &'static str,
}

/// Runs the command.
pub fn run(args: &ExplainArgs, global: &Global) -> anyhow::Result<ExitCode> {
    let text = match &args.cause {
        Some(id) => page(&find(id)?, global)?,
        None => list(global)?,
    };
    out::write(&text)?;
    Ok(ExitCode::SUCCESS)
}

fn find(id: &str) -> anyhow::Result<Page> {
    runbook::page(id).ok_or_else(|| {
        let shown = shown_bytes(id.as_bytes());
        let near = nearest(id).map_or_else(String::new, |near| format!(" did you mean `{near}`?"));
        Refusal::usage(format!("no cause is called `{shown}`;{near} `tmpmedic explain` lists them"))
    })
}

fn page(page: &Page, global: &Global) -> anyhow::Result<String> {
    if global.json {
        let keys = PageKeys { schema: SCHEMA, id: page.id, title: page.title, body: page.body };
        return document(&keys);
    }
    Ok(report::runbook::render(page.body, &options(global)))
}

fn list(global: &Global) -> anyhow::Result<String> {
    if global.json {
        let causes = runbook::pages().map(|page| CauseKeys { id: page.id, title: page.title });
        return document(&ListKeys { schema: SCHEMA, causes: causes.collect() });
    }
    let mut paper = Paper::new(&options(global));
    let widest = runbook::pages().map(|page| columns(page.id)).max().unwrap_or(0);
    for page in runbook::pages() {
        paper.hang(&format!("{:widest$}  ", page.id), page.title, Ink::Plain);
    }
    Ok(paper.into_text())
}

fn document(keys: &impl Serialize) -> anyhow::Result<String> {
    safe_json::to_line(keys).map_err(|why| Refusal::internal(format!("cannot make the document: {why}")))
}

fn options(global: &Global) -> Options {
    Options {
        width: surroundings::report_columns(),
        colour: surroundings::colour(global),
        glyphs: surroundings::glyphs(global),
        ..Options::default()
    }
}

/// The id that takes the fewest edits, where it takes few.
fn nearest(id: &str) -> Option<&'static str> {
    let part = || runbook::pages().map(|page| page.id).find(|known| id.len() > 3 && known.contains(id));
    let by_distance = runbook::pages().map(|page| (distance(id, page.id), page.id));
    let is_near = |(edits, known): &(usize, &str)| *edits <= id.len().max(known.len()) / 2;
    part().or_else(|| by_distance.filter(is_near).min().map(|(_, known)| known))
}

/// Levenshtein's distance, by bytes: ids are ASCII.
fn distance(left: &str, right: &str) -> usize {
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (above, l) in left.bytes().enumerate() {
        let mut diagonal = above;
        let mut before = above + 1;
        let mut next = vec![before];
        for (r, old) in right.bytes().zip(row.iter().skip(1)) {
            before = (before + 1).min(old + 1).min(diagonal + usize::from(l != r));
            diagonal = *old;
            next.push(before);
        }
        row = next;
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_edits() {
        assert_eq!(distance("disk-full", "disk-full"), 0);
        assert_eq!(distance("disk-ful", "disk-full"), 1);
        assert_eq!(distance("", "abc"), 3);
        assert_eq!(distance("kitten", "sitting"), 3);
    }

    #[test]
    fn suggests_the_cause_that_was_meant() {
        assert_eq!(nearest("private-tmp-delete"), Some("private-tmp-deleted"));
        assert_eq!(nearest("xyzzy-nothing-like-it-at-all-whatsoever"), None);
    }
}
