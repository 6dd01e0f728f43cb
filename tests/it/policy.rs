//! What a site asks of a clean-up, who may speak for it, and plans that are no longer true.

use crate::clean::{reason, scene};
use crate::needs;

#[test]
fn the_site_names_what_is_kept_and_how_old_it_must_be() {
    needs!("unshare");
    let said = scene(
        r#"builds go-build1 go-build2
           printf 'keep = ["go-build1"]\n[clean]\nmin_age_s = 7200\n' > /mnt/site; echo 'keep = [1' > /mnt/broken"#,
        &[
            "tm clean /tmp --older-than 1h --config /mnt/site",
            "tm clean /tmp --older-than 2h --json --config /mnt/site",
            "tm clean /tmp --older-than 0s --json > /mnt/plan; tm clean --apply --plan /mnt/plan --config /mnt/site",
            "tm clean /tmp --config /mnt/broken",
            "count; aside",
        ],
    );
    said[0].ends(77);
    said[0].says("the site lets nothing go that is younger than 2 h (min_age_s = 7200 in /mnt/site)");
    let plan = said[1].json();
    assert!(reason(&plan, "/tmp/go-build1").contains("to be kept"));
    assert!(reason(&plan, "/tmp/go-build2").contains("touched"));
    said[2].ends(75);
    said[2].says("go-build1: its name is to be kept");
    said[2].says("go-build2: touched");
    said[2].says("the site lets nothing go before 2 h");
    said[3].ends(64);
    said[3].says("/mnt/broken, line 1:");
    assert_eq!(said[4].text, "2\n0");
}

#[test]
fn as_root_nothing_is_done_by_a_configuration_that_others_can_write() {
    needs!("unshare", "setpriv");
    let said = scene(
        "builds go-build1; for name in good theirs shared; do echo 'read_only = false' > /mnt/$name; done
         chown 4242 /mnt/theirs; chmod 666 /mnt/shared
         mkdir -m 777 /mnt/open; echo '' > /mnt/open/site; mkdir -m 1777 /mnt/sticky; echo '' > /mnt/sticky/site",
        &[
            "tm clean /tmp --older-than 0s --apply --config /mnt/theirs",
            "tm clean /tmp --older-than 0s --apply --config /mnt/shared",
            "tm undo --config /mnt/open/site",
            "tm purge --config /mnt/theirs",
            "tm clean /tmp --older-than 0s --config /mnt/theirs",
            "count",
            "tm clean /tmp --older-than 0s --apply --config /mnt/sticky/site && tm undo --config /mnt/good",
        ],
    );
    for (said, words) in said[..4].iter().zip([
        "/mnt/theirs belongs to uid 4242",
        "/mnt/shared may be written by others (mode 0666)",
        "/mnt/open/site lies in a directory that may be written by others",
        "/mnt/theirs belongs to uid 4242",
    ]) {
        said.ends(77);
        said.says(words);
    }
    said[4].ends(0);
    assert_eq!(said[5].text, "1", "nothing was done");
    said[6].ends(0);
}

#[test]
fn a_plan_that_is_no_longer_true_names_what_changed_and_does_nothing() {
    needs!("unshare");
    let said = scene(
        "builds go-build1 go-build2 go-build3 go-build4 go-build5
         tm clean --older-than 0s --json > /mnt/plan
         rm -r /tmp/go-build1; echo more > /tmp/go-build2/b001/more; chmod 711 /tmp/go-build3
         /mnt/bin/go 600 < /tmp/go-build4/b001/exe/a.out & held=$!; became go $held",
        &[
            "echo $held",
            "tm clean --apply --plan /mnt/plan",
            "tm clean --apply --plan /mnt/plan --json",
            "count; aside",
        ],
    );
    said[1].ends(75);
    said[1].says("4 of its entries are not as the plan says");
    said[1].says("go-build1: it is gone");
    said[1].says("go-build2: what lies in it has changed");
    said[1].says("go-build3: its owner or mode has changed");
    said[1].says(&format!("go-build4: it is open in pid {} (go)", said[0].text));
    assert!(!said[1].text.contains("go-build5"), "{}", said[1].text);
    said[2].ends(75);
    assert_eq!(said[3].text, "4\n0", "nothing was touched");
}
