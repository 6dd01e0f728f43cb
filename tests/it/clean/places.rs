//! Where a clean-up works: places that others rule are refused, full ones are not.

use super::scene;
use crate::needs;

#[test]
fn places_from_which_others_could_take_it_away_and_read_only_ones_are_refused() {
    needs!("unshare");
    let said = scene(
        "builds go-build1; echo 'read_only = true' > /mnt/site",
        &[
            "tm clean /tmp --older-than 0s --apply --read-only",
            "tm clean /tmp --older-than 0s --apply --config /mnt/site",
            "tm undo --config /mnt/site",
            "tm purge --read-only",
            "chmod 777 /tmp; tm clean /tmp --older-than 0s --apply",
            "chmod 1777 /tmp; mount -o remount,ro /tmp; tm clean /tmp --older-than 0s --apply",
            "mount -o remount,rw /tmp; tm clean /etc --older-than 0s --apply",
            "ln -s /tmp /mnt/link; tm clean /mnt/link --older-than 0s --apply",
            "tm clean /tmp --older-than 0s --apply --delete",
            "flock /var/lib/tmpmedic/lock tmpmedic --version >/dev/null 2>&1; exec 8>/var/lib/tmpmedic/lock; flock 8; \
             /mnt/bin/tmpmedic clean /tmp --older-than 0s --apply 8>&-",
            "exec 8>&-; ls /tmp",
        ],
    );
    for said in &said[..4] {
        said.ends(77);
    }
    said[1].says("read_only = true");
    said[4].ends(2);
    said[4].says("no sticky bit");
    said[4].says("chmod 1777 /tmp");
    said[5].ends(2);
    said[5].says("Read-only file system");
    said[6].ends(64);
    said[7].ends(64);
    said[7].says("symbolic link");
    said[8].ends(64);
    said[8].says("--yes");
    said[9].ends(75);
    said[9].says("another tmpmedic is at work");
    assert!(said[10].text.contains("go-build1"), "{}", said[10].text);
}

#[test]
fn without_a_place_for_the_journal_nothing_is_done_unless_undo_is_given_up() {
    needs!("unshare", "setpriv");
    let said = scene(
        "builds go-build1 go-build2; mount -o remount,ro /var/lib; mount -o remount,ro /run; chown -R 1000:1000 /tmp/go-build2",
        &[
            "tm clean /tmp --older-than 0s --apply",
            "count",
            "user HOME=/nonexistent /mnt/bin/tmpmedic clean /tmp --older-than 0s --assume-unheld --apply",
            "tm clean /tmp --older-than 0s --owner root --apply --no-undo",
            "count; aside",
        ],
    );
    said[0].ends(2);
    said[0].says("--no-undo");
    said[0].says("/var/lib/tmpmedic");
    assert_eq!(said[1].text, "2");
    said[2].ends(77);
    said[3].ends(0);
    said[3].says("No journal was written");
    assert_eq!(said[4].text, "1\n1");
}

#[test]
fn a_full_disk_and_the_last_inode_are_no_trouble_where_a_quarantine_is() {
    needs!("unshare");
    let said = scene(
        "mount -t tmpfs -o mode=1777,size=1m,nr_inodes=30 lab /tmp",
        &[
            "builds go-build1; while mkdir /tmp/go-build2$((n=n+1)) 2>/dev/null; do :; done; tm clean /tmp --older-than 0s --apply",
            "df --output=iavail /tmp | tail -1; count",
            "rmdir /tmp/go-build21; tm clean /tmp --older-than 0s --apply; tm undo",
            "mkdir /tmp/go-build3$((m=m+1)) 2>/dev/null; df --output=iavail /tmp | tail -1; tm clean /tmp --older-than 0s --apply",
            "tm purge --older-than 0s --yes; df --output=iavail /tmp | tail -1",
            "fill /tmp; builds go-build9; ls -ld /tmp/go-build9; df --output=avail /tmp | tail -1",
            "tm clean /tmp --older-than 0s --family other --apply --delete --yes; df --output=avail /tmp | tail -1",
        ],
    );
    said[0].ends(2);
    said[0].says("not even a directory can be made");
    assert!(said[1].text.trim().starts_with('0'), "{}", said[1].text);
    said[2].ends(0);
    assert!(said[3].text.trim().starts_with('0'), "no inode is left: {}", said[3].text);
    said[3].ends(0);
    said[3].says("put aside");
    let free: u64 = said[4].text.lines().last().unwrap().trim().parse().unwrap();
    assert!(free > 20, "{}", said[4].text);
    assert!(said[5].text.lines().last().unwrap().trim() == "0", "the disk is full: {}", said[5].text);
    let free: u64 = said[6].text.lines().last().unwrap().trim().parse().unwrap();
    assert!(free > 900, "{}", said[6].text);
}

#[test]
fn a_known_quarantine_is_refused_as_well_where_everybody_may_rename() {
    needs!("unshare");
    let said = scene(
        "builds go-build1; tm clean /tmp --older-than 0s --apply > /mnt/log; chmod 0777 /tmp; builds go-build2",
        &["tm clean /tmp --older-than 0s --apply", "count", "tm undo"],
    );
    said[0].ends(2);
    said[0].says("no sticky bit");
    assert_eq!(said[1].text, "1");
    said[2].ends(0);
}
