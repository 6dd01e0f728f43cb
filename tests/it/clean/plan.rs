//! A plan says exactly what goes, and is carried out as it is or not at all.

use super::{paths, scene, verdict};
use crate::needs;

#[test]
fn what_was_planned_is_exactly_what_goes_and_undo_gives_the_same_tree_back() {
    needs!("unshare", "setpriv");
    let said = scene(
        "builds go-build1 go-build2 go-build3; echo kept > /tmp/.testnet_password; mkdir /tmp/own
         ln -s /etc/passwd /tmp/go-build3/link; mkfifo /tmp/go-build3/pipe; chmod 555 /tmp/go-build2/b001
         touch -d 2001-02-03 /tmp/go-build2/b001/exe/a.out; chown 1000:1000 /tmp/go-build1/b001",
        &[
            "tree",
            "tm clean --older-than 0s --json > /mnt/plan; rc=$?; cat /mnt/plan; (exit $rc)",
            "tm clean --apply --plan /mnt/plan --json",
            "tree",
            "tm journal --json",
            "tm undo",
            "tree",
            "tm undo",
        ],
    );
    let plan = said[1].json();
    said[1].ends(0);
    assert_eq!(plan["schema"], "tmpmedic.plan/1");
    assert_eq!(plan["totals"]["remove"], 3);
    let done = said[2].json();
    said[2].ends(0);
    assert_eq!(done["digest"], plan["digest"]);
    assert_eq!(paths(&done["works"][0]["taken"]), verdict(&plan, "remove"));
    assert!(
        said[3].text.contains(".testnet_password") && !said[3].text.contains("go-build"),
        "{}",
        said[3].text
    );
    let journal = said[4].json();
    assert_eq!(journal["entries"][0]["digest"], plan["roots"][0]["digest"]);
    assert_eq!(journal["entries"][0]["steps"].as_array().unwrap().len(), 3);
    assert_eq!(journal["entries"][0]["after"][0]["probe"], "yes");
    said[5].ends(0);
    assert_eq!(said[6].text, said[0].text, "inode, owner, mode, size, links, times and targets are the same");
    said[7].ends(2);
    said[7].says("nothing that was done can be taken back");
}

#[test]
fn without_apply_no_call_that_changes_anything_is_made() {
    needs!("unshare", "strace");
    let calls = "mkdir,mkdirat,rmdir,unlink,unlinkat,rename,renameat,renameat2,link,linkat,symlink,symlinkat,mknod,mknodat,\
                 creat,truncate,ftruncate,chmod,fchmod,fchmodat,chown,fchown,lchown,fchownat,utimensat,setxattr,lsetxattr,\
                 fsetxattr,removexattr,mount,umount2,fallocate,pwrite64,pwritev,sendfile,copy_file_range,kill,tgkill";
    let said = scene(
        "builds go-build1 go-build2; tree > /mnt/before",
        &[
            &format!(
                "strace -f -qq -o /mnt/trace -e signal=none -e trace={calls},open,openat,openat2 /mnt/bin/tmpmedic clean --older-than 0s"
            ),
            "grep -vE 'ENOSYS|O_RDONLY|O_PATH' /mnt/trace; grep -E 'O_(WRONLY|RDWR|CREAT|TRUNC)' /mnt/trace; true",
            "tree | cmp - /mnt/before; ls /run /var/lib",
        ],
    );
    said[0].says("2 of 2 entries can go");
    assert_eq!(said[1].text, "", "calls that change something");
    said[2].ends(0);
    assert!(!said[2].text.contains("tmpmedic"), "no state is made: {}", said[2].text);
}

#[test]
fn a_plan_runs_exactly_as_it_is_or_not_at_all() {
    needs!("unshare");
    let said = scene(
        "builds go-build1 go-build2; tm clean --older-than 0s --json > /mnt/plan
         sed 's/\"boot_id\":\"[^\"]*\"/\"boot_id\":\"another\"/' /mnt/plan > /mnt/boot
         for key in digest seal; do sed 's/\"'$key'\":\"...../\"'$key'\":\"00000/g' /mnt/plan > /mnt/$key; done
         sed 's/go-build1/go-build9/g' /mnt/plan > /mnt/name; mkfifo /mnt/pipe; cp /mnt/plan /mnt/shared; chmod 666 /mnt/shared
         cp /mnt/plan /mnt/theirs; chown 4242 /mnt/theirs; echo '[]' > /mnt/other; tree > /mnt/before",
        &[
            "tm clean --apply --plan /mnt/boot",
            "tm clean --apply --plan /mnt/digest",
            "tm clean --apply --plan /mnt/seal",
            "tm clean --apply --plan /mnt/name",
            "tm clean --apply --plan /mnt/pipe",
            "tm clean --apply --plan /mnt/shared",
            "tm clean --apply --plan /mnt/theirs",
            "tm clean --apply --plan /mnt/other",
            "tree | cmp - /mnt/before",
            "mv /tmp/go-build1 /tmp/moved; builds go-build1; tm clean --apply --plan /mnt/plan",
            "count; aside",
            "rm -r /tmp/go-build1; mv /tmp/moved /tmp/go-build1; tm clean --apply --plan /mnt/plan",
            "count; aside",
        ],
    );
    for (said, words) in said.iter().zip([
        "changed since it was made",
        "changed since it was made",
        "changed since it was made",
        "another object|gone|changed",
    ]) {
        said.ends(75);
        assert!(words.split('|').any(|words| said.text.contains(words)), "{}", said.text);
    }
    for said in &said[4..8] {
        said.ends(64);
    }
    said[8].ends(0);
    said[9].ends(75);
    said[9].says("go-build1: another object has its name");
    assert_eq!(said[10].text, "3\n0", "nothing was touched");
    said[11].ends(0);
    assert_eq!(said[12].text, "0\n2");
}

#[test]
fn one_digest_stands_for_the_same_removals_in_the_plan_on_the_command_line_and_in_the_journal() {
    needs!("unshare");
    let said = scene(
        "builds go-build1 go-build2; aged go-build2 1
         digest() { sed 's/.*\"schema\":[^,]*,\"digest\":\"\\([0-9a-f]*\\)\".*/\\1/'; }",
        &[
            "tm clean /tmp /var/tmp --older-than 0s --json | digest",
            "tm clean /tmp --older-than 0s --json > /mnt/plan; digest < /mnt/plan",
            // Why something stays is no part of it.
            "touch /tmp/a-file-in-no-family; tm clean /tmp --older-than 0s --json | digest",
            "tm clean /tmp /var/tmp --older-than 0s --digest $(digest < /mnt/plan) --apply; count",
            "tm clean /tmp --older-than 0s --digest $(digest < /mnt/plan) --apply; count; aside",
            "tm journal --json",
        ],
    );
    let (both, one) = (&said[0].text, &said[1].text);
    assert_eq!(one.len(), 64, "{one}");
    assert_ne!(both, one);
    assert_eq!(&said[2].text, one);
    said[3].says("nothing was changed: other entries would go");
    assert!(said[3].text.ends_with('3'), "{}", said[3].text);
    assert!(said[4].text.ends_with("1\n2"), "{}", said[4].text);
    assert_eq!(said[5].json()["entries"][0]["digest"].as_str(), Some(one.as_str()));
}

#[test]
fn what_a_clean_up_does_not_cure_is_said_aloud() {
    needs!("unshare", "setpriv");
    let said = scene(
        "mkdir -p /mnt/private/tmp; chmod 1777 /mnt/private/tmp
         apart 'mount --bind /mnt/private/tmp /tmp'; rmdir /mnt/private/tmp; builds go-build1",
        &["tm clean /tmp --older-than 0s"],
    );
    said[0].ends(0);
    said[0].says("cleaning /tmp will not help here:");
}

#[test]
fn names_that_were_chosen_one_by_one_go_alone_and_their_command_has_the_same_digest() {
    needs!("unshare");
    let said = scene(
        "builds go-build1 go-build2; mkdir /tmp/-rf; aged go-build2 1",
        &[
            "tm clean /tmp --older-than 0s --name go-build1 --name=-rf --json > /mnt/plan; grep -o '\"verdict\":\"remove\"' /mnt/plan | wc -l",
            "tm clean /tmp --older-than 0s --name go-build1 --name=-rf | grep -- --apply | sed 's/^ *tmpmedic/tm/' > /mnt/line; cat /mnt/line",
            ". /mnt/line; ls -A /tmp | grep -v tmpmedic",
            "tm clean /tmp --name go-build9",
            "tm clean /tmp --name /tmp/go-build2",
        ],
    );
    said[0].says("2");
    said[1].says("--name=go-build1 --name=-rf");
    said[2].says("2 of 2 entries put aside");
    assert!(said[2].text.ends_with("go-build2"), "{}", said[2].text);
    said[3].ends(64);
    said[3].says("--name go-build9: nothing of that name lies in /tmp");
    said[4].ends(64);
}

#[test]
fn what_fails_elsewhere_is_told_as_what_this_clean_up_does_not_cure() {
    needs!("unshare", "setpriv");
    let said = scene(
        "mkdir -p /dev/shm; mount -t tmpfs -o mode=1777 lab /dev/shm; runner TMPDIR=/mnt/nope; builds go-build1",
        &["tm clean /dev/shm --older-than 0s", "tm clean /tmp /dev/shm --older-than 0s"],
    );
    said[0].says("cleaning /dev/shm does nothing against this:");
    said[1].says("cleaning /tmp and /dev/shm does nothing against this:");
    for said in &said {
        said.says("/mnt/nope");
        assert!(!said.text.contains("will not help here"), "{}", said.text);
    }
}
