//! Classes of bytes, of which tools make random names. Used by `pattern` alone.

/// A class of bytes, and what several of them together must look like.
#[derive(Clone, Debug)]
pub(super) enum Class {
    Any,
    Set { members: Vec<(u8, u8)>, negated: bool },
    Alphanumeric,
    MixedAlphanumeric,
    Python,
    Perl,
    Hex,
    Digit,
}

impl Class {
    /// How many bytes it takes, if it takes any.
    pub(super) fn take(&self, rest: &[u8], count: Option<usize>) -> Option<usize> {
        let end = match count {
            Some(count) => count,
            None => rest.iter().position(|b| !self.has(*b)).unwrap_or(rest.len()),
        };
        let taken = rest.get(..end).filter(|taken| !taken.is_empty())?;
        (taken.iter().all(|b| self.has(*b)) && self.accepts(taken)).then_some(end)
    }

    fn has(&self, byte: u8) -> bool {
        match self {
            Self::Any => true,
            Self::Set { members, negated } => {
                members.iter().any(|(low, high)| (*low..=*high).contains(&byte)) != *negated
            }
            Self::Alphanumeric | Self::MixedAlphanumeric => byte.is_ascii_alphanumeric(),
            Self::Python => matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'),
            Self::Perl => byte.is_ascii_alphanumeric() || byte == b'_',
            Self::Hex => matches!(byte, b'0'..=b'9' | b'a'..=b'f'),
            Self::Digit => byte.is_ascii_digit(),
        }
    }

    /// What the bytes together must look like.
    fn accepts(&self, taken: &[u8]) -> bool {
        let some = |test: fn(&u8) -> bool| taken.iter().any(test);
        match self {
            Self::MixedAlphanumeric => {
                !taken.iter().all(u8::is_ascii_lowercase) && !taken.iter().all(u8::is_ascii_digit)
            }
            Self::Python => some(|b| !b.is_ascii_alphabetic()) && some(u8::is_ascii_alphabetic),
            Self::Perl => {
                some(u8::is_ascii_uppercase) && some(u8::is_ascii_lowercase) && some(u8::is_ascii_digit)
            }
            Self::Any | Self::Set { .. } | Self::Alphanumeric | Self::Hex | Self::Digit => true,
        }
    }
}
