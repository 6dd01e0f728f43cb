//! `explain`: the runbook page of a cause, or the list of causes.

use std::process::ExitCode;

use serde::Serialize;

use crate::catalog::runbook::{self, Page};
use crate::cli::{ExplainArgs, Global};
use crate::cmd::{Refusal, near, out, surroundings};
use crate::model::raw_path::shown_bytes;
use crate::report::page::{Ink, Page as Paper};
use crate::report::wrap::columns;
use crate::report::{self, safe_json};

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
        let near = near::question(id, runbook::pages().map(|page| page.id));
        Refusal::usage(format!("no cause is called `{shown}`;{near} `tmpmedic explain` lists them"))
    })
}

fn page(page: &Page, global: &Global) -> anyhow::Result<String> {
    if global.json {
        let keys = PageKeys { schema: SCHEMA, id: page.id, title: page.title, body: page.body };
        return document(&keys);
    }
    Ok(report::runbook::render(page.body, &surroundings::page(global)))
}

fn list(global: &Global) -> anyhow::Result<String> {
    if global.json {
        let causes = runbook::pages().map(|page| CauseKeys { id: page.id, title: page.title });
        return document(&ListKeys { schema: SCHEMA, causes: causes.collect() });
    }
    let mut paper = Paper::new(&surroundings::page(global));
    let widest = runbook::pages().map(|page| columns(page.id)).max().unwrap_or(0);
    for page in runbook::pages() {
        paper.hang(&format!("{:widest$}  ", page.id), page.title, Ink::Plain);
    }
    Ok(paper.into_text())
}

fn document(keys: &impl Serialize) -> anyhow::Result<String> {
    safe_json::to_line(keys).map_err(|why| Refusal::internal(format!("cannot make the document: {why}")))
}
