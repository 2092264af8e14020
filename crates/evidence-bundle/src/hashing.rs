//! SHA-256 and size of what streams by, in constant memory.

use std::io;

use sha2::{Digest, Sha256};

/// Hashes and counts what is written to it and keeps none of it. [`update`](Hashing::update) serves code that uploads
/// part by part; `io::Write` serves `io::copy`, and never fails.
#[derive(Debug, Clone, Default)]
pub struct Hashing {
    sha256: Sha256,
    bytes: u64,
}

impl Hashing {
    /// Nothing hashed yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha256.update(bytes);
        self.bytes += bytes.len() as u64;
    }

    /// The SHA-256 in lower-case hex, and the number of bytes.
    pub fn finish(self) -> (String, u64) {
        (hex(&self.sha256.finalize()), self.bytes)
    }
}

impl io::Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The SHA-256 of these bytes in lower-case hex; of a stored tag manifest, it is the `previous` of the next pass.
pub fn sha256_hex(bytes: &[u8]) -> String {
    hex(&Sha256::digest(bytes))
}

/// Whether the text is a SHA-256 as this crate writes it: 64 lower-case hex digits.
pub(crate) fn is_sha256(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_the_standard_however_the_bytes_arrive() {
        const ABC: &str = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"; // FIPS 180-2, B.1
        assert_eq!(sha256_hex(b"abc"), ABC);

        let mut hashing = Hashing::new();
        hashing.update(b"a");
        io::copy(&mut &b"bc"[..], &mut hashing).unwrap();
        assert_eq!(hashing.finish(), (ABC.to_owned(), 3));
    }
}
