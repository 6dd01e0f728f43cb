//! What must hold of an entry, whoever wrote it. The site's are checked when they are loaded, ours by the law tests.

use crate::catalog::pattern::Pattern;
use crate::catalog::roles::{File, RoleEntry, Roles, Sample};
use crate::model::family::{Family, Safety};

/// What must hold of every family, ours too.
pub(in crate::catalog) fn check_family(family: &Family) -> Result<(), String> {
    let id = &family.id;
    check_id(id)?;
    if family.patterns.is_empty() {
        return Err(format!("family `{id}` has no `patterns`; give at least one"));
    }
    if family.why.trim().is_empty() {
        return Err(format!("family `{id}` does not say `why`"));
    }
    match (family.safety, family.idle_s) {
        (Safety::Idle, None) => Err(format!("family `{id}` is removable when idle but has no `idle_s`")),
        (Safety::Never, Some(_)) => {
            Err(format!("family `{id}` is never removed but has an `idle_s`; drop it"))
        }
        _ => check_patterns(family),
    }
}

fn check_patterns(family: &Family) -> Result<(), String> {
    let id = &family.id;
    let mut patterns = Vec::new();
    for text in &family.patterns {
        let pattern =
            Pattern::parse(text).map_err(|why| format!("pattern `{text}` of family `{id}` {why}"))?;
        if family.safety != Safety::Never && (pattern.matches(b"a-file") || pattern.matches(b"x")) {
            return Err(format!("pattern `{text}` of family `{id}` matches any name; make it narrower"));
        }
        patterns.push(pattern);
    }
    let fits = |name: &String| patterns.iter().any(|pattern| pattern.matches(name.as_bytes()));
    if let Some(name) = family.examples.iter().find(|name| !fits(name)) {
        return Err(format!("example `{name}` does not match any pattern of its family `{id}`"));
    }
    if let Some(name) = family.near_misses.iter().find(|name| fits(name)) {
        return Err(format!("near miss `{name}` matches a pattern of its family `{id}`"));
    }
    Ok(())
}

/// Ids are words that can be cited: `go-build`.
fn check_id(id: &str) -> Result<(), String> {
    let plain = |b: &u8| b.is_ascii_lowercase() || b.is_ascii_digit() || *b == b'-';
    if id.is_empty() || !id.as_bytes().iter().all(plain) {
        return Err(format!("id `{id}` must be made of a-z, 0-9 and `-`"));
    }
    Ok(())
}

pub(super) fn check_role(entry: &RoleEntry) -> Result<(), String> {
    let id = &entry.id;
    check_id(id)?;
    if entry.programs.is_empty() && entry.units.is_empty() {
        return Err(format!("role `{id}` has neither `programs` nor `units`; give at least one pattern"));
    }
    let file = File { companions: Vec::new(), role: vec![entry.clone()] };
    let alone = Roles::new(Vec::new(), file).map_err(|why| format!("role `{id}`: {why}"))?;
    let fits = |sample: &String| alone.role_of(&Sample::parse(sample).clues()).is_some();
    if let Some(sample) = entry.examples.iter().find(|sample| !fits(sample)) {
        return Err(format!("example `{sample}` does not have its role `{id}`"));
    }
    if let Some(sample) = entry.near_misses.iter().find(|sample| fits(sample)) {
        return Err(format!("near miss `{sample}` has the role `{id}`"));
    }
    Ok(())
}
