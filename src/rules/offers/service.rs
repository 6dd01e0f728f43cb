//! What is offered about a system service: a drop-in, and the restart that reads it.

use super::guide;
use crate::model::finding::{Action, Finding, Risk};
use crate::model::process::Process;
use crate::model::raw_path::RawPath;
use crate::model::treatment::{Aim, Setting};
use crate::rules::party::Party;

/// A drop-in for the service of a process, and a restart: the running jobs die. Scopes and slices take no such settings.
pub fn drop_in(process: &Process, name: &str, (key, value): (&str, &str)) -> Option<Action> {
    let unit = service_of(process)?;
    let setting = format!("{key}={value}");
    let dir = RawPath::from(format!("/etc/systemd/system/{unit}.d").as_str()).quoted();
    let word = RawPath::from(unit).quoted();
    let setting_of_unit = Setting::Directive { key: key.to_owned(), value: value.into() };
    Some(Action {
        id: "set-override".to_owned(),
        title: format!("set {setting} for {unit}, then restart it; its running jobs die"),
        risk: Risk::Interrupts,
        reversible: true,
        by_hand: vec![
            format!("mkdir -p {dir} && printf '[Service]\\n{setting}\\n' > {dir}/{name}.conf"),
            format!("systemctl daemon-reload && systemctl restart {word}"),
        ],
        aim: Some(Aim::DropIn {
            unit: unit.to_owned(),
            name: name.to_owned(),
            settings: vec![setting_of_unit],
        }),
    })
}

/// By a drop-in for a unit, by advice for all others.
pub fn unset_at_source(party: &Party<'_>, name: &str) -> Action {
    if let Some(container) = party.container {
        let id: String = container.id.chars().take(12).collect();
        let look =
            format!("tr '\\0' '\\n' < /proc/{}/environ | grep '^{name}='", party.pid().unwrap_or_default());
        let title = format!("make container {id} anew without {name} in its environment (-e, env_file, ENV)");
        return guide(title, Risk::Interrupts, vec![look]);
    }
    let Some(unit) = service(party) else {
        let title = format!("take {name} out of the file that sets it; in a shell that runs: unset it");
        return guide(title, Risk::None, vec![format!("unset {name}")]);
    };
    let dir = RawPath::from(format!("/etc/systemd/system/{unit}.d").as_str());
    let file = dir.join(b"zz-temp-dir.conf");
    let settings = vec![Setting::Unset(name.to_owned())];
    let aim = Aim::DropIn { unit: unit.to_owned(), name: "zz-temp-dir".to_owned(), settings };
    let unit = RawPath::from(unit).quoted();
    Action {
        id: "set-override".to_owned(),
        title: format!("take {name} away from {unit} by a drop-in, then restart it"),
        risk: Risk::Interrupts,
        reversible: true,
        by_hand: vec![
            format!("systemctl show -p Environment,EnvironmentFiles {unit}"),
            format!("mkdir -p {}", dir.quoted()),
            // UnsetEnvironment= is applied last, so it wins over Environment= and EnvironmentFile= alike: systemd.exec(5).
            format!("printf '[Service]\\nUnsetEnvironment={name}\\n' > {}", file.quoted()),
            format!("systemctl daemon-reload && systemctl restart {unit}"),
        ],
        aim: Some(aim),
    }
}

/// Restarts a system service.
pub fn restart_unit(unit: &str, effect: &str) -> Action {
    Action {
        id: "restart-unit".to_owned(),
        title: format!("restart {unit}: {effect}; its running jobs die"),
        risk: Risk::Interrupts,
        reversible: false,
        by_hand: vec![format!("systemctl restart {}", RawPath::from(unit).quoted())],
        aim: Some(Aim::Unit(unit.to_owned())),
    }
}

/// A drop-in is read by the next start of its service: that is an action of its own, when the jobs allow.
pub fn restart_after_override(finding: &mut Finding) {
    let unit = finding.actions.iter().find_map(|action| match &action.aim {
        Some(Aim::DropIn { unit, .. }) => Some(unit.clone()),
        _ => None,
    });
    if let Some(unit) = unit
        && !finding.actions.iter().any(|action| action.id == "restart-unit")
    {
        finding.actions.push(restart_unit(&unit, "it starts with what its drop-in says by then"));
    }
}

/// The system service of a party; units of user managers and scopes cannot be restarted by `systemctl restart`.
pub fn service<'a>(party: &'a Party<'_>) -> Option<&'a str> {
    party.unit.as_ref().and(party.lead)?.service()
}

/// The same of one process; a container's belongs to its engine.
pub fn service_of(process: &Process) -> Option<&str> {
    process.service()
}
