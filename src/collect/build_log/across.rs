//! What several failing lines say together.
//!
//! Tools differ in what they do about a bad TMPDIR: gcc, bash and Python take the next candidate, rustc, mktemp, Node and
//! Go do not; and Go says whether the directory is missing (`stat`) or dead (`mkdir`). So one tool's line decides what
//! another tool's line about the same directory means. sccache is left out: it speaks of its server's view.

use std::collections::{BTreeMap, BTreeSet};

use super::Hit;
use super::causes::{DEAD, TMPDIR};
use super::tool::Tool;
use crate::model::errno::Errno;

/// What a line proves about a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Oracle {
    /// It is there, and nothing can be made in it.
    Dead,
    /// It is not there.
    Missing,
}

/// Lets the lines that prove something speak for the others.
pub(super) fn judge(hits: &mut [Hit]) {
    let mut proofs: BTreeMap<String, (Oracle, u64, Tool)> = BTreeMap::new();
    for hit in hits.iter() {
        if let Some(oracle) = hit.oracle {
            proofs.entry(hit.dir.clone()).or_insert((oracle, hit.log.line, hit.tool));
        }
    }
    let trusting = trusting_tools(hits);
    for hit in hits.iter_mut().filter(|hit| speaks_of_a_dir(hit)) {
        match proofs.get(&hit.dir) {
            Some((Oracle::Dead, line, tool)) => {
                lead(hit, DEAD, &[TMPDIR, &["no-tmp-in-image"]]);
                hit.log
                    .means
                    .push_str(&format!("; line {line} ({}) shows that it is dead, not missing", tool.name()));
            }
            Some((Oracle::Missing, line, tool)) => {
                let first: &[&str] =
                    if is_system(&hit.dir) { &["no-tmp-in-image"] } else { &["tmpdir-missing"] };
                lead(hit, if blames_tmpdir(hit) { &[] } else { first }, &[DEAD]);
                hit.log
                    .means
                    .push_str(&format!("; line {line} ({}) shows that it is missing, not dead", tool.name()));
            }
            None if trusting.contains(&hit.dir) => {
                lead(hit, if blames_tmpdir(hit) { &[] } else { &["tmpdir-missing"] }, &[]);
                hit.log.means.push_str(
                    "; nothing that falls back to /tmp complains, so TMPDIR is wrong rather than /tmp",
                );
            }
            None => {}
        }
    }
}

fn speaks_of_a_dir(hit: &Hit) -> bool {
    hit.oracle.is_none()
        && hit.makes_temp
        && hit.log.errno == Some(Errno::ENOENT)
        && hit.tool != Tool::Sccache
}

/// Its own wording says already what is wrong with TMPDIR.
fn blames_tmpdir(hit: &Hit) -> bool {
    hit.log.points_to.first().is_some_and(|id| id.starts_with("tmpdir-"))
}

fn is_system(dir: &str) -> bool {
    matches!(dir, "/tmp" | "/var/tmp")
}

/// Directories of which two tools that trust TMPDIR complain, while none of those that fall back do anywhere.
fn trusting_tools(hits: &[Hit]) -> BTreeSet<String> {
    let failing = |hit: &&Hit| hit.log.errno == Some(Errno::ENOENT) && hit.makes_temp;
    if hits.iter().filter(failing).any(|hit| hit.tool.falls_back()) {
        return BTreeSet::new();
    }
    let mut tools: BTreeMap<&str, BTreeSet<Tool>> = BTreeMap::new();
    for hit in hits.iter().filter(failing).filter(|hit| !is_system(&hit.dir)) {
        tools.entry(&hit.dir).or_default().insert(hit.tool);
    }
    tools.into_iter().filter(|(_, tools)| tools.len() > 1).map(|(dir, _)| dir.to_owned()).collect()
}

/// Puts causes first and others out.
fn lead(hit: &mut Hit, first: &[&str], out: &[&[&str]]) {
    let out: BTreeSet<&str> = out.iter().copied().flatten().copied().collect();
    let log = &mut hit.log;
    let others =
        log.points_to.iter().filter(|id| !first.contains(&id.as_str()) && !out.contains(id.as_str()));
    log.points_to = first.iter().map(|id| (*id).to_owned()).chain(others.cloned()).collect();
    log.excludes.retain(|id| !first.contains(&id.as_str()));
    for id in out {
        if !log.excludes.iter().any(|known| known == id) {
            log.excludes.push(id.to_owned());
        }
    }
}
