//! The runtime that comes after the one that was built: the same but for its version.
//!
//! Compiling a second runtime would take minutes, and all that tells it from the first is one number.
//! So the number is exchanged wherever it stands in the Wasm: in the section from which a node reads
//! the version without running anything, among the data, and in the instructions that load it. It is
//! a date and two digits more, to which no other number of a runtime is equal.

use sp_maybe_compressed_blob::{compress_weakly, decompress, CODE_BLOB_BOMB_LIMIT};

/// The instruction that loads a constant of 32 bits.
const I32_CONST: u8 = 0x41;
/// The instruction that loads one of 64: two neighbouring numbers at once.
const I64_CONST: u8 = 0x42;

/// A runtime's Wasm as a chain takes it.
pub struct NextRuntime {
    /// The Wasm, compressed.
    pub code: Vec<u8>,
    /// Its `spec_version`.
    pub version: u32,
}

impl NextRuntime {
    /// The successor of a runtime with this `spec_version`.
    ///
    /// # Panics
    /// If the version does not stand in the Wasm as compilers write it.
    pub fn after(code: &[u8], version: u32) -> Self {
        let wasm = decompress(code, CODE_BLOB_BOMB_LIMIT).expect("a chain's runtime is one");
        let mut wasm = wasm.into_owned();
        let next = version + 1;
        let data = replace(&mut wasm, &version.to_le_bytes(), &next.to_le_bytes());
        let loads = loads(version).into_iter().zip(self::loads(next));
        let loads: usize = loads.map(|(old, new)| replace(&mut wasm, &old, &new)).sum();
        assert!(
            data > 0 && loads > 0,
            "version {version} stands {data} times in the data and {loads} times in the code of \
             the runtime: it can't be exchanged"
        );
        Self {
            code: compress_weakly(&wasm, CODE_BLOB_BOMB_LIMIT).expect("no runtime is so large"),
            version: next,
        }
    }
}

/// The instructions by which compilers load a version: alone, or together with one of the versions
/// beside it, which are all 1.
fn loads(version: u32) -> [Vec<u8>; 3] {
    let version = i64::from(version);
    let load = |instruction, number| [vec![instruction], leb128(number)].concat();
    [
        load(I32_CONST, version),
        load(I64_CONST, version | (1 << 32)),
        load(I64_CONST, (version << 32) | 1),
    ]
}

/// A number as Wasm's instructions carry it: seven bits a byte, the lowest first, with its sign.
fn leb128(mut number: i64) -> Vec<u8> {
    let mut bytes = Vec::new();
    loop {
        let low = (number & 0x7f) as u8;
        number >>= 7;
        let sign = low & 0x40 != 0;
        if (number == 0 && !sign) || (number == -1 && sign) {
            bytes.push(low);
            return bytes;
        }
        bytes.push(low | 0x80);
    }
}

/// Exchanges one sequence of bytes by another as long, everywhere; says how often.
fn replace(bytes: &mut [u8], old: &[u8], new: &[u8]) -> usize {
    assert_eq!(old.len(), new.len(), "what is exchanged is as long");
    let (mut at, mut times) = (0, 0);
    while let Some(found) = bytes[at..]
        .windows(old.len())
        .position(|window| window == old)
    {
        let start = at + found;
        at = start + old.len();
        bytes[start..at].copy_from_slice(new);
        times += 1;
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As in the standard's own examples.
    #[test]
    fn leb128_is_as_wasm_has_it() {
        assert_eq!(leb128(2), [2]);
        assert_eq!(leb128(-2), [0x7e]);
        assert_eq!(leb128(127), [0xff, 0]);
        assert_eq!(leb128(-128), [0x80, 0x7f]);
        assert_eq!(leb128(128), [0x80, 1]);
        assert_eq!(leb128(-123_456), [0xc0, 0xbb, 0x78]);
    }

    #[test]
    fn after_exchanges_the_version_in_data_and_code() {
        let version = 2_026_112_100_u32;
        let mut wasm = b"some data ".to_vec();
        wasm.extend(version.to_le_bytes());
        for load in loads(version) {
            wasm.extend(load);
        }
        let next = NextRuntime::after(&wasm, version);
        let wasm = decompress(&next.code, CODE_BLOB_BOMB_LIMIT).unwrap();
        assert_eq!(next.version, version + 1);
        assert_eq!(wasm[10..14], next.version.to_le_bytes());
        for load in loads(next.version) {
            assert!(wasm.windows(load.len()).any(|window| window == load));
        }
    }

    #[test]
    #[should_panic(expected = "can't be exchanged")]
    fn after_panics_when_the_version_is_nowhere() {
        NextRuntime::after(b"no runtime", 2_026_112_100);
    }
}
