//! A member of the cast as a unit file of systemd. Source: systemd.service(5), systemd.exec(5), systemd.syntax(7).
//!
//! What a unit file cannot say is refused with its name, and not left out. Called by `service`.

use std::collections::BTreeSet;
use std::fmt::Write;

use super::cast::casts;
use super::home;
use crate::model::scenario::Scenario;
use crate::model::scenario::cast::Cast;
use crate::model::scenario::step::{MountFlag, Step};

/// The longest name of a unit. Source: systemd.unit(5).
const NAME_MAX: usize = 255;

/// Why systemd could not start the services of a scenario on any machine; nothing where it could.
pub fn objection(scenario: &Scenario) -> Option<String> {
    let mut services = casts(scenario).filter_map(|cast| Some((cast, cast.unit.as_deref()?))).peekable();
    if services.peek().is_none() {
        return Some("it has no service".to_owned());
    }
    let mut refusals = services.filter_map(|(cast, unit)| {
        let name = name_of(unit, cast.count.map(|_| 1));
        name.and_then(|name| text(cast, &name)).err()
    });
    refusals.next()
}

/// The unit of a process: where a cast stands for several, the number goes behind the `@` of a template.
pub fn name_of(unit: &str, number: Option<u32>) -> Result<String, String> {
    let name = match number {
        None => unit.to_owned(),
        Some(number) => match unit.split_once("@.") {
            Some((template, kind)) => format!("{template}@{number}.{kind}"),
            None => {
                return Err(format!("the unit {unit} cannot be started several times: it is no template"));
            }
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
    if cast.root.is_some() {
        return Err(format!("{unit} would have no program in a root directory of its own"));
    }
    if cast.parent.is_some() {
        return Err(format!("{unit} is started by systemd, not by another of the cast"));
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalog::scenarios;

    fn cast(more: &str) -> Cast {
        let text = format!("name = \"runner\"\nprogram = \"act_runner\"\n{more}");
        toml::from_str(&text).unwrap()
    }

    fn has(more: &str, line: &str) {
        let text = text(&cast(more), "a@1.service").unwrap();
        assert!(text.lines().any(|l| l == line), "no line {line} in\n{text}");
    }

    #[test]
    fn a_unit_says_what_the_scenario_says() {
        has("uid = 7\ngid = 8", "User=7");
        has("uid = 7\ngid = 8", "Group=8");
        has("private_tmp = true", "PrivateTmp=yes");
        has("", "PrivateTmp=no");
        has("umask = 0o077", "UMask=0077");
        has("file_size_limit = 4096", "LimitFSIZE=4096");
        has("open_files_limit = 64", "LimitNOFILE=64");
        has("cwd = \"/srv/100%\"", "WorkingDirectory=/srv/100%%");
        has(r#"inside = [{ do = "bind", source = "/a", at = "/b" }]"#, "BindPaths=/a:/b");
        has(
            r#"inside = [{ do = "bind", source = "/a", at = "/b", flags = ["ro"] }]"#,
            "BindReadOnlyPaths=/a:/b",
        );
        has(
            r#"inside = [{ do = "tmpfs", at = "/b", size = "1M", flags = ["noexec"] }]"#,
            "TemporaryFileSystem=/b:mode=1777,size=1048576,noexec",
        );
    }

    #[test]
    fn what_systemd_would_replace_is_escaped() {
        has(
            r#"arguments = ['a "b" \ $HOME %n', "x\ty"]"#,
            r#"ExecStart=@"/run/tmpmedic-lab/cast/act_runner" "act_runner" "a \"b\" \\ $$HOME %%n" "x\x09y""#,
        );
        has(r#"environment = ['TMPDIR=$HOME/100% "x"']"#, r#"Environment="TMPDIR=$HOME/100%% \"x\"""#);
    }

    #[test]
    fn what_a_unit_cannot_say_is_refused_by_name() {
        let refused = |more: &str, word: &str| {
            let why = text(&cast(more), "a.service").unwrap_err();
            assert!(why.contains(word), "{why}");
        };
        refused(r#"environment = ["TMPDIR=/a", "TMPDIR=/b"]"#, "TMPDIR");
        refused(r#"environment = ["no assignment"]"#, "no assignment");
        refused(r#"inside = [{ do = "overlay", at = "/o", lower = "/l", upper = "/u", work = "/w" }]"#, "/o");
        refused(r#"root = "/srv""#, "root");
        refused(r#"parent = "other""#, "another");
    }

    #[test]
    fn a_template_is_started_several_times_and_nothing_else() {
        assert_eq!(name_of("r@.service", Some(3)).unwrap(), "r@3.service");
        assert_eq!(name_of("r@x.service", None).unwrap(), "r@x.service");
        for (unit, number) in
            [("r.service", Some(1)), ("r@.service", None), ("r", None), ("../r.service", None)]
        {
            assert!(name_of(unit, number).is_err(), "{unit}");
        }
    }

    #[test]
    fn systemd_could_start_every_embedded_scenario_that_has_a_service() {
        let mut with_service = 0;
        for scenario in scenarios::all() {
            match objection(&scenario) {
                None => with_service += 1,
                Some(why) => assert_eq!(why, "it has no service", "{}", scenario.id),
            }
        }
        assert!(with_service > 0);
    }
}
