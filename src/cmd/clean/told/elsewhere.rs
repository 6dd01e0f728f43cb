//! What is told of a directory that only other processes see under its name.

use crate::cmd::clean::{command, command_to_look};
use crate::model::plan::Wishes;
use crate::model::raw_path::RawPath;
use crate::model::work::{Barred, Prospect, Told, Wish};

/// What there is to say of a directory that only other processes see under its name: it is cleaned from there.
pub fn elsewhere(wish: Wish, root: &RawPath, wishes: &Wishes) -> Option<Prospect> {
    let rest = root.as_bytes().strip_prefix(b"/proc/")?;
    let (pid, rest) = rest.split_at_checked(rest.iter().position(|byte| *byte == b'/')?)?;
    let pid: u32 = std::str::from_utf8(pid).ok()?.parse().ok()?;
    let inside = RawPath::from(rest.strip_prefix(b"/root").filter(|rest| rest.starts_with(b"/"))?);
    let there = |line: String| format!("nsenter -t {pid} -m {line}");
    let (roots, shown) = (std::slice::from_ref(&inside), inside.shown());
    let look = there(command_to_look(roots, wishes));
    Some(Prospect {
        wish,
        digest: String::new(),
        expires: None,
        title: format!("Clean up: {shown} of pid {pid}"),
        does: format!("{shown} as pid {pid} sees it is another directory than ours"),
        facts: Vec::new(),
        steps: vec![
            Told { does: "plan it there: nothing is changed".to_owned(), by_hand: look.clone() },
            Told { does: "do it there".to_owned(), by_hand: there(command(roots, wishes, None)) },
        ],
        going: Vec::new(),
        staying: Vec::new(),
        ends: Vec::new(),
        notes: vec![
            "In a container that has no tmpmedic, copy the binary into it first: it needs nothing else."
                .to_owned(),
        ],
        word: None,
        barred: Some(Barred {
            why: "it is cleaned from the mount namespace that it is in; this plans it there:".to_owned(),
            command: Some(look),
        }),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_directory_of_another_namespace_is_cleaned_from_there() {
        let wishes = Wishes { delete: true, ..Wishes::default() };
        let told = |root: &str| elsewhere(Wish::Undo(None), &root.into(), &wishes);
        let prospect = told("/proc/42/root/var/tmp").unwrap();
        let barred = prospect.barred.unwrap();
        assert_eq!(barred.command.unwrap(), "nsenter -t 42 -m tmpmedic clean /var/tmp --older-than 0s");
        let last = &prospect.steps[1].by_hand;
        assert_eq!(last, "nsenter -t 42 -m tmpmedic clean /var/tmp --older-than 0s --apply --delete --yes");
        for ours in ["/tmp", "/proc/42/rooted/tmp", "/proc/42/root", "/proc/self/root/tmp", "/procx/1/root/x"]
        {
            assert_eq!(told(ours), None, "{ours}");
        }
    }
}
