//! The report as metrics, for the textfile collector of node_exporter.
//!
//! Plain gauges in the common subset of OpenMetrics and of the older text format, because the collector reads the latter.
//! Labels name what people alert on: the path and whose it is. Two vantages with the same labels are one sample, the worse one.

use std::collections::BTreeMap;

use crate::model::finding::{Diagnosis, Severity};
use crate::model::snapshot::Snapshot;
use crate::model::temp_dir::TempDir;
use crate::model::vantage::{Can, Vantage};
use crate::report::incomplete::incomplete;
use crate::report::{Options, safe};

/// Samples of one family: the labels, rendered, and the value.
type Samples = BTreeMap<String, Value>;

/// The value of a sample.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Value {
    Number(u64),
    Unknown,
}

/// The exposition, `# EOF` included.
pub fn render(now: &Snapshot, diagnosis: &Diagnosis, options: &Options) -> String {
    let mut out = String::new();
    let one = |n: u64| Samples::from([(String::new(), Value::Number(n))]);
    family(
        &mut out,
        "tmpmedic_status",
        "Verdict: 0 ok, 1 warning, 2 critical, 3 unknown",
        &one(diagnosis.status.exit_code().into()),
    );
    family(&mut out, "tmpmedic_findings", "Findings by cause and severity", &findings(diagnosis));
    family(
        &mut out,
        "tmpmedic_causes_unseen",
        "Causes that could be neither found nor ruled out",
        &one(diagnosis.blind.len() as u64),
    );
    family(
        &mut out,
        "tmpmedic_incomplete",
        "Things that could not be looked at",
        &one(incomplete(now, options).len() as u64),
    );
    family(
        &mut out,
        "tmpmedic_vantage_can_create",
        "Whether a temp dir can be created: 1 yes, 0 no, NaN unknown",
        &abilities(now),
    );
    temp_dirs(&mut out, now);
    let seconds = u64::try_from(now.taken.0 / 1_000_000_000).unwrap_or(0);
    family(&mut out, "tmpmedic_look_timestamp_seconds", "When this was looked at", &one(seconds));
    family(
        &mut out,
        "tmpmedic_look_duration_milliseconds",
        "How long it took",
        &one(options.elapsed.0.div_ceil(1000)),
    );
    out.push_str("# EOF\n");
    out
}

fn family(out: &mut String, name: &str, help: &str, samples: &Samples) {
    out.push_str(&format!("# TYPE {name} gauge\n# HELP {name} {help}\n"));
    for (labels, value) in samples {
        match value {
            Value::Number(n) => out.push_str(&format!("{name}{labels} {n}\n")),
            Value::Unknown => out.push_str(&format!("{name}{labels} NaN\n")),
        }
    }
}

fn findings(diagnosis: &Diagnosis) -> Samples {
    let mut samples = Samples::new();
    for finding in &diagnosis.found {
        let severity = match finding.severity {
            Severity::Critical => "critical",
            Severity::Warning => "warning",
            Severity::Info => "info",
        };
        add(&mut samples, labels(&[("id", &finding.id), ("severity", severity)]), 1);
    }
    samples
}

fn abilities(now: &Snapshot) -> Samples {
    let mut samples = Samples::new();
    for vantage in now.vantages.items() {
        let value = match vantage.can_create.can {
            Can::Yes => Value::Number(1),
            Can::No => Value::Number(0),
            Can::Unknown => Value::Unknown,
        };
        let uid = vantage.credentials.uid.to_string();
        let key = labels(&[("path", &vantage.path.shown()), ("name", name(vantage)), ("uid", &uid)]);
        let worst = match (samples.get(&key), value) {
            (Some(Value::Number(0)), _) | (_, Value::Number(0)) => Value::Number(0),
            (Some(Value::Unknown), _) | (_, Value::Unknown) => Value::Unknown,
            _ => value,
        };
        samples.insert(key, worst);
    }
    samples
}

fn temp_dirs(out: &mut String, now: &Snapshot) {
    let (mut entries, mut old, mut bytes) = (Samples::new(), Samples::new(), Samples::new());
    let (mut room, mut inodes) = (Samples::new(), Samples::new());
    for dir in now.temp_dirs.items() {
        let vantage = first_vantage(now, dir);
        let key = labels(&[("path", &dir.path.shown()), ("name", vantage.map_or("", name))]);
        add(&mut entries, key.clone(), dir.total.entries.0);
        add(&mut old, key.clone(), dir.total.old.0);
        add(&mut bytes, key.clone(), dir.total.bytes.0);
        if let Some(Ok(space)) = vantage.map(|v| v.space.as_ref()) {
            // Room is of the file system, so directories on one share it: set, not added.
            room.insert(key.clone(), Value::Number(space.available.0));
            if space.inodes.0 > 0 {
                inodes.insert(key, Value::Number(space.inodes_free.0));
            }
        }
    }
    family(out, "tmpmedic_temp_dir_entries", "Entries directly in a temp dir", &entries);
    family(out, "tmpmedic_temp_dir_old_entries", "Entries older than a day", &old);
    family(out, "tmpmedic_temp_dir_bytes", "Blocks held by those entries, without what lies below", &bytes);
    family(out, "tmpmedic_temp_dir_available_bytes", "Room on its file system for ordinary users", &room);
    family(out, "tmpmedic_temp_dir_free_inodes", "Free inodes of its file system", &inodes);
}

fn first_vantage<'a>(now: &'a Snapshot, dir: &TempDir) -> Option<&'a Vantage> {
    let first = usize::try_from(*dir.vantages.first()?).ok()?;
    now.vantages.items().get(first)
}

fn name(vantage: &Vantage) -> &str {
    vantage.names.first().map_or("", String::as_str)
}

fn add(samples: &mut Samples, key: String, more: u64) {
    let sum = match samples.get(&key) {
        Some(Value::Number(n)) => n.saturating_add(more),
        _ => more,
    };
    samples.insert(key, Value::Number(sum));
}

fn labels(pairs: &[(&str, &str)]) -> String {
    let rendered = pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", escaped(value)));
    format!("{{{}}}", rendered.collect::<Vec<_>>().join(","))
}

fn escaped(value: &str) -> String {
    safe(value).replace('\\', r"\\").replace('"', r#"\""#)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::sample;

    #[test]
    fn ends_with_the_mark_of_completeness() {
        let (now, diagnosis) = sample::sick();
        let text = render(&now, &diagnosis, &Options::default());
        assert!(text.ends_with("\n# EOF\n"));
        assert!(text.contains("tmpmedic_status 2\n"), "{text}");
        assert!(
            text.contains("tmpmedic_findings{id=\"private-tmp-deleted\",severity=\"critical\"} 1\n"),
            "{text}"
        );
    }

    #[test]
    fn names_each_sample_once() {
        let (now, diagnosis) = sample::sick();
        let text = render(&now, &diagnosis, &Options::default());
        let mut names: Vec<&str> = text
            .lines()
            .filter(|l| !l.starts_with('#'))
            .filter_map(|l| Some(l.rsplit_once(' ')?.0))
            .collect();
        let all = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), all, "{text}");
    }

    #[test]
    fn escapes_what_would_end_a_label() {
        assert_eq!(labels(&[("path", "/a\"b\\c\nd")]), "{path=\"/a\\\"b\\\\c\\\\nd\"}");
    }

    #[test]
    fn takes_the_worse_of_two_vantages_with_the_same_labels() {
        let (mut now, diagnosis) = sample::sick();
        let mut twin = now.vantages.items()[0].clone();
        twin.can_create.can = Can::Yes;
        now.vantages.value_mut().unwrap().push(twin);
        let text = render(&now, &diagnosis, &Options::default());
        assert!(text.contains("name=\"forgejo-runner@1.service\",uid=\"0\"} 0\n"), "{text}");
    }
}
