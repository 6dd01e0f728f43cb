//! Names that were chosen to hurt: whoever reads a plan, a report or the journal sees no byte that steers a terminal, a script
//! gets the bytes back exactly, and each goes and comes back like any other.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use tmpmedic::model::raw_path::RawPath;

use crate::clean::scene;
use crate::needs;

/// Those that are UTF-8.
#[rustfmt::skip]
const TEXTS: &[&str] = &[
    " ", "  two  ", "\t", "\n", "a\nb", "\nremoved: all", "a\r", "\r\n", "\x07", "\x08\x08", "\x0b",
    "\x0c", "\x0e", "\x1b", "\x1b[31m", "\x1b[2J\x1b[H", "\x1b]0;title\x07", "\x1b]52;c;cm0gLXJm\x07",
    "\x1b[6n", "\x1b[c", "\x1bP+q544e\x1b\\", "\x7f", "\u{85}", "\u{9b}31m", "\u{9d}0;t\u{9c}",
    "\u{202e}gpj.exe", "\u{2066}lri\u{2069}", "\u{200b}", "\u{200d}", "\u{feff}", "\u{ad}", "\u{2028}",
    "\u{e0041}", "\u{fe0f}", "e\u{301}\u{302}\u{303}", "ü", "日本", "🦀", "-", "--", "-rf", "--apply",
    "--plan=x", "-\n", "'", "\"", "'\"'", "`id`", "$(id)", "${IFS}", "$HOME", "\\", "\\n", "\\x1b",
    "\\u{202e}", "a\\", "*", "?", "[a-z]", "{a,b}", "~", "~root", "!", "!!", "#", "%", "%s%n", "%%", "&",
    "|", ";", "; id", "<", ">", "...", "..a", ". .", ".\u{200b}.", "..\n", "nul", "a=b", "|cell|",
    "`code`", "<script>", "{\"a\":[]}", ",", ":", "@", "+", "(", ")", ".tmpmedic-",
    ".tmpmedic-0-aaaaaaaaaaaa", ".tmpmedic-\x1b[31m",
];

fn hostile() -> BTreeSet<Vec<u8>> {
    let mut all: BTreeSet<Vec<u8>> = TEXTS.iter().map(|text| text.as_bytes().to_vec()).collect();
    all.extend(
        [&b"\xff"[..], b"\x80\x9b31m", b"a\xc0\xaf", b"\xed\xa0\x80", b"\xf8", b"\xffend"]
            .map(<[u8]>::to_vec),
    );
    all.extend([
        vec![b'a'; 255],
        vec![0x1b; 255],
        vec![0xff; 255],
        "\u{202e}".repeat(85).into_bytes(),
        vec![b'\n'; 255],
    ]);
    all
}

/// Makes an entry of each name in `/tmp`: a file, or a directory with the same name inside.
#[test]
#[ignore = "an actor: makes what no shell can name"]
fn makes_them() {
    for (at, name) in hostile().iter().enumerate() {
        let path = Path::new("/tmp").join(OsStr::from_bytes(name));
        if at % 2 == 0 {
            std::fs::write(path, name).unwrap();
        } else {
            std::fs::create_dir(&path).unwrap();
            std::fs::write(path.join(OsStr::from_bytes(name)), name).unwrap();
        }
    }
}

/// What no terminal may get from a name: control characters but our own line ends, what turns or hides text, broken UTF-8.
fn harmful(text: &str) -> Option<char> {
    let hides = |c| matches!(c, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}' | '\u{fffd}' | '\u{e0000}'..='\u{e01ef}' | '\u{fe00}'..='\u{fe0f}');
    text.chars().find(|c| c.is_control() && *c != '\n' || hides(*c))
}

#[test]
fn every_hostile_name_is_shown_harmlessly_kept_exactly_goes_and_comes_back() {
    needs!("unshare");
    let all = hostile();
    assert!(all.len() >= 74, "only {}", all.len());
    let said = scene(
        "/mnt/bin/actor --exact faults::names::makes_them --ignored >/dev/null; tree > /mnt/before; o='--older-than 0s --family other --family tmpmedic-quarantine'",
        &[
            "tm clean /tmp $o --json > /mnt/plan; cat /mnt/plan",
            "tm clean /tmp $o -v",
            "tm clean /tmp $o",
            "tm clean /tmp $o --keep \"$(printf '\\033[31m')\"",
            "tm clean --apply --plan /mnt/plan --json",
            "tm journal; tm journal -v; tm journal --json",
            "tm undo --json; tree | cmp - /mnt/before",
            "tm clean /tmp $o --apply --format markdown",
            "touch \"/tmp/$(printf '\\033[31m')\"; tm undo; tm undo --json; rm \"/tmp/$(printf '\\033[31m')\"; tm undo",
            "tree | cmp - /mnt/before",
            "tm clean /tmp $o --apply --delete --yes -v",
            "count; tm check --no-probe; tm check --no-probe --json",
        ],
    );
    for (at, said) in said.iter().enumerate() {
        let harm = harmful(&said.text);
        assert_eq!(harm, None, "command {at} printed {:?}:\n{}", harm, said.text.escape_debug());
    }
    let plan = said[0].json();
    let entries = plan["entries"].as_array().unwrap();
    let named = entries.iter().map(|entry| {
        let name: RawPath = serde_json::from_value(entry["identity"]["name"].clone()).unwrap();
        name.as_bytes().to_vec()
    });
    assert_eq!(named.collect::<BTreeSet<_>>(), all, "a script gets each name back");
    for entry in entries {
        // What is called like a quarantine of ours and is none hides nothing.
        assert_eq!(entry["verdict"], "remove", "{entry}");
    }
    said[4].ends(0);
    assert_eq!(said[4].json()["works"][0]["taken"].as_array().unwrap().len(), all.len());
    said[6].ends(0);
    said[8].says("its name was taken again");
    said[9].ends(0);
    said[10].ends(0);
    assert!(said[11].text.starts_with("0\n"), "{}", said[11].text);
}
