//! `tmpdir-literal-syntax`: quotes, blanks, `~`, `$VAR`, `%h` or `null` that some program should have interpreted.

use crate::model::errno::Errno;
use crate::model::finding::{Confidence, Evidence, Finding, Risk};
use crate::model::raw_path::RawPath;
use crate::model::snapshot::Snapshot;
use crate::model::thresholds::Thresholds;
use crate::model::units::count;
use crate::rules::heading::titled;
use crate::rules::setting::{self, Setting};
use crate::rules::{Rule, RuleCard, Verdict, offers, spot, unseen};

/// See the module's header.
pub struct TmpdirLiteralSyntax;

static CARD: RuleCard = RuleCard {
    id: "tmpdir-literal-syntax",
    title: "A temp variable holds syntax that nobody interpreted",
    yields_to: &[],
};

impl Rule for TmpdirLiteralSyntax {
    fn card(&self) -> &'static RuleCard {
        &CARD
    }

    fn check(&self, now: &Snapshot, _: Option<&Snapshot>, _: &Thresholds) -> Verdict {
        let flawed = setting::settings(now, |p| {
            let all = spot::effective(p).into_iter().filter(|(_, value)| flaw(value).is_some());
            // A directory may really have such a name; where it serves, there is nothing to say.
            all.filter(|(_, value)| setting::works(now, p.pid, value) != Some(true)).collect()
        });
        let told = |s: &&Setting<'_>| s.party.is_weighty() || s.works(now) == Some(false);
        let found = flawed.iter().filter(told).filter_map(|setting| finding(now, setting)).collect();
        unseen::verdict_on_values(now, found, vec![], || {
            let named = now.all_processes().map(|p| spot::effective(p).len()).sum::<usize>();
            let read = setting::readable(now);
            let named = count(named, ("temp variable", "temp variables"));
            let read = count(read, ("environment", "environments"));
            format!("{named} in {read}, none holds quotes, blanks, ~, $ or % that fail")
        })
    }
}

/// What is wrong with the form of a value: a clause that follows its text. `None` for an ordinary path.
pub fn flaw(value: &RawPath) -> Option<&'static str> {
    let bytes = value.as_bytes();
    let (first, last) = (bytes.first()?, bytes.last()?);
    let is_quote = |b: &u8| matches!(b, b'"' | b'\'');
    if bytes.contains(&b'\r') {
        return Some("ends in a carriage return");
    }
    if bytes.contains(&b'\n') {
        return Some("holds a line break");
    }
    if is_quote(first) || is_quote(last) {
        return Some("holds its quotes");
    }
    if matches!(last, b' ' | b'\t') {
        return Some("ends in a blank");
    }
    if matches!(first, b' ' | b'\t') {
        return Some("begins with a blank");
    }
    if *first == b'~' || bytes.windows(3).any(|w| w == b"/~/") {
        return Some("holds a ~ that nobody expanded");
    }
    if follows(bytes, b'$', |b| b.is_ascii_alphabetic() || b"_{(".contains(&b)) || bytes.contains(&b'`') {
        return Some("holds a $ that nobody expanded");
    }
    if bytes.windows(2).any(|w| w == b"{{") || *bytes == *b"<no value>" {
        return Some("holds a template that nobody filled in");
    }
    if follows(bytes, b'%', |b| b.is_ascii_alphabetic()) {
        return Some("holds a % that nobody expanded");
    }
    let nothing: [&[u8]; 5] = [b"null", b"undefined", b"none", b"nil", b"(null)"];
    nothing.iter().any(|n| bytes.eq_ignore_ascii_case(n)).then_some("is the word for no value")
}

fn follows(bytes: &[u8], mark: u8, wanted: impl Fn(u8) -> bool) -> bool {
    bytes.windows(2).any(|w| matches!(w, [m, next] if *m == mark && wanted(*next)))
}

fn finding(now: &Snapshot, setting: &Setting<'_>) -> Option<Finding> {
    let what = flaw(&setting.value)?;
    let works = setting.works(now);
    let mut evidence = setting.sources(now, &means(what));
    if let Some(own) = evidence.first_mut() {
        // Blanks and carriage returns do not show otherwise; `cat -A` ends the line in a $ of its own.
        own.by_hand.push_str(" | cat -A");
    }
    let vantage = setting::vantage_of(now, setting.pid(), &setting.value);
    evidence.extend(setting.probe(now));
    let missing = works == Some(false) && vantage.is_some_and(|v| v.can_create.errno == Some(Errno::ENOENT));
    evidence.extend(missing.then(|| not_there(setting)));
    let after = format!(" of {} {what}", setting.party.label);
    let mut actions = offers::unset(&setting.party, setting.name);
    actions.push(offers::guide(
        "correct the file that sets the value: the form that its reader expects, not the shell's",
        Risk::None,
        vec![search(setting)],
    ));
    Some(Finding {
        id: CARD.id.to_owned(),
        severity: setting.severity(),
        confidence: if works == Some(false) { Confidence::Proven } else { Confidence::Likely },
        subject: setting.party.subject(&setting.meant(now, setting.pid())),
        title: titled(&format!("{}=", setting.name), &setting.value, &after),
        errno: vantage.and_then(|v| v.can_create.errno).or(Some(Errno::ENOENT)),
        evidence,
        actions,
    })
}

fn means(what: &str) -> String {
    format!(
        "the value {what}: no shell read it, or the file that sets it has another syntax; programs take it literally"
    )
}

/// The directory of that very name, which does not exist.
fn not_there(setting: &Setting<'_>) -> Evidence {
    let base = if setting.value.is_absolute() { "root" } else { "cwd/" };
    let mut reached = format!("/proc/{}/{base}", setting.pid()).into_bytes();
    reached.extend_from_slice(setting.value.as_bytes());
    let reached = RawPath::new(reached);
    Evidence {
        source: reached.shown(),
        observed: RawPath::from(Errno::ENOENT.text()),
        means: "nothing has that very name".to_owned(),
        by_hand: format!("stat {}", reached.quoted()),
    }
}

/// Looks in the places that set the environment of a unit, or in the usual files.
fn search(setting: &Setting<'_>) -> String {
    let name = setting.name;
    match offers::service(&setting.party) {
        Some(unit) => format!("systemctl cat {} | grep -n {name}", RawPath::from(unit).quoted()),
        None => format!("grep -n {name} /etc/environment /etc/profile /etc/profile.d/*.sh"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::finding::Severity;
    use crate::rules::stage::Stage;

    #[test]
    fn knows_syntax_from_ordinary_paths() {
        let flawed = [
            "\"/tmp\"",
            "'/tmp'",
            "/tmp ",
            " /tmp",
            "/tmp\t",
            "/tmp\r",
            "/tmp\n",
            "~/tmp",
            "/home/dev/~/tmp",
            "$HOME/tmp",
            "/tmp/${USER}",
            "$(mktemp -d)",
            "`pwd`",
            "%h/tmp",
            "/run/user/%U",
            "%TEMP%",
            "null",
            "undefined",
            "None",
            "${{ vars.X }}",
            "{{ tmp }}",
            "<no value>",
        ];
        for value in flawed {
            assert!(flaw(&value.into()).is_some(), "{value:?} is syntax");
        }
        for value in
            ["/tmp", "/var/tmp/", "tmp", "/tmp/a b", "/tmp/100%", "/tmp/cash$", "/srv/nullable", "/tmp/x~"]
        {
            assert_eq!(flaw(&value.into()), None, "{value:?} is a path");
        }
    }

    fn runner(value: &str) -> Stage {
        Stage::healthy().runner(41, "r@1.service").variable(41, "TMPDIR", value)
    }

    #[test]
    fn fires_on_quotes_inside_the_value() {
        let stage = runner("\"/tmp\"").fails(41, "\"/tmp\"", Errno::ENOENT, "mkdir");
        let Verdict::Found(found) = stage.check(&TmpdirLiteralSyntax) else { panic!("must be found") };
        assert_eq!(found[0].title, "TMPDIR=\"/tmp\" of r@1.service holds its quotes");
        assert_eq!((found[0].severity, found[0].confidence), (Severity::Critical, Confidence::Proven));
        let by_hand = &found[0].evidence[0].by_hand;
        assert_eq!(by_hand, "tr '\\0' '\\n' < /proc/41/environ | grep '^TMPDIR=' | cat -A");
        assert_eq!(found[0].evidence.last().unwrap().by_hand, "stat '/proc/41/cwd/\"/tmp\"'");
    }

    #[test]
    fn is_only_likely_where_no_vantage_tells() {
        let mut stage = runner("/tmp ");
        stage.now.vantages.value_mut().unwrap().clear();
        let Verdict::Found(found) = stage.check(&TmpdirLiteralSyntax) else { panic!("must be found") };
        assert_eq!(found[0].confidence, Confidence::Likely);
        assert_eq!(found[0].title, "TMPDIR=/tmp  of r@1.service ends in a blank");
    }

    #[test]
    fn stays_clear_of_a_directory_that_really_has_such_a_name() {
        assert!(matches!(runner("/srv/%h").check(&TmpdirLiteralSyntax), Verdict::RuledOut(_)));
        assert!(matches!(runner("/var/tmp").check(&TmpdirLiteralSyntax), Verdict::RuledOut(_)));
    }

    #[test]
    fn is_blind_where_environments_cannot_be_read() {
        assert!(matches!(
            Stage::healthy().runner(41, "r@1.service").without_environment(41).check(&TmpdirLiteralSyntax),
            Verdict::Blind(_)
        ));
    }
}
