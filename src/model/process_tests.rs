//! Tests of [`super`]: what the functions of `process` promise.

use super::*;

#[test]
fn the_outermost_unit_is_the_one_that_systemd_has_named() {
    let of = |path: &str| outermost_unit(path.as_bytes()).map(str::to_owned);
    let unit = |name: &str| Some(name.to_owned());
    assert_eq!(of("0::/system.slice/r@1.service"), unit("r@1.service"));
    assert_eq!(of("0::/system.slice/system-r.slice/r@1.service/ssh.service"), unit("r@1.service"));
    assert_eq!(of("0::/ci.slice/r.service/user@0.service/init.scope"), unit("r.service"));
    assert_eq!(of("0::/lab/init.scope/system.slice/_cgroup.service"), unit("cgroup.service"));
    let hybrid = "12:pids:/a.service\n1:name=systemd:/system.slice/b.service/x\n0::/c.service\n";
    assert_eq!(of(hybrid), unit("b.service"), "systemd's own hierarchy is believed first");
    for nothing in ["0::/", "0::/system.slice", "", "x", "0::/../.."] {
        assert_eq!(of(nothing), None, "{nothing}");
    }
}
