//! Where a value came in: the chain of ancestors, oldest first, and the boundary at which the value appears.
//!
//! `/proc/PID/environ` is what a process got at exec, so a value that differs between parent and child was brought in by
//! the parent program or its configuration.

use super::env::shown;
use super::env_columns::Member;
use crate::model::environment::{Change, Hop, chain_of};
use crate::model::process::Process;
use crate::model::snapshot::Snapshot;
use crate::model::temp_variable::Resolver;
use crate::tui::app::App;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, Piece, piece};

/// Draws the chain of one variable of one process, what it means, and which directory each kind of program would take.
pub fn draw(app: &App, now: &Snapshot, cell: (&Member, &str), doc: &mut Doc<'_>) {
    let (member, name) = cell;
    let Some(table) = now.processes.value() else { return };
    let hops = chain_of(table, member.pid, name);
    let boundary = boundary(&hops);
    let rows: Vec<Vec<Piece>> =
        hops.iter().enumerate().map(|(n, hop)| hop_row(&hops, (n, hop), boundary, doc)).collect();
    doc.grid(0, &rows);
    if let Some(hop) = hops.last()
        && hop.values.as_ref().is_ok_and(|values| values.len() > 1)
    {
        doc.blank();
        let text =
            format!("{name} stands twice in its environment: C programs take the first, shells the last.");
        doc.text(Tone::Warning, &text);
    }
    doc.blank();
    conclusion(now.process(member.pid), (&hops, boundary), name, doc);
    if matches!(name, "TMPDIR" | "TEMP" | "TMP")
        && let Some(Ok(variables)) = now.process(member.pid).map(|p| p.variables.as_ref())
    {
        resolvers(variables, doc);
    }
    let known = app.settings.catalog.variables.get(name);
    if let Some(known) = known {
        doc.blank();
        doc.text(Tone::Dim, &format!("{name}: {} ({})", known.meaning, known.owner));
    }
}

/// The hop at which the value that the last one has came in.
fn boundary(hops: &[Hop]) -> Option<usize> {
    let came_in = |hop: &Hop| matches!(hop.change, Change::Introduced | Change::Changed | Change::Removed);
    let last = hops.iter().rposition(came_in);
    // Nobody changed it: then it was there from the first one on, if at all.
    last.or_else(|| {
        let first = hops.first()?;
        let known = hops.iter().all(|hop| hop.change != Change::Unknown);
        (known && first.values.as_ref().is_ok_and(|v| !v.is_empty())).then_some(0)
    })
}

fn hop_row(hops: &[Hop], at: (usize, &Hop), boundary: Option<usize>, doc: &Doc<'_>) -> Vec<Piece> {
    let (place, hop) = at;
    let here = boundary == Some(place);
    let marker = if here { doc.glyphs().marker } else { " " };
    let (value, tone) = shown(&hop.values, doc.glyphs().dash);
    let parent = place.checked_sub(1).and_then(|n| hops.get(n));
    let by = parent.map_or_else(|| "its starter".to_owned(), |p| format!("{} ({})", p.comm.shown(), p.pid));
    let what = match hop.change {
        Change::First => String::new(),
        Change::Same => "the same".to_owned(),
        Change::Introduced => format!("set by {by} or its configuration"),
        Change::Changed => format!("changed by {by} or its configuration"),
        Change::Removed => format!("removed by {by} or its configuration"),
        Change::Unknown => "cannot be compared".to_owned(),
    };
    let strong = if here { Tone::Strong } else { tone };
    vec![
        piece(Tone::Accent, marker),
        piece(Tone::Dim, hop.pid.to_string()),
        piece(Tone::Plain, hop.comm.shown()),
        piece(strong, value),
        piece(if here { Tone::Accent } else { Tone::Dim }, what),
    ]
}

fn conclusion(process: Option<&Process>, chain: (&[Hop], Option<usize>), name: &str, doc: &mut Doc<'_>) {
    let (hops, boundary) = chain;
    if let Some(Err(why)) = process.map(|p| p.variables.as_ref()) {
        let text =
            format!("Its environment is not readable ({}): neither set nor unset can be said.", why.shown());
        doc.text(Tone::Warning, &text);
        return;
    }
    if hops.first().is_some_and(|hop| hop.pid != 1) {
        doc.text(Tone::Dim, "The chain ends at a process whose parent is gone or not visible.");
    }
    let hop = boundary.and_then(|n| hops.get(n));
    let parent = boundary.and_then(|n| n.checked_sub(1)).and_then(|n| hops.get(n));
    match (hop, parent) {
        (Some(_), Some(parent)) => {
            let arrow = doc.glyphs().arrow;
            let hint = hint(parent);
            doc.hang(&[piece(Tone::Accent, format!("{arrow} "))], Tone::Plain, &format!("Look in {hint}."));
        }
        (Some(_), None) => doc.text(Tone::Plain, "It was there from the oldest process of the chain on."),
        (None, _) if hops.iter().any(|hop| hop.change == Change::Unknown) => unknown(hops, name, doc),
        (None, _) => {
            doc.text(Tone::Plain, &format!("{name} is not set in this process nor in any ancestor."));
        }
    }
}

/// Some ancestors do not show their environment: what can be said all the same.
fn unknown(hops: &[Hop], name: &str, doc: &mut Doc<'_>) {
    let first = hops.iter().rposition(|hop| hop.values.is_err()).and_then(|n| hops.get(n + 1));
    let has = hops.last().is_some_and(|hop| hop.values.as_ref().is_ok_and(|values| !values.is_empty()));
    let text = match first {
        Some(first) if has => {
            let from = format!("{} ({})", first.comm.shown(), first.pid);
            format!(
                "It was there from {from} on; the parent of that is not readable, so nobody knows whether it set it."
            )
        }
        _ => format!("{name} is not set in this process; some of its ancestors are not readable."),
    };
    doc.text(Tone::Warning, &text);
}

/// Where the configuration of a program lies that hands variables to its children.
fn hint(parent: &Hop) -> &'static str {
    let comm = parent.comm.as_bytes();
    let starts = |prefix: &str| comm.starts_with(prefix.as_bytes());
    match () {
        () if parent.pid == 1 => {
            "the unit: systemctl cat UNIT shows Environment=, EnvironmentFile= and drop-ins; systemctl show-environment the manager's"
        }
        () if starts("systemd") => "environment.d and systemctl --user show-environment of that user",
        () if starts("sshd") || starts("login") || starts("su") => {
            "PAM (/etc/environment, /etc/security/pam_env.conf), ~/.ssh/environment, SetEnv and AcceptEnv of sshd"
        }
        () if starts("Runner.Listener") => "the .env file beside the runner, read when it starts",
        () if starts("Runner.Worker") => {
            "env: of workflow, job or step, and what earlier steps wrote to GITHUB_ENV"
        }
        () if starts("forgejo-runner") || starts("act_runner") || starts("gitea-runner") => {
            "runner.envs and env_file of its config.yml (they beat the workflow), then env: of workflow, job or step"
        }
        () if starts("gitlab-runner") => "environment of its config.toml, then variables: of the job",
        () if starts("buildkite") => "the environment hook of the agent, then env: of the step",
        () if starts("containerd") || starts("conmon") || starts("docker") || starts("podman") => {
            "ENV of the image, -e and --env-file, environment: of the compose file or pod"
        }
        () if starts("just") => "export and dotenv of the justfile",
        () if starts("cargo") => "[env] of .cargo/config.toml, from the project up to the cargo home",
        () if starts("make") || starts("gmake") => "export of the makefile",
        () if starts("sccache") => {
            "the environment of the client; the server's own temp files use the server's"
        }
        () if starts("bash") || starts("sh") || starts("dash") || starts("zsh") => {
            "export in the script, in its profile, or before the command"
        }
        () => "that program's own configuration, or a wrapper around it",
    }
}

/// Which directory each kind of program would take with these variables.
fn resolvers(variables: &[crate::model::process::Variable], doc: &mut Doc<'_>) {
    let arrow = doc.glyphs().arrow;
    let mut by_dirs: Vec<(String, Vec<&str>)> = Vec::new();
    for resolver in Resolver::ALL {
        let candidates = resolver.candidates(variables);
        let named =
            candidates.iter().map(|dir| if dir.is_empty() { "its cwd".to_owned() } else { dir.shown() });
        let named: Vec<String> = named.collect();
        let dirs = if resolver.falls_back() { named.join(&format!(" {arrow} ")) } else { named.concat() };
        match by_dirs.iter_mut().find(|(other, _)| *other == dirs) {
            Some((_, takers)) => takers.push(resolver.name()),
            None => by_dirs.push((dirs, vec![resolver.name()])),
        }
    }
    doc.blank();
    doc.text(Tone::Title, "Which directory programs take with it");
    let rows: Vec<Vec<Piece>> = by_dirs
        .into_iter()
        .map(|(dirs, names)| vec![piece(Tone::Dim, names.join(", ")), piece(Tone::Plain, dirs)])
        .collect();
    doc.grid(0, &rows);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::process::Pid;
    use crate::model::raw_path::RawText;
    use crate::model::reading::GapWhy;

    fn hop(pid: Pid, value: Option<&str>, change: Change) -> Hop {
        let values = Ok(value.map(RawText::from).into_iter().collect());
        Hop { pid, comm: "x".into(), label: "x".into(), values, change }
    }

    #[test]
    fn the_boundary_is_where_the_value_in_force_came_in() {
        let hops = [
            hop(1, None, Change::First),
            hop(2, Some("/a"), Change::Introduced),
            hop(3, Some("/b"), Change::Changed),
            hop(4, Some("/b"), Change::Same),
        ];
        assert_eq!(boundary(&hops), Some(2));
    }

    #[test]
    fn a_value_that_nobody_changed_was_there_from_the_first() {
        assert_eq!(boundary(&[hop(1, Some("/a"), Change::First), hop(2, Some("/a"), Change::Same)]), Some(0));
        assert_eq!(boundary(&[hop(1, None, Change::First), hop(2, None, Change::Same)]), None);
    }

    #[test]
    fn an_unreadable_ancestor_leaves_the_boundary_unknown() {
        let mut first = hop(1, None, Change::First);
        first.values = Err(GapWhy::Denied);
        assert_eq!(boundary(&[first, hop(2, Some("/a"), Change::Unknown)]), None);
    }
}
