//! Actions that several rules offer, their commands made concrete with unit, process and path.

use crate::model::finding::{Action, Risk};
use crate::model::process::Container;
use crate::model::raw_path::RawPath;
use crate::rules::party::Party;
use crate::rules::spot::Spot;

/// Restarts the unit of a party, or tells how to make its container anew; nothing where it has neither.
pub fn restart(party: &Party<'_>, effect: &str) -> Option<Action> {
    if let Some(container) = party.container {
        let commands = recreate(container)?;
        return Some(guide(&format!("make the container anew: {effect}"), Risk::Interrupts, commands));
    }
    let unit = service(party)?;
    Some(Action {
        id: "restart-unit".to_owned(),
        title: format!("restart {unit}: {effect}; its running jobs die"),
        risk: Risk::Interrupts,
        reversible: false,
        by_hand: vec![format!("systemctl restart {}", RawPath::from(unit).quoted())],
    })
}

/// The system service of a party; units of user managers and scopes cannot be restarted by `systemctl restart`.
pub fn service<'a>(party: &'a Party<'_>) -> Option<&'a str> {
    let unit = party.unit.as_deref().filter(|unit| unit.ends_with(".service"))?;
    let cgroup = party.lead.and_then(|p| p.cgroup.as_ref().ok());
    let of_user = cgroup.is_some_and(|c| c.as_bytes().windows(11).any(|w| w == b"/user.slice"));
    (!of_user).then_some(unit)
}

fn recreate(container: &Container) -> Option<Vec<String>> {
    let name = container.name.clone().unwrap_or_else(|| container.id.chars().take(12).collect());
    let name = RawPath::from(name.as_str()).quoted();
    let (look, again) = match container.engine.as_str() {
        engine @ ("docker" | "podman") => {
            let look = format!(
                "{engine} inspect -f '{{{{range .Mounts}}}}{{{{println .Source .Destination}}}}{{{{end}}}}' {name}"
            );
            (look, format!("{engine} restart {name}"))
        }
        "containerd" => (format!("nerdctl inspect {name}"), format!("nerdctl restart {name}")),
        "kubernetes" => (format!("crictl inspect {name}"), format!("crictl stop {name}")),
        "nspawn" => (format!("machinectl status {name}"), format!("machinectl reboot {name}")),
        "lxc" => (format!("lxc-info -n {name}"), format!("lxc-stop -n {name} -r")),
        _ => return None,
    };
    Some(vec![look, again])
}

/// An action that tmpmedic only describes.
pub fn guide(title: &str, risk: Risk, by_hand: Vec<String>) -> Action {
    Action { id: "guide-only".to_owned(), title: title.to_owned(), risk, reversible: false, by_hand }
}

/// Makes a directory so that the users of the spot can write there.
pub fn make_temp_dir(spot: &Spot<'_>, path: &RawPath) -> Action {
    let who = &spot.vantage.credentials;
    let alone = spot.party.pids.len() == 1 || spot.party.unit.is_some() || spot.party.container.is_some();
    // One user gets a directory of its own; a shared one needs the mode of /tmp.
    let (rights, of) = if alone && who.uid != 0 && *path != "/tmp".into() {
        (format!("-m 0700 -o {} -g {}", who.uid, who.gid), format!(" for {}", who.shown()))
    } else {
        ("-m 1777 -o root -g root".to_owned(), String::new())
    };
    Action {
        id: "make-temp-dir".to_owned(),
        title: format!("make {}{of}; whoever removed it may do so again", path.shown()),
        risk: Risk::None,
        reversible: true,
        by_hand: vec![format!("install -d {rights} {}", spot.reached(path).quoted())],
    }
}

/// Takes a variable away from a party: by a drop-in for a unit, by advice for all others.
pub fn unset(party: &Party<'_>, name: &str) -> Action {
    if let Some(container) = party.container {
        let id: String = container.id.chars().take(12).collect();
        let look =
            format!("tr '\\0' '\\n' < /proc/{}/environ | grep '^{name}='", party.pid().unwrap_or_default());
        let title = format!("make container {id} anew without {name} in its environment (-e, env_file, ENV)");
        return guide(&title, Risk::Interrupts, vec![look]);
    }
    let Some(unit) = service(party) else {
        let title = format!("take {name} out of the file that sets it; in a shell that runs: unset it");
        return guide(&title, Risk::None, vec![format!("unset {name}")]);
    };
    let dir = RawPath::from(format!("/etc/systemd/system/{unit}.d").as_str());
    let file = dir.join(b"zz-temp-dir.conf");
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
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rules::stage::Stage;
    use std::collections::BTreeSet;

    fn party(stage: &Stage) -> Party<'_> {
        Party::all_of(&stage.now, &BTreeSet::from([41])).remove(0)
    }

    #[test]
    fn offers_a_drop_in_for_a_system_service_only() {
        let stage = Stage::healthy().runner(41, "r@1.service");
        assert_eq!(unset(&party(&stage), "TMPDIR").id, "set-override");
        let user = stage.change(41, |p| p.cgroup = Ok("0::/user.slice/user-1000.slice/r@1.service".into()));
        assert_eq!(unset(&party(&user), "TMPDIR").id, "guide-only");
        assert!(restart(&party(&user), "fresh").is_none());
    }

    #[test]
    fn names_the_engine_of_a_container() {
        let stage = Stage::healthy().runner(41, "r@1.service").change(41, |p| {
            p.container =
                Some(Container { engine: "docker".into(), id: "3f2a91c04b7d99".into(), name: None });
        });
        let action = restart(&party(&stage), "fresh").unwrap();
        assert!(action.by_hand[0].contains("{{println .Source .Destination}}"), "{:?}", action.by_hand);
        assert_eq!(action.by_hand[1], "docker restart 3f2a91c04b7d");
    }
}
