//! What is seen of services whose private /tmp is dead, and of one unit alone.

use super::{Lab, RUNNER, clean_the_old_way};
use crate::needs;
use crate::sandbox::TMPMEDIC;

#[test]
fn of_six_runners_exactly_the_two_dead_ones_are_critical_and_proven() {
    needs!("unshare", "nsenter", "systemctl");
    let names: Vec<String> = (1..=6).map(|n| format!("forgejo-runner@{n}.service")).collect();
    let start: Vec<&str> = names.iter().map(String::as_str).collect();
    let lab = Lab::boot(&[("forgejo-runner@.service", RUNNER)], &start);
    let healthy = lab.check(&[]);
    assert_eq!(healthy.above_info(), [], "{:#}", healthy.json);
    assert_eq!(healthy.code, 0);

    clean_the_old_way(&lab, &["2", "5"]);
    let broken = lab.check(&[]);
    let critical: Vec<(&str, &str, &str)> = broken
        .findings()
        .iter()
        .filter(|f| f["severity"] == "critical")
        .map(|f| {
            let text =
                |v: &'_ serde_json::Value| -> &'static str { String::leak(v.as_str().unwrap().to_owned()) };
            (text(&f["id"]), text(&f["subject"]["name"]), text(&f["confidence"]))
        })
        .collect();
    assert_eq!(
        critical,
        [
            ("private-tmp-deleted", "forgejo-runner@2.service", "proven"),
            ("private-tmp-deleted", "forgejo-runner@5.service", "proven"),
        ],
        "{:#}",
        broken.json
    );
    assert_eq!(broken.above_info().len(), 2, "{:#}", broken.json["findings"]);
    assert_eq!(broken.code, 2);
    let text = String::from_utf8(lab.inside(&[TMPMEDIC, "check"]).stdout).unwrap();
    assert!(
        text.lines().next().unwrap().contains("forgejo-runner@2.service"),
        "the verdict names the unit: {text}"
    );
    assert!(text.lines().all(|l| l.chars().count() <= 80), "fits 80 columns:\n{text}");
}

#[test]
fn a_unit_can_be_asked_about_alone() {
    needs!("unshare", "nsenter", "systemctl");
    let lab = Lab::boot(
        &[("forgejo-runner@.service", RUNNER)],
        &["forgejo-runner@1.service", "forgejo-runner@2.service"],
    );
    clean_the_old_way(&lab, &["1"]);
    assert_eq!(lab.check(&["--unit", "forgejo-runner@1"]).code, 2);
    assert_eq!(lab.check(&["--unit", "forgejo-runner@2.service"]).code, 0);
    let unknown = lab.inside(&[TMPMEDIC, "check", "--unit", "no-such.service"]);
    assert_eq!(unknown.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&unknown.stderr).contains("no-such.service"));
    let probed = lab.inside(&[TMPMEDIC, "probe", "--unit", "forgejo-runner@1.service", "--json"]);
    assert_eq!(probed.status.code(), Some(2), "{}", String::from_utf8_lossy(&probed.stdout));
    let report: serde_json::Value = serde_json::from_slice(&probed.stdout).unwrap();
    let failed = report["steps"].as_array().unwrap().iter().find(|s| s["ok"] == false).unwrap();
    assert_eq!((failed["step"].as_str(), failed["errno"].as_str()), (Some("mkdir"), Some("ENOENT")));
}
