//! The terminal's clipboard, by OSC 52: works over SSH, because the terminal is what sets it. Source: xterm's ctlseqs.

/// More than this no terminal takes.
const MAX_BYTES: usize = 72 << 10;

const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/// The sequence that puts a text there. Base64, so nothing in the text can end it.
pub fn set(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let bytes = bytes.get(..MAX_BYTES).unwrap_or(bytes);
    format!("\x1b]52;c;{}\x07", base64(bytes)).into_bytes()
}

fn base64(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for chunk in bytes.chunks(3) {
        let mut word = 0_u32;
        for position in 0..3 {
            word = word << 8 | u32::from(chunk.get(position).copied().unwrap_or(0));
        }
        for position in 0..4 {
            let sextet = usize::try_from(word >> (18 - 6 * position) & 63).unwrap_or(0);
            let padding = position > chunk.len();
            out.push(if padding { '=' } else { char::from(ALPHABET.get(sextet).copied().unwrap_or(b'=')) });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encodes_as_rfc_4648_does() {
        for (text, code) in [("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foobar", "Zm9vYmFy")]
        {
            assert_eq!(base64(text.as_bytes()), code);
        }
    }
}
