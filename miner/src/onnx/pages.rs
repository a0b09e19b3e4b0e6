//! Weights on huge pages.
//!
//! A run reads all weights of a model, and the processor has to look up where each page of them lies.
//! Pages of 4 KiB are more than it can remember, and in a virtual machine a lookup is two. Linux puts
//! large memory on huge pages by itself only where it is set to `always`; most systems have `madvise`,
//! and neither the C library nor ONNX Runtime asks. So it is asked here, once a model is loaded.
//! It is a matter of speed alone: where it can't be had, models run as they do elsewhere.

use std::{ffi::c_int, fs, io, ops::Range};

/// "Put what lies here on huge pages now", of Linux 6.1 (`asm-generic/mman-common.h`).
const MADV_COLLAPSE: c_int = 25;

/// The size of a huge page, in bytes. Not there: the kernel has none.
const HUGE_PAGE: &str = "/sys/kernel/mm/transparent_hugepage/hpage_pmd_size";

/// Moves what this process holds in large pieces onto huge pages. Whoever uses it meanwhile waits for
/// microseconds. It takes as long as copying it: not for async threads.
pub(super) fn use_huge_pages() {
    match collapse() {
        Ok(0) => {}
        Ok(bytes) => tracing::debug!(mib = bytes >> 20, "memory lies on huge pages"),
        Err(why) => tracing::debug!(%why, "memory stays on small pages"),
    }
}

/// The bytes that lie on huge pages by now; an error if some were to, and none do.
fn collapse() -> io::Result<usize> {
    let Ok(size) = fs::read_to_string(HUGE_PAGE) else {
        return Ok(0);
    };
    let size = size.trim().parse().map_err(io::Error::other)?;
    let (mut moved, mut failed) = (0, None);
    for range in filled(&fs::read_to_string("/proc/self/smaps")?, size) {
        let address = range.start as *mut libc::c_void;
        // SAFETY: the memory keeps its addresses and contents, whoever uses it meanwhile. What was
        // given back since it was listed is refused, or belongs to somebody to whom the same applies.
        let outcome = unsafe { libc::madvise(address, range.len(), MADV_COLLAPSE) };
        if outcome == 0 {
            moved += range.len();
        } else {
            failed = Some(io::Error::last_os_error());
        }
    }
    match failed {
        Some(why) if moved == 0 => Err(why),
        _ => Ok(moved),
    }
}

/// The whole huge pages within private memory of which nine tenths are in use, so that the rest, which
/// comes to be used with it, is little: stacks and the like are nearly empty.
fn filled(smaps: &str, huge: usize) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut mapping = None;
    for line in smaps.lines() {
        if let Some(range) = private(line) {
            mapping = Some(range);
        } else if let (Some(range), Some(rss)) = (&mapping, line.strip_prefix("Rss:")) {
            let rss = rss.trim().trim_end_matches(" kB").parse::<usize>();
            let is_full = rss.is_ok_and(|rss| rss * 1024 >= range.len() / 10 * 9);
            let inner = range.start.next_multiple_of(huge)..range.end / huge * huge;
            if is_full && !inner.is_empty() {
                found.push(inner);
            }
            mapping = None;
        }
    }
    found
}

/// The addresses, if this line begins a private mapping to which one can write and behind which there
/// is no file: `7f0c00000000-7f0c00021000 rw-p 00000000 00:00 0`.
fn private(line: &str) -> Option<Range<usize>> {
    let mut fields = line.split_ascii_whitespace();
    let (start, end) = fields.next()?.split_once('-')?;
    let rights = fields.next()?;
    let is_of_no_file = matches!(fields.nth(3), None | Some("[heap]"));
    if rights != "rw-p" || !is_of_no_file {
        return None;
    }
    let address = |text| usize::from_str_radix(text, 16).ok();
    Some(address(start)?..address(end)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[test]
    fn filled_takes_whole_huge_pages_of_private_memory_in_use() {
        let smaps = "\
7f0000100000-7f0000900000 rw-p 00000000 00:00 0
Size:               8192 kB
Rss:                8000 kB
7f0001000000-7f0001800000 rw-p 00000000 00:00 0                          [stack]
Rss:                8192 kB
7f0002000000-7f0002800000 rw-p 00000000 00:00 0
Rss:                 100 kB
7f0003000000-7f0003800000 rw-p 00000000 08:01 77                         /lib/a.so
Rss:                8192 kB
7f0004000000-7f0004800000 r--p 00000000 00:00 0
Rss:                8192 kB
7f0005000000-7f0005100000 rw-p 00000000 00:00 0
Rss:                1024 kB
555500000000-555500400000 rw-p 00000000 00:00 0                          [heap]
Rss:                4096 kB
";
        let found = filled(smaps, 2 * MIB);
        let whole = [
            0x7f00_0020_0000..0x7f00_0080_0000,
            0x5555_0000_0000..0x5555_0040_0000,
        ];
        assert_eq!(found, whole);
    }

    #[test]
    fn collapse_leaves_contents_as_they_are() {
        let memory: Vec<u64> = (0..4 * MIB as u64).collect();
        let moved = collapse();
        assert!(memory.iter().copied().eq(0..4 * MIB as u64));
        // Refused by kernels before 6.1; where huge pages are short, some memory may go without.
        if let Err(why) = moved {
            let known = [libc::EINVAL, libc::EAGAIN, libc::ENOMEM, libc::EBUSY];
            assert!(known.contains(&why.raw_os_error().unwrap()), "{why}");
        }
    }
}
