//! A member of the cast as a unit file of systemd. Source: systemd.service(5), systemd.exec(5), systemd.syntax(7).
//!
//! What a unit file cannot say is refused with its name, and not left out. Called by `service`.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::home;
use crate::model::scenario::cast::Cast;
use crate::model::scenario::step::{MountFlag, Step};

/// The longest name of a unit. Source: systemd.unit(5).
const NAME_MAX: usize = 255;

/// The unit of a process: where a cast stands for several, the number goes behind the `@` of a template.
pub fn name_of(unit: &str, number: Option<u32>) -> Result<String, String> {
    let name = match number {
        None => unit.to_owned(),
        Some(number) => match unit.split_once("@.") {
            Some((template, kind)) => format!("{template}@{number}.{kind}"),
            None => return Err(format!("the unit {unit} cannot be started several times: it is no template")),
        },
    };
    let sound = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    let stem = name.strip_suffix(".service").unwrap_or_default();
    if stem.is_empty() || stem.ends_with('@') || name.len() > NAME_MAX || !name.chars().all(sound) {
        return Err(format!("{name} is no name of a service"));
    }
    Ok(name)
}

/// The text of its unit file.
pub fn text(cast: &Cast, unit: &str) -> Result<String, String> {
    let mut text = format!("[Unit]\nDescription={}\nDefaultDependencies=no\n\n[Service]\n", cast.program);
    let mut line = |key: &str, value: &str| {
        text.push_str(key);
        text.push('=');
        text.push_str(value);
        text.push('\n');
    };
    line("Type", "exec");
    line("ExecStart", &command(cast));
    // Its part; see `part`.
    line("StandardInput", &format!("file:{}/{}", home::PARTS, specifier(unit)));
    line("StandardOutput", "null");
    line("StandardError", "null");
    line("User", &cast.uid.to_string());
    line("Group", &cast.gid.to_string());
    line("WorkingDirectory", &specifier(cast.cwd.as_deref().unwrap_or("/")));
    line("UMask", &format!("{:04o}", cast.umask.unwrap_or(0o022)));
    line("PrivateTmp", if cast.private_tmp { "yes" } else { "no" });
    if let Some(limit) = cast.file_size_limit {
        line("LimitFSIZE", &limit.to_string());
    }
    if let Some(limit) = cast.open_files_limit {
        line("LimitNOFILE", &limit.to_string());
    }
    for entry in environment(cast)? {
        line("Environment", &entry);
    }
    for step in &cast.inside {
        let (key, value) = mount(step)?;
        line(key, &value);
    }
    if cast.root.is_some() {
        return Err("a service with a root directory of its own has no file to execute there".to_owned());
    }
    Ok(text)
}

/// `@` lets it have its name as its first argument, without a path.
fn command(cast: &Cast) -> String {
    let file = home::program(&cast.program);
    let mut line = format!("@{}", quoted(&file.to_string_lossy(), Dollars::Doubled));
    for word in std::iter::once(&cast.program).chain(&cast.arguments) {
        line.push(' ');
        line.push_str(&quoted(word, Dollars::Doubled));
    }
    line
}

/// systemd knows a variable once, and only under a name that shells allow.
fn environment(cast: &Cast) -> Result<Vec<String>, String> {
    let mut seen = BTreeSet::new();
    let entry = |entry: &String| {
        let name = entry.split_once('=').map(|(name, _)| name).unwrap_or_default();
        let is_name = !name.is_empty()
            && !name.starts_with(|c: char| c.is_ascii_digit())
            && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name {
            return Err(format!("systemd gives no service an entry of its environment like `{entry}`"));
        }
        if !seen.insert(name.to_owned()) {
            return Err(format!("systemd gives no service the variable {name} twice"));
        }
        Ok(quoted(entry, Dollars::Kept))
    };
    cast.environment.iter().map(entry).collect()
}

/// Mounts in its namespace.
fn mount(step: &Step) -> Result<(&'static str, String), String> {
    let is_ro = |flags: &[MountFlag]| flags == [MountFlag::Ro];
    match step {
        Step::Bind { source, at, flags } if flags.is_empty() || is_ro(flags) => {
            let key = if is_ro(flags) { "BindReadOnlyPaths" } else { "BindPaths" };
            Ok((key, format!("{}:{}", path(source)?, path(at)?)))
        }
        Step::Tmpfs { at, size, inodes, mode, flags } => {
            let mut options = format!("mode={:04o}", mode.unwrap_or(0o1777));
            if let Some(size) = size {
                options.push_str(&format!(",size={}", size.0.0));
            }
            if let Some(inodes) = inodes {
                options.push_str(&format!(",nr_inodes={inodes}"));
            }
            for flag in flags {
                options.push_str(match flag {
                    MountFlag::Ro => ",ro",
                    MountFlag::Noexec => ",noexec",
                    MountFlag::Nosuid => ",nosuid",
                    MountFlag::Nodev => ",nodev",
                });
            }
            Ok(("TemporaryFileSystem", format!("{}:{options}", path(at)?)))
        }
        other => Err(format!("no unit file says `{}`", super::build::name_of(other))),
    }
}

/// A path among those of a list: colons and blanks part them.
fn path(path: &str) -> Result<String, String> {
    if path.contains(|c: char| c == ':' || c == '"' || c == '\\' || c.is_whitespace() || c.is_control()) {
        return Err(format!("`{path}` does not fit into a list of paths of a unit file"));
    }
    Ok(specifier(path))
}

/// With `%` as itself.
fn specifier(text: &str) -> String {
    text.replace('%', "%%")
}

/// What becomes of `$`: in a command line systemd would replace variables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dollars {
    Doubled,
    Kept,
}

fn quoted(word: &str, dollars: Dollars) -> String {
    let mut out = String::from('"');
    for c in word.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '%' => out.push_str("%%"),
            '$' if dollars == Dollars::Doubled => out.push_str("$$"),
            c if c.is_ascii_control() => {
                // Writing to a string cannot fail.
                write!(out, "\\x{:02x}", u32::from(c)).ok();
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
