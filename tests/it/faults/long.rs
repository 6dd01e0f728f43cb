//! A journal that has grown long: it begins anew, nothing that can be taken back is forgotten, and what was done stays known.

use crate::clean::scene;
use crate::needs;

/// Thousands of leftovers whose names are all escapes: what is written down of them is long.
const MANY: &str = r"
cat > /mnt/many.py <<'END'
import os
for n in range(20000, 29000): os.mkdir(b'/tmp/%05d' % n + b'\x01' * 230)
END
python3 /mnt/many.py
size() { stat -c %s /var/lib/tmpmedic/journal; }";

#[test]
fn it_begins_anew_with_what_can_still_be_taken_back_and_journal_knows_the_rest() {
    needs!("unshare", "python3");
    let said = scene(
        MANY,
        &[
            "builds go-build1 go-build2; tm clean /tmp --older-than 0s --family go-build --apply >/dev/null; rm -r /tmp/.tmpmedic-*/none 2>/dev/null; count",
            "tm clean /tmp --older-than 0s --family other --delete --yes --apply >/dev/null; count; size",
            "builds go-build3; tm clean /tmp --older-than 0s --apply >/dev/null; size; ls /var/lib/tmpmedic",
            "tm journal --json",
            "tm undo 2",
            "tm undo 7",
            "tm undo 1; tm undo; count; stat -c '%a %U' /var/lib/tmpmedic/journal*",
            "tm journal --json",
        ],
    );
    let long: u64 = said[1].text.lines().last().unwrap().parse().unwrap();
    assert!(long > 8 << 20, "{long}");
    let short: u64 = said[2].text.lines().next().unwrap().parse().unwrap();
    assert!(short < 1 << 20, "{short}");
    assert!(said[2].text.contains("journal-0-"), "{}", said[2].text);
    let journal = said[3].json();
    let works = journal["entries"].as_array().unwrap();
    let ids: Vec<u64> = works.iter().map(|work| work["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, [1, 2, 3]);
    assert!(works[1]["steps"].as_array().unwrap().len() >= 9000, "what was removed for good is still told");
    assert_eq!((&works[0]["aside"], &works[2]["aside"]), (&2.into(), &1.into()));
    said[4].ends(2);
    said[4].says("nothing of work 2 (clean) can be taken back");
    said[5].ends(64);
    said[6].says("2 of 2 entries of work 1 are back");
    said[6].says("1 of 1 entries of work 3 are back");
    assert!(said[6].text.contains("3\n600 root\n600 root"), "{}", said[6].text);
    assert_eq!(said[7].json()["entries"].as_array().unwrap().len(), 5);
}

#[test]
fn what_ours_says_of_a_work_of_another_home_is_not_forgotten_before_that_one_forgets_it() {
    needs!("unshare", "python3");
    let said = scene(
        &format!("{}\nmount -t tmpfs -o mode=777 lab /var/lib", MANY.replace("/tmp/", "/var/tmp/")),
        &[
            "builds go-build1 go-build2; tm clean /tmp --older-than 0s --apply >/dev/null; chmod 755 /var/lib; tm undo 1",
            "tm clean /var/tmp --older-than 0s --family other --delete --yes --apply >/dev/null; size",
            "tm purge",
            "tm undo 1",
        ],
    );
    said[0].says("2 of 2 entries of work 1 are back (work 2)");
    assert!(said[1].text.lines().last().unwrap().parse::<u64>().unwrap() > 8 << 20, "{}", said[1].text);
    said[2].says("nothing lies in any quarantine");
    said[3].ends(2);
    said[3].says("nothing of work 1 (clean) can be taken back");
}

#[test]
fn an_interrupted_work_of_another_home_is_settled_in_ours_and_can_still_be_taken_back() {
    needs!("unshare", "xargs", "seq");
    let said = scene(
        "mount -t tmpfs -o mode=777 lab /var/lib; seq -f '/tmp/go-build9%07.0f' 1 20000 | xargs mkdir",
        &[
            "/mnt/bin/tmpmedic clean /tmp --older-than 0s --apply >/dev/null 2>&1 & job=$!
             awaits $job begun
             kill -KILL $job; wait $job; chmod 755 /var/lib; [ -e /run/tmpmedic/journal ] && ! [ -e /var/lib/tmpmedic ]",
            "tm journal",
            "tm purge",
            "tm journal; tm journal --json",
            "chmod 777 /var/lib; tm journal; rc=$?; tm journal --json; chmod 755 /var/lib; (exit $rc)",
            "tm purge",
            "tm undo 1; ls /tmp | wc -l; ls /tmp/.tmpmedic-* | wc -l",
        ],
    );
    said[0].ends(0);
    said[1].says(" interrupted ");
    said[2].says("work 1 (clean) was interrupted");
    assert!(!said[3].text.contains(" interrupted "), "it is settled: {}", said[3].text);
    said[3].says("it was interrupted; what became of it was found out on");
    let settled: serde_json::Value = serde_json::from_str(said[3].text.lines().last().unwrap()).unwrap();
    let work = &settled["entries"][0];
    assert_eq!(work["settled_in"], "/var/lib/tmpmedic");
    assert!(work["ended"].is_string() && work["aside"].as_u64() > Some(0), "{work}");
    let unknown = |step: &serde_json::Value| step["outcome"] == "unknown";
    assert!(!work["steps"].as_array().unwrap().iter().any(unknown), "each step is known by now");
    said[4].ends(2);
    said[4].says("the journal in /var/lib/tmpmedic cannot be read: others may change lib");
    said[4].says("not known");
    said[4].says(
        "whether it was settled since is not known, for the journal in /var/lib/tmpmedic cannot be read",
    );
    let unread: serde_json::Value =
        serde_json::from_str(said[4].text.lines().find(|line| line.starts_with('{')).unwrap()).unwrap();
    assert_eq!(unread["unread"][0], "/var/lib/tmpmedic");
    assert!(unread["entries"][0]["ended"].is_null());
    said[5].says("(work 1)");
    assert!(!said[5].text.contains("was interrupted"), "once is enough: {}", said[5].text);
    assert!(said[6].text.ends_with("20000\n0"), "{}", said[6].text);
}
