//! `rebind-private-tmp`: a fresh directory in the place of the dead one, while the service runs.

use super::{Card, Remedy, draft};
use crate::model::finding::Finding;
use crate::model::mount::{Mount, MountNamespace};
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::treatment::{Aim, Deed, Rights, Step, Treatment, Whom};

/// See the module's header.
pub struct RebindPrivateTmp;

/// Processes that are named.
const NAMED: usize = 3;

static CARD: Card = Card {
    id: "rebind-private-tmp",
    title: "mount a fresh /tmp into a running service",
    reversible: false,
    verification: "a temp dir is made and removed as a process of the service",
    page: "Makes the directory behind the service's private temp dir anew, under the name that systemd knows where that is \
           free, clones it as a detached mount, enters the service's mount namespace, attaches the clone beneath \
           the dead mount there and detaches exactly that one: the service never sees what lies below. Nothing is restarted; files that are still open in the dead directory stay open.",
};

impl Remedy for RebindPrivateTmp {
    fn card(&self) -> &'static Card {
        &CARD
    }

    fn plan(&self, now: &Snapshot, finding: &Finding) -> Option<Treatment> {
        let (action, Aim::DeadMount { pid, mount_id }) = draft::aim(finding, &CARD)? else { return None };
        let process = now.process(*pid)?;
        // In another root directory the paths of the mount table would be other ones than ours.
        process.root.as_ref().ok().filter(|root| root.path == "/".into() && !root.deleted)?;
        let namespace = now.namespace(*process.mount_ns.as_ref().ok()?)?;
        let mount =
            namespace.mounts.items().iter().find(|mount| mount.id == *mount_id && mount.root_deleted)?;
        let name = name_of(mount)?;
        let whom = Whom { pid: *pid, started: process.started };
        let (point, unit) = (&mount.point, finding.subject.name.as_str());
        let shown = format!("{point}/{name}/tmp");
        let inner = point.join(name.as_bytes()).join(b"tmp").quoted();
        let mut plan = draft::frame(now, finding, action);
        plan.lasts = Some("until the service restarts".to_owned());
        plan.notes = vec![
            format!(
                "Cleaning {point} will not help here: the directory behind the {point} of {unit} is gone."
            ),
            "Re-creating the directory will not help either: the mount holds the old one, not its name."
                .to_owned(),
            seen_meanwhile(now, point),
            "systemd removes the directory when the service stops, as it would have removed the old one."
                .to_owned(),
        ];
        plan.notes.extend(stranded(now, namespace, point));
        plan.steps = vec![
            Step {
                does: format!("make {shown}, {}", Rights::SHARED.shown()),
                by_hand: format!(
                    "install -d -m 0700 {0} && install -d -m 1777 {0}/tmp",
                    point.join(name.as_bytes()).quoted()
                ),
                deed: Deed::MakePrivateTmp { parent: point.clone(), name, rights: Rights::SHARED },
            },
            Step {
                does: format!(
                    "clone it as a detached mount; in the namespace of pid {pid} attach the clone beneath the dead {point}, \
                     and detach that"
                ),
                by_hand: by_hand(*pid, point, &inner),
                deed: Deed::Rebind {
                    whom,
                    point: point.clone(),
                    mount_id: *mount_id,
                    line: mount.line.clone(),
                },
            },
        ];
        Some(plan)
    }
}

/// Whether the kernel can mount beneath a mount (MOVE_MOUNT_BENEATH, Linux 6.5). One that says nothing is taken for new.
fn mounts_beneath(now: &Snapshot) -> bool {
    let release = now.host.value().map(|host| host.kernel.clone()).unwrap_or_default();
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(str::parse::<u32>);
    match (numbers.next(), numbers.next()) {
        (Some(Ok(major)), Some(Ok(minor))) => (major, minor) >= (6, 5),
        _ => true,
    }
}

fn seen_meanwhile(now: &Snapshot, point: &RawPath) -> String {
    if mounts_beneath(now) {
        return format!(
            "By hand, the service sees the machine's own {point} between the two commands; tmpmedic mounts beneath the dead \
             one first."
        );
    }
    format!(
        "This kernel is older than Linux 6.5: between the two calls the service sees what lies below, the machine's own {point}; \
         should tmpmedic be killed there, until it is restarted."
    )
}

/// Processes that stand in the dead directory stay there.
fn stranded(now: &Snapshot, namespace: &MountNamespace, point: &RawPath) -> Option<String> {
    let known = namespace.pids.iter().filter_map(|pid| now.process(*pid));
    let inside = known.filter(|p| p.cwd.as_ref().is_ok_and(|cwd| cwd.deleted && cwd.path.is_below(point)));
    let named: Vec<String> = inside.take(NAMED).map(|p| format!("{} ({})", p.comm.shown(), p.pid)).collect();
    (!named.is_empty()).then(|| {
        let named = named.join(", ");
        format!(
            "The working directory of {named} lies in the dead one and stays dead: only its end mends that."
        )
    })
}

/// mount(8) resolves its source in the namespace that it mounts in, which shows the host's directory as soon as the dead
/// mount is off it.
fn by_hand(pid: u32, point: &RawPath, inner: &str) -> String {
    let point = point.quoted();
    let script = format!("umount -l {point} && mount --bind {inner} {point}");
    format!("nsenter -t {pid} -m sh -c {}", RawPath::from(script.as_str()).quoted())
}

/// `systemd-private-BOOT-UNIT-XXXXXX`, from the root of the mount.
fn name_of(mount: &Mount) -> Option<RawPath> {
    let mut names = mount.root.as_bytes().rsplit(|b| *b == b'/');
    let is_private = |name: &&[u8]| name.starts_with(b"systemd-private-") && name.len() <= 255;
    names.next().filter(|last| *last == b"tmp")?;
    names.next().filter(is_private).map(RawPath::new)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_name_that_systemd_knows() {
        let root = "/tmp/systemd-private-0123-r@1.service-AbCdEf/tmp";
        assert_eq!(name_of(&mount(root)), Some("systemd-private-0123-r@1.service-AbCdEf".into()));
        assert_eq!(name_of(&mount("/srv/x/tmp")), None);
    }

    fn mount(root: &str) -> Mount {
        Mount {
            id: 5,
            parent: 1,
            device: crate::model::mount::Device::default(),
            root: root.into(),
            root_deleted: true,
            point: "/tmp".into(),
            options: "rw".into(),
            propagation: String::new(),
            fs_type: "ext4".into(),
            source: "/dev/vda1".into(),
            super_options: "rw".into(),
            line: "5 1 254:1 …".into(),
            order: 0,
        }
    }

    #[test]
    fn the_command_by_hand_survives_a_shell() {
        assert_eq!(
            by_hand(7, &"/tmp".into(), "/tmp/systemd-private-1-a.service-X/tmp"),
            "nsenter -t 7 -m sh -c 'umount -l /tmp && mount --bind /tmp/systemd-private-1-a.service-X/tmp /tmp'"
        );
    }
}
