//! The program that a probe runs from a temp dir: the smallest ELF file that ends with code 0.
//!
//! There is nothing to copy on a box without a shell, and a script would test its interpreter as well.

/// Size of what a probe writes: one page, so that a file system without a free block refuses it.
pub const SIZE: usize = 4096;

/// ELF header and one program header. Source: elf(5).
const HEADERS: u16 = 64 + 56;
/// Where it is loaded; aligned to 64 KiB, the largest page in use.
const BASE: u64 = 0x40_0000;
const ALIGNMENT: u64 = 0x1_0000;

/// `exit_group(0)` in machine code, with the number of the machine in ELF; `None` where nobody wrote it down yet.
fn machine() -> Option<(u16, &'static [u8])> {
    if cfg!(target_arch = "x86_64") {
        // mov eax, 231; xor edi, edi; syscall
        Some((62, &[0xb8, 0xe7, 0x00, 0x00, 0x00, 0x31, 0xff, 0x0f, 0x05]))
    } else if cfg!(target_arch = "aarch64") {
        // mov x8, #94; mov x0, #0; svc #0
        Some((183, &[0xc8, 0x0b, 0x80, 0xd2, 0x00, 0x00, 0x80, 0xd2, 0x01, 0x00, 0x00, 0xd4]))
    } else if cfg!(target_arch = "riscv64") {
        // li a7, 94; li a0, 0; ecall
        Some((243, &[0x93, 0x08, 0xe0, 0x05, 0x13, 0x05, 0x00, 0x00, 0x73, 0x00, 0x00, 0x00]))
    } else {
        None
    }
}

/// What to write, and whether it is a program that this machine can run.
pub fn bytes() -> (Vec<u8>, bool) {
    let program = machine().map(|(number, code)| elf(number, code));
    let runs = program.is_some();
    let mut bytes = program.unwrap_or_default();
    // Not zeros: a file system that compresses or leaves holes would not need a block for them.
    let mut state: u32 = 0x9e37_79b9;
    while bytes.len() < SIZE {
        state ^= state << 13;
        state ^= state >> 17;
        state ^= state << 5;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(SIZE);
    (bytes, runs)
}

fn elf(machine: u16, code: &[u8]) -> Vec<u8> {
    let headers = u64::from(HEADERS);
    let length = headers + code.len() as u64;
    // 64 bit, little endian, version 1, System V.
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0];
    let half = |bytes: &mut Vec<u8>, value: u16| bytes.extend_from_slice(&value.to_le_bytes());
    let word = |bytes: &mut Vec<u8>, value: u32| bytes.extend_from_slice(&value.to_le_bytes());
    let long = |bytes: &mut Vec<u8>, value: u64| bytes.extend_from_slice(&value.to_le_bytes());
    // ET_EXEC, machine, version, entry point, program headers right behind this one, no section headers, no flags.
    half(&mut bytes, 2);
    half(&mut bytes, machine);
    word(&mut bytes, 1);
    for value in [BASE + headers, 64, 0] {
        long(&mut bytes, value);
    }
    word(&mut bytes, 0);
    for value in [64, 56, 1, 0, 0, 0] {
        half(&mut bytes, value);
    }
    // PT_LOAD, readable and executable: offset, address twice, length twice, alignment.
    word(&mut bytes, 1);
    word(&mut bytes, 5);
    for value in [0, BASE, BASE, length, length, ALIGNMENT] {
        long(&mut bytes, value);
    }
    bytes.extend_from_slice(code);
    bytes
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fills_its_page_and_puts_the_code_behind_the_headers() {
        let (bytes, runs) = bytes();
        assert_eq!(bytes.len(), SIZE);
        assert!(runs, "the machines that we build for have a program");
        let (_, code) = machine().unwrap();
        assert_eq!(&bytes[usize::from(HEADERS)..usize::from(HEADERS) + code.len()], code);
        assert_eq!(&bytes[..4], b"\x7fELF");
    }
}
