//! Actions that several rules offer, their commands made concrete with unit, process and path.
//!
//! Each is a title, its risk, what to paste, and what a remedy would do it to; the rule itself does nothing.

use crate::model::finding::{Action, Finding, Risk};
use crate::model::process::{Container, Pid, Process};
use crate::model::raw_path::RawPath;
use crate::model::treatment::{Aim, Rights, Setting};
use crate::rules::cohort::Cohort;
use crate::rules::party::{Party, Servers};
use crate::rules::spot::Spot;
use crate::rules::{builds, place};

/// Commands for a person to run after thinking; tmpmedic runs none of them.
pub fn guide(title: impl Into<String>, risk: Risk, by_hand: Vec<String>) -> Action {
    Action { id: "guide-only".to_owned(), title: title.into(), risk, reversible: false, by_hand, aim: None }
}

/// The same, where it can be taken back.
pub fn guide_back(title: impl Into<String>, risk: Risk, by_hand: Vec<String>) -> Action {
    Action { reversible: true, ..guide(title, risk, by_hand) }
}

/// Looking through what is idle in a temp dir.
///
/// The commands list and do not remove: a directory's own stamps say nothing about what is written deep inside it, and
/// `rm -r` walks into bind mounts of the same file system.
pub fn clean(dir: &RawPath) -> Action {
    let dir = dir.quoted();
    Action {
        id: "clean".to_owned(),
        title: format!("remove idle temp entries in {dir} that nobody holds; first look at what is idle"),
        risk: Risk::RemovesData,
        reversible: true,
        by_hand: vec![
            format!(
                "find {dir} -xdev -mindepth 1 -maxdepth 1 -amin +1440 -mmin +1440 -cmin +1440 ! -name 'systemd-private-*' -printf '%TF %u %p\\n' | sort"
            ),
            format!("du -xh --max-depth=1 {dir} | sort -h | tail -n 20"),
        ],
        aim: None,
    }
}

/// Finding out what fills a file system.
pub fn find_what_fills(cohort: &Cohort<'_>) -> Action {
    let point = cohort.mount().map_or_else(|| cohort.path(), |m| m.point.clone());
    let top = place::reach(cohort.now, cohort.lead, &point).quoted();
    guide(
        "find what fills the file system; deleted files that are still open do not show in du",
        Risk::None,
        vec![
            format!("du -xh --max-depth=3 {top} 2>/dev/null | sort -h | tail -n 30"),
            "journalctl --disk-usage; command -v docker >/dev/null && docker system df".to_owned(),
        ],
    )
}

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

/// `mount -o remount,OPTION` of a mount point as a process sees it.
pub fn remount(pid: Pid, point: &RawPath, option: &str) -> String {
    format!("nsenter -t {pid} -m mount -o remount,{option} {}", point.quoted())
}

/// Restarts the unit of a party, or tells how to make its container anew; servers that a job has started end alone. Nothing
/// where that is not known.
pub fn restart(party: &Party<'_>, effect: &str) -> Vec<Action> {
    if let Some(container) = party.container {
        let anew = |commands| guide(format!("make the container anew: {effect}"), Risk::Interrupts, commands);
        return recreate(container).map(anew).into_iter().collect();
    }
    let unit = service(party).map(|unit| restart_unit(unit, effect));
    unit.into_iter().chain(restart_daemon(party)).collect()
}

/// Ends the server of a party that has nobody else; the next client starts it again, in its own view and environment.
fn restart_daemon(party: &Party<'_>) -> Option<Action> {
    party.lead.filter(|_| party.servers() != Servers::No).map(stop)
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

/// Ends a process. One that clients start again when they need it (a compiler cache, a build daemon) loses nothing but the
/// work that it does now.
pub fn stop(process: &Process) -> Action {
    let on_demand = builds::is_on_demand(process);
    let (pid, name) = (process.pid, process.comm.shown());
    let (id, title) = if on_demand {
        (
            "restart-daemon",
            format!("stop {name} (pid {pid}); the next build starts it again, what it does now fails once"),
        )
    } else {
        ("stop-process", format!("end {name} (pid {pid}); what it does now is lost"))
    };
    Action {
        id: id.to_owned(),
        title,
        risk: Risk::Interrupts,
        reversible: false,
        by_hand: vec![format!("kill {pid}   # {name}")],
        aim: Some(Aim::Process(pid)),
    }
}

/// Looks at a container and removes it with what it wrote, in the words of its engine; only a look where that is not known.
pub fn remove(container: &Container) -> Vec<String> {
    let name = name_of(container);
    match container.engine.as_str() {
        engine @ ("docker" | "podman") => {
            vec![format!("{engine} inspect {name}"), format!("{engine} rm -f {name}")]
        }
        "containerd" => vec![format!("nerdctl inspect {name}"), format!("nerdctl rm -f {name}")],
        "kubernetes" => vec![format!("crictl inspect {name}"), format!("crictl rm -f {name}")],
        "nspawn" => vec![format!("machinectl status {name}")],
        "lxc" => vec![format!("lxc-info -n {name}")],
        _ => vec![format!("ps -o pid,lstart,cgroup,args -e | grep -F {name}")],
    }
}

fn name_of(container: &Container) -> String {
    let name = container.name.clone().unwrap_or_else(|| container.id.chars().take(12).collect());
    RawPath::from(name.as_str()).quoted()
}

fn recreate(container: &Container) -> Option<Vec<String>> {
    let name = name_of(container);
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

/// Makes a directory so that the users of the spot can write there.
pub fn make_temp_dir(spot: &Spot<'_>, path: &RawPath) -> Action {
    let who = &spot.vantage.credentials;
    let alone = spot.party.pids.len() == 1 || spot.party.unit.is_some() || spot.party.container.is_some();
    // One user gets a directory of its own; a shared one needs the mode of /tmp.
    let (rights, of) = if alone && who.uid != 0 && *path != "/tmp".into() {
        (Rights { mode: 0o700, uid: who.uid, gid: who.gid }, format!(" for {}", who.shown()))
    } else {
        (Rights::SHARED, String::new())
    };
    let by_hand = match rights {
        Rights::SHARED => "-m 1777 -o root -g root".to_owned(),
        Rights { mode, uid, gid } => format!("-m {mode:04o} -o {uid} -g {gid}"),
    };
    Action {
        id: "make-temp-dir".to_owned(),
        title: format!("make {}{of}; whoever removed it may do so again", path.shown()),
        risk: Risk::None,
        reversible: true,
        by_hand: vec![format!("install -d {by_hand} {}", spot.reached(path).quoted())],
        aim: Some(Aim::Directory { by: spot.pid(), path: path.clone(), rights }),
    }
}

/// Takes a variable away from a party. Servers that a job has started hold that job's: they end.
pub fn unset(party: &Party<'_>, name: &str) -> Vec<Action> {
    let daemon = restart_daemon(party).filter(|_| party.servers() == Servers::Beside);
    // Of another unit than theirs is what they hold.
    let elsewhere = daemon.is_some() && party.lead.is_some_and(|lead| lead.unit.is_some());
    daemon.into_iter().chain((!elsewhere).then(|| unset_at_source(party, name))).collect()
}

/// By a drop-in for a unit, by advice for all others.
fn unset_at_source(party: &Party<'_>, name: &str) -> Action {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::process::{Role, RoleKind};
    use crate::rules::stage::Stage;
    use std::collections::BTreeSet;

    fn party(stage: &Stage) -> Party<'_> {
        Party::all_of(&stage.now, &BTreeSet::from([41])).remove(0)
    }

    #[test]
    fn offers_a_drop_in_for_a_system_service_only() {
        let stage = Stage::healthy().runner(41, "r@1.service");
        assert_eq!(unset(&party(&stage), "TMPDIR")[0].id, "set-override");
        let user = stage.change(41, |p| p.cgroup = Ok("0::/user.slice/user-1000.slice/r@1.service".into()));
        assert_eq!(unset(&party(&user), "TMPDIR")[0].id, "guide-only");
        assert_eq!(restart(&party(&user), "fresh"), []);
    }

    #[test]
    fn a_job_cannot_have_another_service_restarted_by_the_name_of_its_cgroup() {
        let stage = Stage::healthy().runner(41, "ssh.service").change(41, |p| {
            p.cgroup =
                Ok("0::/system.slice/system-r.slice/r@1.service/job/system.slice/ssh.service\n".into());
        });
        let aim = |actions: Vec<Action>| actions.into_iter().next()?.aim;
        assert_eq!(aim(restart(&party(&stage), "fresh")), Some(Aim::Unit("r@1.service".into())));
        let Some(Aim::DropIn { unit, .. }) = aim(unset(&party(&stage), "TMPDIR")) else {
            panic!("no drop-in")
        };
        assert_eq!(unit, "r@1.service");
    }

    #[test]
    fn a_server_with_the_environment_of_an_old_job_ends_and_starts_with_that_of_the_next() {
        let ids =
            |stage: &Stage| unset(&party(stage), "TMPDIR").into_iter().map(|a| a.id).collect::<Vec<_>>();
        let server = Role { id: "x".into(), kind: RoleKind::CacheServer, title: "x".into() };
        let stage = Stage::healthy().runner(41, "r@1.service").change(41, |p| p.role = Some(server));
        assert_eq!(ids(&stage), ["set-override"], "its unit may set it");
        let outside = stage.change(41, |p| p.unit = None);
        assert_eq!(ids(&outside), ["restart-daemon", "guide-only"]);
        let beside = outside.change(41, |p| p.unit = Some("r@1.service".into())).runner(42, "r@1.service");
        assert_eq!(ids(&beside), ["restart-daemon"], "the others of its unit hold another value");
    }

    #[test]
    fn names_the_engine_of_a_container() {
        let stage = Stage::healthy().runner(41, "r@1.service").change(41, |p| {
            p.container =
                Some(Container { engine: "docker".into(), id: "3f2a91c04b7d99".into(), name: None });
        });
        let action = restart(&party(&stage), "fresh").remove(0);
        assert!(action.by_hand[0].contains("{{println .Source .Destination}}"), "{:?}", action.by_hand);
        assert_eq!(action.by_hand[1], "docker restart 3f2a91c04b7d");
    }
}
