//! The way to a temp dir, component by component: owner, mode, attributes, mounts, and where it stops.

use super::Command;
use crate::model::errno::Errno;
use crate::model::mount::Mount;
use crate::model::probe::ProbeResult;
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::vantage::{Acl, Can, Component, Facts, HowKnown, Reason, Vantage};
use crate::tui::app::App;
use crate::tui::text::safe;
use crate::tui::theme::Tone;
use crate::tui::widgets::doc::{Doc, Piece, piece};
use crate::tui::words;

/// Draws the way, then what is known about its end.
pub fn draw(app: &App, now: &Snapshot, vantage: &Vantage, doc: &mut Doc<'_>) {
    let rows: Vec<Vec<Piece>> =
        vantage.walked.iter().enumerate().map(|(depth, c)| step(app, now, vantage, (depth, c))).collect();
    if rows.is_empty() {
        doc.text(Tone::Dim, "The way to it could not be walked.");
    }
    doc.grid(0, &rows);
    for component in &vantage.walked {
        for (what, acl) in acls(component) {
            doc.indented(2, Tone::Dim, &format!("{what} of {}  {acl}", component.path.shown()));
        }
    }
    doc.blank();
    verdict(vantage, doc);
    elsewhere(now, vantage, doc);
    room(vantage, doc);
    let why = vantage.reasons.iter().map(reason).collect::<Vec<_>>().join(", ");
    doc.text(Tone::Dim, &format!("looked at because it is {why}"));
    let known = now.probes.iter().find(|p| p.is_of(vantage));
    if let Some(probe) = known {
        doc.blank();
        probe_line(now, probe, doc);
    }
}

fn step(app: &App, now: &Snapshot, vantage: &Vantage, at: (usize, &Component)) -> Vec<Piece> {
    let (depth, component) = at;
    let glyphs = app.theme.glyphs;
    let name = if depth == 0 {
        component.path.shown()
    } else {
        let name = RawPath::from(component.path.file_name()).shown();
        format!("{}{} {name}", "  ".repeat(depth - 1), glyphs.branch)
    };
    let name = match &component.link {
        Some(link) => format!("{name} {} {}", glyphs.arrow, link.shown()),
        None => name,
    };
    let facts = component.facts.as_ref();
    let owner = facts.map_or_else(|| glyphs.dash.to_owned(), |f| owner(app, f));
    let mode = facts.map_or_else(|| glyphs.dash.to_owned(), |f| words::mode(f.mode));
    // The end of the way carries the answer of the vantage, every other component its own.
    let is_end = depth + 1 == vantage.walked.len();
    let mark = match (component.error, component.search) {
        (Some(_), _) | (None, Some(false)) => piece(Tone::Critical, glyphs.critical),
        (None, _) if is_end && vantage.can_create.can == Can::No => piece(Tone::Critical, glyphs.critical),
        (None, Some(true)) => piece(Tone::Ok, glyphs.ok),
        (None, None) => piece(Tone::Warning, glyphs.unknown),
    };
    let strong = if component.error.is_some() { Tone::Critical } else { Tone::Plain };
    vec![
        mark,
        piece(strong, name),
        piece(Tone::Plain, owner),
        piece(Tone::Plain, mode),
        remark(app, now, vantage, component),
    ]
}

fn owner(app: &App, facts: &Facts) -> String {
    let user = safe(&app.user(facts.uid)).into_owned();
    if facts.uid == facts.gid { user } else { format!("{user}:{}", facts.gid) }
}

/// The last words about a component: why the way stops, what is mounted, what is odd.
fn remark(app: &App, now: &Snapshot, vantage: &Vantage, component: &Component) -> Piece {
    let dot = app.theme.glyphs.dot;
    let mut words: Vec<String> = Vec::new();
    let mut tone = Tone::Dim;
    if let Some(errno) = component.error {
        words.push(format!("stops here: {errno}"));
        tone = Tone::Critical;
    } else if component.search == Some(false) {
        words.push(format!("{} may not search it", safe(&vantage.credentials.shown())));
        tone = Tone::Critical;
    }
    if component.facts.as_ref().is_some_and(|f| f.links == 0) {
        words.push("links 0: nothing can be created in a deleted directory".to_owned());
        tone = Tone::Critical;
    }
    if component.mount_point
        && let Some(mount) = mount_at(now, vantage, component)
    {
        words.push(mounted(mount, dot));
        if mount.root_deleted {
            tone = Tone::Critical;
        }
    }
    if let Some(facts) = &component.facts {
        words.extend(words::attributes(facts).into_iter().map(str::to_owned));
        let kind = words::kind(facts.kind);
        if !matches!(kind, "dir" | "link") {
            words.push(format!("is a {kind}"));
        }
    }
    piece(tone, words.join(&format!(" {dot} ")))
}

fn mount_at<'a>(now: &'a Snapshot, vantage: &Vantage, component: &Component) -> Option<&'a Mount> {
    let namespace = now.namespace(vantage.mount_ns)?;
    let root = &vantage.root;
    // Mount points are named from the root of the namespace, components from that of the process.
    let point =
        if root.as_bytes() == b"/" { component.path.clone() } else { root.join(trim(&component.path)) };
    namespace.stacked_on(&point).last().copied()
}

fn trim(path: &RawPath) -> &[u8] {
    path.as_bytes().strip_prefix(b"/").unwrap_or(path.as_bytes())
}

fn mounted(mount: &Mount, dot: &str) -> String {
    let root = mount.root.shown();
    let root = if mount.root_deleted {
        format!(" {dot} root {root}//deleted")
    } else if root == "/" {
        String::new()
    } else {
        format!(" {dot} root {root}")
    };
    let ro = if mount.is_read_only() { format!(" {dot} read-only") } else { String::new() };
    format!("mount {} on {} {dot} {}{root}{ro}", mount.id, mount.parent, safe(&mount.fs_type))
}

fn acls(component: &Component) -> Vec<(&'static str, String)> {
    let Some(facts) = &component.facts else { return Vec::new() };
    let words = |acl: &Acl| acl.short().collect::<Vec<_>>().join(" ");
    let access = facts.acl.as_ref().map(|acl| ("acl", words(acl)));
    let default = facts.default_acl.as_ref().map(|acl| ("default acl", words(acl)));
    access.into_iter().chain(default).collect()
}

/// One sentence: can, cannot, at which step, and how that is known.
fn verdict(vantage: &Vantage, doc: &mut Doc<'_>) {
    let known = &vantage.can_create;
    let how = match known.how {
        HowKnown::Probed => "proved by a real attempt",
        HowKnown::Predicted => "predicted from modes, mounts and room; key p proves it",
    };
    let glyphs = doc.glyphs();
    let (tone, text) = match known.can {
        Can::Yes => (Tone::Ok, format!("{} temp dirs can be created here", glyphs.ok)),
        Can::Unknown => {
            (Tone::Warning, format!("{} nobody knows whether temp dirs can be created here", glyphs.unknown))
        }
        Can::No => {
            let step = match (known.errno, known.step.as_deref()) {
                (Some(Errno::ETIMEDOUT), _) => "calls do not return".to_owned(),
                (_, Some(step)) => format!("{step} fails"),
                (_, None) => "it fails".to_owned(),
            };
            let errno = known.errno.map_or_else(String::new, |errno| format!(": {errno}"));
            (Tone::Critical, format!("{} no temp dir can be created here: {step}{errno}", glyphs.critical))
        }
    };
    doc.flow(2, &[piece(tone, format!("{text}  ")), piece(Tone::Dim, how)]);
}

/// Whether the same path is another directory in the namespace that we are in.
fn elsewhere(now: &Snapshot, vantage: &Vantage, doc: &mut Doc<'_>) {
    let ours = |v: &&Vantage| now.namespace(v.mount_ns).is_some_and(|ns| ns.ours) && v.path == vantage.path;
    let Some(own) = now.vantages.items().iter().find(ours) else { return };
    if own.mount_ns == vantage.mount_ns && own.root == vantage.root {
        return;
    }
    let (Ok(theirs), Ok(mine)) = (&vantage.identity, &own.identity) else { return };
    let path = vantage.path.shown();
    if (theirs.device, theirs.inode) == (mine.device, mine.inode) {
        doc.text(Tone::Dim, &format!("your shell's {path} is the same directory"));
        return;
    }
    let mount = own.mount_id.map_or_else(String::new, |id| format!("mount {id}, "));
    let count = now
        .temp_dirs
        .items()
        .iter()
        .find(|d| (d.identity.device, d.identity.inode) == (mine.device, mine.inode));
    let count = count.map_or_else(String::new, |d| format!(", {}", words::entries(d.total.entries)));
    let text = format!("your shell's {path} is another directory: {mount}inode {}{count}", mine.inode);
    doc.text(Tone::Strong, &text);
}

fn room(vantage: &Vantage, doc: &mut Doc<'_>) {
    let dot = doc.glyphs().dot;
    match &vantage.space {
        Err(why) => doc.text(Tone::Dim, &format!("room not known: {}", why.shown())),
        Ok(space) => {
            let (bytes, inodes) = words::used(space);
            let inodes = inodes.map_or_else(
                || "inodes as needed".to_owned(),
                |inodes| format!("inodes {inodes} % of {}", space.inodes),
            );
            let room = space.room_for(&vantage.credentials);
            let exec = if space.no_exec { format!(" {dot} noexec") } else { String::new() };
            let write = if space.read_only { format!(" {dot} read-only") } else { String::new() };
            let text = format!(
                "disk {bytes} % of {} {dot} room for it {room} {dot} {inodes}{exec}{write}",
                space.total
            );
            doc.text(Tone::Dim, &text);
        }
    }
}

fn reason(reason: &Reason) -> String {
    match reason {
        Reason::Default => "the default, no variable names another".to_owned(),
        Reason::TmpDir => "named by TMPDIR".to_owned(),
        Reason::Variable(name) => format!("named by {name}"),
        Reason::Fallback => "where tools fall back to".to_owned(),
        Reason::BindMount => "a mount of its own in this view".to_owned(),
        Reason::Asked => "asked for".to_owned(),
    }
}

fn probe_line(now: &Snapshot, probe: &ProbeResult, doc: &mut Doc<'_>) {
    let glyphs = doc.glyphs();
    let age = words::age(now.taken, Some(probe.at), glyphs);
    let steps = probe.steps.iter().map(|step| match step.errno {
        None => format!("{} {}", step.step.word(), glyphs.ok),
        Some(errno) => format!("{} {} {}", step.step.word(), glyphs.critical, errno.name()),
    });
    let hung = if probe.hung { "  no answer within the deadline" } else { "" };
    let steps = steps.collect::<Vec<_>>().join("  ");
    doc.hang(&[piece(Tone::Dim, format!("probed {age} ago  "))], Tone::Plain, &format!("{steps}{hung}"));
}

/// The commands that show the same by hand.
pub fn commands(app: &App, now: &Snapshot, vantage: &Vantage) -> Vec<Command> {
    let Some(pid) = words::witness(now, &vantage.pids) else { return Vec::new() };
    let path = match &vantage.based_on {
        Some(base) => base.join(vantage.path.as_bytes()),
        None => vantage.path.clone(),
    };
    let inside = words::inside(pid, &path).quoted();
    let root = |command: String| words::as_root(app, command);
    let mut all = vec![Command::new(
        "owner, mode and link count, as that process sees it (0 links: deleted)",
        root(format!("stat -L -c '%n  %U:%G  %04a  links %h' {inside}")),
    )];
    if let Some(mount) = now.mount_of(vantage) {
        let line = format!("awk '$1 == {}' /proc/{pid}/mountinfo", mount.id);
        all.push(Command::new(
            "the mount that serves it; `//deleted` in field 4 means a removed directory",
            line,
        ));
    }
    all.push(Command::new("the way to it, component by component", root(format!("namei -l {inside}"))));
    all.push(Command::new("room on its file system", root(format!("stat -f {inside}"))));
    let probe = format!("tmpmedic probe --pid {pid} --dir {}", path.quoted());
    all.push(Command::new("the proof: make and remove a temp dir as that process", root(probe)));
    all
}
