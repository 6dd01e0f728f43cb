//! What is wished for on the command line, and what of it is refused.

use std::collections::BTreeSet;

use super::digest::{agreed, short};
use super::document::Totals;
use super::draft::Draft;
use super::page::entries;
use crate::catalog::Catalog;
use crate::cli::{CleanArgs, Global};
use crate::cmd::Refusal;
use crate::cmd::workshop::Names;
use crate::exit::Exit;
use crate::model::plan::{Plan, Wishes};
use crate::model::raw_path::RawPath;
use crate::model::units::{Bytes, Seconds};

/// What is old where nobody says it.
const OLD: Seconds = Seconds(86_400);

/// What the command line says, within what the site lets go.
pub fn wishes(
    args: &CleanArgs,
    names: &Names,
    (catalog, global): (&Catalog, &Global),
) -> anyhow::Result<Wishes> {
    let least = catalog.clean.min_age_s;
    let older_than = args.older_than.map(|time| Seconds(time.as_secs()));
    if older_than.is_some_and(|wanted| wanted < least) {
        let file = RawPath::from(global.config.as_os_str()).shown();
        return Err(Refusal::permission(format!(
            "--older-than: the site lets nothing go that is younger than {least} (min_age_s = {} in {file})",
            least.0
        )));
    }
    let owner = args.owner.as_deref().map(|name| {
        names.uid_of(name).ok_or_else(|| {
            let name = RawPath::from(name).shown();
            Refusal::usage(format!("--owner {name}: no such user in /etc/passwd; give a uid"))
        })
    });
    Ok(Wishes {
        older_than: older_than.unwrap_or_else(|| OLD.max(least)),
        by_family: older_than.is_none(),
        families: args.family.clone(),
        keep: args.keep.clone(),
        owner: owner.transpose()?,
        names: args.name.iter().map(|name| RawPath::from(name.as_os_str())).collect(),
        delete: args.delete,
        assume_unheld: args.assume_unheld,
    })
}

/// Whoever mistypes a name must not read that nothing of it can go.
pub fn refuse_unknown_names(args: &CleanArgs, drafts: &[Draft]) -> anyhow::Result<()> {
    if args.name.is_empty() {
        return Ok(());
    }
    let known: BTreeSet<&[u8]> = drafts
        .iter()
        .flat_map(|draft| &draft.plan.entries)
        .map(|entry| entry.candidate.name.as_bytes())
        .collect();
    let Some(name) = args.name.iter().find(|name| !known.contains(name.as_encoded_bytes())) else {
        return Ok(());
    };
    let roots: Vec<String> = drafts.iter().map(|draft| draft.plan.root.shown()).collect();
    let (name, roots) = (RawPath::from(name.as_os_str()).shown(), roots.join(" and "));
    Err(Refusal::usage(format!("--name {name}: nothing of that name lies in {roots}")))
}

/// Where a digest was shown, only the plan that it stands for is good.
pub fn refuse_another(args: &CleanArgs, drafts: &[Draft]) -> anyhow::Result<()> {
    let Some(wanted) = &args.digest else { return Ok(()) };
    let plans = drafts.iter().map(|draft| &draft.plan);
    let digest = agreed(plans.clone());
    if digest.starts_with(wanted.as_str()) {
        return Ok(());
    }
    let totals = Totals::of(plans);
    let digits = short(&digest);
    let message = format!(
        "nothing was changed: other entries would go than those of plan {wanted}; now {} would, {} (plan {digits}). \
         `clean` without --apply shows which; a plan kept by `clean --json > FILE` names each change with --plan FILE",
        entries(totals.remove),
        Bytes(totals.bytes)
    );
    Err(Refusal { exit: Exit::NotNow, message }.into())
}

/// What cannot be taken back is asked for twice.
pub fn refuse_unasked_deletion(args: &CleanArgs, plans: Option<&[Plan]>) -> anyhow::Result<()> {
    let is_final = args.delete || plans.is_some_and(|plans| plans.iter().any(|plan| plan.wishes.delete));
    if is_final && !args.yes {
        return Err(Refusal::usage(
            "what is removed for good cannot be undone: add --yes if that is what you want, or leave out --delete to put it aside",
        ));
    }
    Ok(())
}
