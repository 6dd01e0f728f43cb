//! Mounts of any namespace that stand on an entry: on it as a mount point, from it as a source, through it as a layer.
//!
//! Removing the source kills the mount for those who live in it, and removing a mount point of another namespace silently
//! unmounts what is there. Pure: mount tables in, claims out.

use std::collections::BTreeMap;

use super::Scene;
use super::claims::Claims;
use super::ground::Ground;
use crate::collect::sightings::moved;
use crate::model::mount::{Mount, MountNamespace};
use crate::model::process::Pid;
use crate::model::raw_path::RawPath;
use crate::model::surroundings::ClaimKind;

/// Options of an overlay that name layers. Source: the kernel's Documentation/filesystems/overlayfs.
const LAYERS: &[&[u8]] = &[b"lowerdir", b"lowerdir+", b"datadir+", b"upperdir", b"workdir"];

/// Looks through all tables.
pub fn look(scene: &Scene<'_>, claims: &mut Claims) {
    for namespace in scene.namespaces {
        of_namespace(namespace, scene.ground, claims);
    }
}

/// Looks through one.
pub fn of_namespace(namespace: &MountNamespace, ground: &Ground, claims: &mut Claims) {
    // In our own namespace nobody in particular stands behind a mount.
    let pid: Option<Pid> = (!namespace.ours && namespace.witness != 0).then_some(namespace.witness);
    let by_id: BTreeMap<u64, &Mount> = namespace.mounts.items().iter().map(|m| (m.id, m)).collect();
    for mount in namespace.mounts.items() {
        let shown = if mount.line.is_empty() { &mount.point } else { &mount.line };
        if let Some(inside) = by_id.get(&mount.parent).and_then(|parent| point_inside(mount, parent, ground))
            && let Some(entry) = ground.entry_inside(&inside)
        {
            claims.add(entry.name, ClaimKind::MountPoint, pid, shown);
        }
        if mount.device == ground.device
            && !mount.root_deleted
            && let Some(entry) = ground.entry_inside(&mount.root)
        {
            claims.add(entry.name, ClaimKind::BindSource, pid, shown);
        }
        if mount.fs_type == "overlay" {
            for layer in layers(mount.super_options.as_bytes()) {
                if let Some(entry) = ground.entry_anywhere(layer.as_bytes()) {
                    claims.add(entry.name, ClaimKind::OverlayLayer, pid, &layer);
                }
            }
        }
    }
}

/// Where a mount point lies on the file system of the mount that it sits on; hidden or not.
fn point_inside(mount: &Mount, parent: &Mount, ground: &Ground) -> Option<RawPath> {
    let named = parent.device == ground.device && !parent.root_deleted;
    named.then(|| moved(&mount.point, &parent.point, &parent.root)).flatten()
}

/// The layers that the options of an overlay name.
///
/// Whoever mounts writes `\:` for a `:` in a path; the kernel then writes `\` and some other bytes as `\NNN`.
fn layers(options: &[u8]) -> Vec<RawPath> {
    let mut found = Vec::new();
    for option in options.split(|b| *b == b',') {
        let mut parts = option.splitn(2, |b| *b == b'=');
        let (Some(name), Some(value)) = (parts.next(), parts.next()) else { continue };
        if LAYERS.contains(&name) {
            found.extend(paths(value));
        }
    }
    found
}

fn paths(mut rest: &[u8]) -> Vec<RawPath> {
    let mut found = vec![Vec::new()];
    while let Some((first, tail)) = rest.split_first() {
        rest = tail;
        let digits = tail.get(..3).filter(|d| *first == b'\\' && d.iter().all(|b| (b'0'..=b'7').contains(b)));
        let code = digits.and_then(|d| u8::from_str_radix(std::str::from_utf8(d).ok()?, 8).ok());
        let byte = match code {
            Some(code) => {
                rest = tail.get(3..).unwrap_or_default();
                code
            }
            None if *first == b':' => {
                found.push(Vec::new());
                continue;
            }
            None => *first,
        };
        // Escaped by the mounter: the byte behind it stands for itself.
        let escaped = rest.first().filter(|next| byte == b'\\' && matches!(next, b':' | b',')).copied();
        if escaped.is_some() {
            rest = rest.get(1..).unwrap_or_default();
        }
        if let Some(path) = found.last_mut() {
            path.push(escaped.unwrap_or(byte));
        }
    }
    found.into_iter().filter(|path| !path.is_empty()).map(RawPath::new).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::collect::specimen::{self, mount};
    use crate::model::mount::Device;
    use crate::model::units::WallNanos;

    const OTHER: Device = Device { major: 0, minor: 50 };

    /// What the mounts of another namespace claim of the host's /tmp.
    fn claimed(others: Vec<Mount>) -> Vec<(String, ClaimKind, Option<Pid>)> {
        let host = specimen::namespace(1, &[1], vec![]);
        let mut other = specimen::namespace(2, &[7], others);
        other.mounts.value_mut().unwrap()[0] = Mount { device: OTHER, ..mount(50, "/", b"/", "ext4") };
        let all = [host, other];
        let device = Device { major: 254, minor: 1 };
        let ground = Ground::new(&all[0].mounts.items()[0].clone(), "/tmp".into(), device, &all);
        let mut claims = Claims::default();
        for namespace in &all {
            of_namespace(namespace, &ground, &mut claims);
        }
        let found = claims.into_surroundings(WallNanos(0), WallNanos(0)).claims;
        let flat = found.into_iter().flat_map(|(name, all)| all.into_iter().map(move |c| (name.shown(), c)));
        flat.map(|(name, claim)| (name, claim.kind, claim.pid)).collect()
    }

    fn on(parent: u64, mount: Mount) -> Mount {
        Mount { parent, ..mount }
    }

    #[test]
    fn the_source_of_a_mount_elsewhere_is_claimed() {
        let private = on(50, mount(9, "/tmp/systemd-private-x/tmp", b"/tmp", "ext4"));
        let expected = [("systemd-private-x".to_owned(), ClaimKind::BindSource, Some(7))];
        assert_eq!(claimed(vec![private.clone()]), expected);
        assert_eq!(claimed(vec![Mount { root_deleted: true, ..private.clone() }]), []);
        assert_eq!(claimed(vec![Mount { device: OTHER, ..private }]), [], "the same path elsewhere");
        assert_eq!(claimed(vec![on(50, mount(9, "/tmpx/a", b"/a", "ext4"))]), []);
        assert_eq!(claimed(vec![on(50, mount(9, "/tmp", b"/tmp", "ext4"))]), [], "the directory itself");
    }

    #[test]
    fn a_mount_point_of_another_namespace_is_claimed_even_where_a_mount_hides_it() {
        let seen = on(50, mount(9, "/tmp", b"/host-tmp", "ext4"));
        let point = on(9, Mount { device: OTHER, ..mount(10, "/", b"/host-tmp/job/disk", "tmpfs") });
        let hidden = on(9, Mount { device: OTHER, ..mount(11, "/", b"/host-tmp", "tmpfs") });
        let expected = [("job".to_owned(), ClaimKind::MountPoint, Some(7))];
        assert_eq!(claimed(vec![seen.clone(), point.clone()]), expected);
        assert_eq!(claimed(vec![seen.clone(), point, hidden]), expected);
        let elsewhere = on(50, Mount { device: OTHER, ..mount(10, "/", b"/tmp/job", "tmpfs") });
        assert_eq!(claimed(vec![seen, elsewhere]), [], "in a /tmp of its own");
    }

    #[test]
    fn layers_of_an_overlay_are_claimed() {
        let mut overlay = on(50, Mount { device: OTHER, ..mount(9, "/", b"/merged", "overlay") });
        overlay.super_options = "rw,lowerdir=/l:/tmp/low,upperdir=/tmp/up/diff,workdir=/tmp/w\\040k".into();
        let names: Vec<String> = claimed(vec![overlay]).into_iter().map(|(name, ..)| name).collect();
        assert_eq!(names, ["low", "up", "w k"]);
    }

    #[test]
    fn lower_layers_are_told_apart_by_colons_that_nobody_escaped() {
        let texts = |options: &[u8]| layers(options).iter().map(RawPath::shown).collect::<Vec<_>>();
        assert_eq!(texts(br"ro,lowerdir=/a\134:b:/c::/d,xino=off"), ["/a:b", "/c", "/d"]);
        assert_eq!(texts(br"lowerdir=/a\072b,lowerdir+=/e,datadir+=/f"), ["/a:b", "/e", "/f"]);
        assert_eq!(texts(b"rw,upperdir,workdir="), [""; 0]);
    }

    proptest! {
        #[test]
        fn never_panics(options: Vec<u8>) {
            layers(&options);
        }
    }
}
