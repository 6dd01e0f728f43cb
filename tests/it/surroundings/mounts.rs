//! What mounts claim, in every mount namespace, and the files and layers behind them.

use super::Seen;
use crate::needs;

#[test]
fn holds_and_mounts_of_other_mount_namespaces_are_found() {
    needs!("unshare", "setpriv");
    let seen = Seen::at(
        r"
        mkdir -p /tmp/bound/tmp /tmp/point/deep /tmp/inside /tmp/own /tmp/named /mnt/inner /mnt/host-tmp
        apart 'mount --bind /tmp/bound/tmp /mnt/inner'; say bound
        apart 'mount -t tmpfs x /tmp/point/deep'; say point
        apart 'mount --bind /tmp /mnt/host-tmp; mount -t tmpfs -o mode=1777 x /tmp; cd /mnt/host-tmp/inside'; say inside
        apart 'mount --bind /tmp /mnt/host-tmp; mount -t tmpfs -o mode=1777 x /tmp' TMPDIR=/mnt/host-tmp/named; say named
        apart 'mount -t tmpfs -o mode=1777 x /tmp; mkdir /tmp/own; cd /tmp/own' TMPDIR=/tmp/own; say own
        ",
    );
    seen.claims("bound", "bind-source", Some("bound"));
    seen.claims("point", "mount-point", Some("point"));
    seen.claims("inside", "cwd", Some("inside"));
    seen.claims("named", "variable", Some("named"));
    seen.leaves("own");
    seen.has_no_gap();
}

#[test]
fn a_mount_namespace_without_processes_still_speaks() {
    needs!("unshare", "setpriv");
    let seen = Seen::at(
        r"
        mkdir -p /tmp/bound /mnt/inner
        kept 'mount --bind /tmp/bound /mnt/inner'
        ",
    );
    seen.claims("bound", "bind-source", None);
    seen.has_no_gap();
}

#[test]
fn a_namespace_that_only_descriptors_keep_still_speaks() {
    needs!("unshare", "setpriv");
    let seen = Seen::at(
        r"
        mkdir /tmp/bound /tmp/free /mnt/inner
        apart 'mount --bind /tmp/bound /mnt/inner'; sleep 600 7</proc/$pid/ns/mnt </dev/null >/dev/null 2>&1 & keeper=$!
        became sleep $keeper; kill $pid; wait $pid || true
        ",
    );
    seen.claims("bound", "bind-source", None);
    seen.leaves("free");
    seen.has_no_gap();
}

#[test]
fn a_namespace_in_which_everybody_has_another_root_is_seen_in_full() {
    needs!("unshare", "setpriv", "chroot");
    let seen = Seen::at(
        r"
        mkdir -p /tmp/bound /tmp/free /mnt/inner /mnt/below/bin /mnt/below/mnt
        cp /mnt/bin/busybox /mnt/below/bin/sleep 2>/dev/null || mount --rbind / /mnt/below
        unshare --mount --propagation private sh -euc 'mount --bind /tmp/bound /mnt/inner; exec chroot /mnt/below sleep 600' </dev/null >/dev/null 2>&1 &
        pid=$!; became sleep $pid; say below
        umount -l /mnt/below
        ",
    );
    seen.claims("bound", "bind-source", Some("below"));
    seen.leaves("free");
}

#[test]
fn files_behind_loop_devices_layers_and_exclusions_are_found() {
    needs!("unshare", "setpriv", "mkfs.ext4");
    let seen = Seen::at(
        r"
        mkdir /tmp/image /tmp/low /tmp/up /tmp/work /mnt/merged /tmp/excluded-1 /tmp/plain
        truncate -s 8M /tmp/image/x; mkfs.ext4 -q -F /tmp/image/x; mkdir /mnt/disk; mount -o loop /tmp/image/x /mnt/disk
        mount -t overlay x -o lowerdir=/tmp/low,upperdir=/tmp/up,workdir=/tmp/work /mnt/merged
        mkdir /run/tmpfiles.d; echo 'x /tmp/excluded*' >/run/tmpfiles.d/test.conf
        ",
    );
    seen.claims("image", "loop-file", None);
    for layer in ["low", "up", "work"] {
        seen.claims(layer, "overlay-layer", None);
    }
    seen.claims("excluded-1", "tmpfiles", None);
    seen.leaves("plain");
    seen.has_no_gap();
}
