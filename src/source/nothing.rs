//! The snapshot of a look that did not come back: every section blind, for one reason.

use crate::model::asked::Asked;
use crate::model::host::Eyes;
use crate::model::process::Credentials;
use crate::model::reading::{Gap, Reading};
use crate::model::snapshot::{SCHEMA, Snapshot};
use crate::model::units::{BootNanos, Entries, WallNanos};
use crate::sys::clock;

/// A snapshot that shows nothing, because of `gap`.
pub fn nothing(asked: Asked, gap: &Gap) -> Snapshot {
    let (taken, boot) = (WallNanos(clock::wall_nanos()), BootNanos(clock::boot_nanos()));
    let eyes = Eyes {
        credentials: Credentials { uid: rustix::process::geteuid().as_raw(), ..Credentials::default() },
        mount_ns: Err(gap.why.clone()),
        pid: std::process::id(),
        processes: Entries(0),
        readable: Entries(0),
        hidepid: None,
        taken,
        boot,
    };
    Snapshot {
        schema: SCHEMA.to_owned(),
        taken,
        boot,
        eyes,
        asked,
        host: blind(gap),
        processes: blind(gap),
        namespaces: blind(gap),
        vantages: blind(gap),
        temp_dirs: blind(gap),
        holders: blind(gap),
        caches: blind(gap),
        probes: vec![],
        log: vec![],
        strains: vec![],
        listings: vec![],
    }
}

fn blind<T>(gap: &Gap) -> Reading<T> {
    Reading::Blind { gap: gap.clone() }
}
