//! Sockets, by their file, wherever that was moved and whatever it is called.

use super::Seen;
use crate::needs;

#[test]
fn sockets_are_found_in_every_network_namespace_and_by_their_file() {
    needs!("unshare", "setpriv");
    let seen = Seen::at(
        r"
        mkdir /tmp/here /tmp/there /tmp/moved /tmp/closed /mnt/other; mount -t tmpfs x /mnt/other
        listen /tmp/here/s; say here
        listen /tmp/there/s unshare --net; say there
        listen /tmp/moved/s unshare --net; say moved
        mkdir /tmp/moved/deeper; mv /tmp/moved/s /tmp/moved/deeper/t
        listen /tmp/closed/s; kill $pid; wait $pid || true
        ",
    );
    seen.claims("here", "socket", Some("here"));
    seen.claims("there", "socket", Some("there"));
    seen.claims("moved", "socket", Some("moved"));
    seen.leaves("closed");
    seen.has_no_gap();
}

#[test]
fn a_name_with_a_newline_neither_forges_nor_hides_a_socket() {
    needs!("unshare", "setpriv");
    let seen = Seen::at(
        r#"
        mkdir /tmp/victim /tmp/real; touch /tmp/victim/s
        forged='0000000000000000: 00000002 00000000 00010000 0001 01 1 /tmp/victim'
        mkdir -p "/mnt/x
$forged"
        cd /mnt; listen 'x\n0000000000000000: 00000002 00000000 00010000 0001 01 1 /tmp/victim/s'; cd /
        listen '/tmp/real/a\nb'; say real
        grep -q '01 1 /tmp/victim/s' /proc/net/unix
        "#,
    );
    seen.leaves("victim");
    seen.claims("real", "socket", Some("real"));
}
