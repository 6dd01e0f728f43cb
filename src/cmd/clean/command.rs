//! The commands that stand for a clean-up, as one would type them.

use super::digest::short;
use super::draft::Draft;
use crate::model::plan::Wishes;
use crate::model::raw_path::RawPath;

/// The commands that carry out what was shown.
pub fn next(drafts: &[Draft], wishes: &Wishes) -> Vec<String> {
    let going = drafts.iter().filter(|draft| !draft.going.is_empty());
    let roots: Vec<RawPath> = going.map(|draft| draft.plan.root.clone()).collect();
    if roots.is_empty() { Vec::new() } else { vec![command(&roots, wishes, None)] }
}

/// The command that cleans these directories with these wishes; with a digest, only what that stands for.
pub fn command(roots: &[RawPath], wishes: &Wishes, digest: Option<&str>) -> String {
    let mut command = command_to_look(roots, wishes);
    if let Some(digest) = digest {
        command.push_str(&format!(" --digest {}", short(digest)));
    }
    command.push_str(" --apply");
    if wishes.delete {
        command.push_str(" --delete --yes");
    }
    command
}

/// The command that plans that and changes nothing.
pub fn command_to_look(roots: &[RawPath], wishes: &Wishes) -> String {
    let mut command = "tmpmedic clean".to_owned();
    for root in roots {
        command.push_str(&format!(" {}", root.quoted()));
    }
    if !wishes.by_family {
        command.push_str(&format!(" --older-than {}", wishes.older_than.typed()));
    }
    for (option, values) in [("--family", &wishes.families), ("--keep", &wishes.keep)] {
        for value in values {
            command.push_str(&format!(" {option} {}", RawPath::from(value.as_str()).quoted()));
        }
    }
    for name in &wishes.names {
        // With `=`: a name may begin with a dash.
        command.push_str(&format!(" --name={}", name.quoted()));
    }
    if let Some(uid) = wishes.owner {
        command.push_str(&format!(" --owner {uid}"));
    }
    if wishes.assume_unheld {
        command.push_str(" --assume-unheld");
    }
    command
}
