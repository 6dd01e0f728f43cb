//! Names of systemd units, as far as they may be believed. Source: systemd.unit(5).

/// Whether it is a unit name that may stand on a command line and in a path: systemd's own charset, which has no `/`, and
/// no dash in front. Source: systemd.unit(5).
pub fn is_unit_name(name: &str) -> bool {
    let legal = |byte: u8| byte.is_ascii_alphanumeric() || b":_.\\@-".contains(&byte);
    let known = [".service", ".socket", ".timer", ".slice", ".scope", ".mount", ".target"];
    let (stem, _) = name.rsplit_once('.').unwrap_or_default();
    name.len() <= 255
        && name.bytes().all(legal)
        && !name.starts_with(['-', '.'])
        && !stem.is_empty()
        && known.iter().any(|suffix| name.ends_with(suffix))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_unit_name_can_be_neither_an_option_nor_a_path() {
        for good in ["forgejo-runner@1.service", "a.service", r"dev-disk-by\x2duuid.mount", "x:y_z.timer"] {
            assert!(is_unit_name(good), "{good}");
        }
        let long = format!("{}.service", "a".repeat(255));
        let bad = [
            "",
            "runner",
            "-H.service",
            "../x.service",
            "a/b.service",
            "a b.service",
            "a\n.service",
            ".service",
        ];
        for bad in bad.into_iter().chain(["a\x1b.service", "ä.service", "a.sh", &long]) {
            assert!(!is_unit_name(bad), "{bad:?}");
        }
    }
}
