//! `set-override`: a drop-in of a service sets a variable or another setting, or takes a variable away.
//!
//! A value comes from the machine under diagnosis: a newline in it would be another setting, run as root at the next start.
//! So values are quoted, `%` is doubled, and what holds a control character gets no plan.

use super::{Card, Remedy, draft};
use crate::model::finding::{Finding, Risk};
use crate::model::raw_path::{RawPath, RawText};
use crate::model::snapshot::Snapshot;
use crate::model::treatment::{Aim, Deed, Setting, Step, Treatment};
use crate::model::unit_name::is_unit_name;

/// See the module's header.
pub struct SetOverride;

static CARD: Card = Card {
    id: "set-override",
    title: "set or unset something in a drop-in of a service",
    reversible: true,
    verification: "the drop-in stands there and systemd has read it; the running processes change at the next restart",
    page: "Writes a file below /etc/systemd/system/UNIT.d, whole or not at all, and lets systemd read it. Running processes \
           keep what they have until the unit is restarted. Undo puts back what stood there.",
};

impl Remedy for SetOverride {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, now: &Snapshot, finding: &Finding) -> Option<Treatment> {
        let (action, Aim::DropIn { unit, name, settings }) = draft::aim(finding, &CARD)? else { return None };
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
        if !is_unit_name(unit) || name.is_empty() || !name.bytes().all(is_name) {
            return None;
        }
        let text = text(settings)?;
        let (file, word) = (format!("{name}.conf"), RawPath::from(unit.as_str()).quoted());
        let dir = RawPath::from(format!("/etc/systemd/system/{unit}.d").as_str());
        let lines: Vec<String> = text.lines().map(|line| RawPath::from(line).quoted()).collect();
        let mut plan = draft::frame(now, finding, action);
        plan.title =
            format!("{} in a drop-in of {unit}; it takes effect at the next restart", what(settings));
        plan.risk = Risk::None;
        plan.notes = vec![format!(
            "The running processes keep what they have. When its jobs allow: systemctl restart {word}"
        )];
        plan.proofs.clear();
        plan.steps = vec![
            Step {
                does: format!("write {}", dir.join(file.as_bytes()).shown()),
                by_hand: format!(
                    "mkdir -p {} && printf '%s\\n' {} > {}",
                    dir.quoted(),
                    lines.join(" "),
                    dir.join(file.as_bytes()).quoted()
                ),
                deed: Deed::WriteDropIn {
                    unit: unit.clone(),
                    file,
                    before: None,
                    after: text.as_str().into(),
                },
            },
            Step {
                does: "let systemd read it".to_owned(),
                by_hand: "systemctl daemon-reload".to_owned(),
                deed: Deed::ReloadManager,
            },
        ];
        Some(plan)
    }
}

fn what(settings: &[Setting]) -> String {
    let one = |setting: &Setting| match setting {
        Setting::Set { name, value } => format!("set {name}={}", value.shown()),
        Setting::Unset(name) => format!("take {name} away"),
        Setting::Directive { key, value } => format!("set {key}={}", value.shown()),
    };
    settings.iter().map(one).collect::<Vec<_>>().join(", ")
}

/// The file; nothing where a value must not stand in one.
fn text(settings: &[Setting]) -> Option<String> {
    let mut text = "[Service]\n".to_owned();
    for setting in settings {
        text.push_str(&line(setting)?);
        text.push('\n');
    }
    Some(text)
}

/// Source: systemd.exec(5) Environment=, systemd.syntax(7) on quoting, systemd.unit(5) on specifiers.
fn line(setting: &Setting) -> Option<String> {
    match setting {
        Setting::Set { name, value } => {
            let value = harmless(value)?.replace('\\', "\\\\").replace('"', "\\\"");
            is_variable(name).then(|| format!("Environment=\"{name}={value}\""))
        }
        Setting::Unset(name) => is_variable(name).then(|| format!("UnsetEnvironment={name}")),
        Setting::Directive { key, value } => {
            let value = harmless(value)?;
            // Each kind of setting splits and unquotes in its own way; what none of them touches is enough here.
            let plain = !value.contains(|c: char| c.is_whitespace() || ['"', '\'', '\\'].contains(&c));
            let key_is_word = !key.is_empty() && key.bytes().all(|b| b.is_ascii_alphanumeric());
            (plain && key_is_word).then(|| format!("{key}={value}"))
        }
    }
}

/// Text without control characters, its `%` doubled.
fn harmless(value: &RawText) -> Option<String> {
    let text = std::str::from_utf8(value.as_bytes()).ok()?;
    (!text.chars().any(char::is_control)).then(|| text.replace('%', "%%"))
}

fn is_variable(name: &str) -> bool {
    let legal = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    legal && name.bytes().next().is_some_and(|first| !first.is_ascii_digit())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(value: &str) -> Setting {
        Setting::Set { name: "TMPDIR".to_owned(), value: value.into() }
    }

    #[test]
    fn a_value_stays_one_value() {
        assert_eq!(line(&set("/var/tmp/a b")).as_deref(), Some("Environment=\"TMPDIR=/var/tmp/a b\""));
        assert_eq!(line(&set("/t/%n\"x\\")).as_deref(), Some(r#"Environment="TMPDIR=/t/%%n\"x\\""#));
        let unset = Setting::Unset("TMPDIR".to_owned());
        assert_eq!(text(&[unset]).as_deref(), Some("[Service]\nUnsetEnvironment=TMPDIR\n"));
    }

    #[test]
    fn what_could_become_another_setting_gets_no_plan() {
        for value in ["/tmp\nExecStartPre=/bin/sh", "/tmp\r", "/tmp\u{0}", "/tmp\u{1b}[2J", "/tmp\u{85}x"] {
            assert_eq!(line(&set(value)), None, "{value:?}");
        }
        assert_eq!(
            line(&Setting::Set { name: "TMPDIR".to_owned(), value: RawText::new(*b"/tmp/\xff") }),
            None
        );
        assert_eq!(line(&Setting::Unset("A B".to_owned())), None);
        let directive =
            |value: &str| line(&Setting::Directive { key: "ReadWritePaths".to_owned(), value: value.into() });
        assert_eq!(directive("/srv/50%").as_deref(), Some("ReadWritePaths=/srv/50%%"));
        for value in ["/srv/a b", "/srv/\"", "/srv/\\x20"] {
            assert_eq!(directive(value), None, "{value}");
        }
    }
}
