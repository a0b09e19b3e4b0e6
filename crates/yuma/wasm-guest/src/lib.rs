//! The epoch's benchmark as a Wasm module, to be timed in a node's own executor.
//!
//! It speaks as much of a runtime's language as that takes: memory comes from the host
//! (`ext_allocator_malloc_version_1` and `ext_allocator_free_version_1`), and the one call,
//! `epochs(pointer, length) -> (pointer | length << 32)`, takes three bytes and gives eight.
//!
//! The bytes say which subnet (its place in `SIZES`), which rule (0: relative, 1: classic, 2:
//! relative with liquid alpha) and how many epochs to compute from the same input. Making up the subnet takes longer than an epoch, so time two calls with different
//! numbers of epochs and divide the difference. The answer is the sum of all incentives and
//! dividends of the last epoch, in parts of 2^-62.

#![no_std]

extern crate alloc;

#[path = "../../benches/subnet/mod.rs"]
mod subnet;

use alloc::boxed::Box;
use assay_yuma::run;
use core::hint::black_box;
use subnet::{Rule, Subnet, SIZES};

fn compute(request: [u8; 3]) -> u64 {
    let [size, rule, count] = request;
    let rule = match rule {
        0 => Rule::Relative,
        1 => Rule::Classic,
        _ => Rule::Liquid,
    };
    let Some(&(n, validators)) = SIZES.get(usize::from(size)) else {
        return 0;
    };
    let subnet = Subnet::new(n, validators, rule);
    let (weights, bonds) = (subnet.rows(), subnet.bond_rows());
    let input = subnet.input(rule, &weights, &bonds);
    let mut sum = 0;
    for _ in 0..count {
        if let Ok(outcome) = run(black_box(&input)) {
            let shares = outcome.incentive.iter().chain(&outcome.dividends);
            sum = shares.map(|share| share.bits()).sum();
        }
    }
    sum
}

/// The call.
///
/// # Safety
///
/// `pointer` must lead to `length` bytes of this module's memory, as the executor sees to.
#[no_mangle]
pub unsafe extern "C" fn epochs(pointer: *const u8, length: usize) -> u64 {
    let mut request = [0; 3];
    for (place, byte) in request.iter_mut().enumerate().take(length) {
        *byte = *pointer.add(place);
    }
    let answer: &'static mut [u8; 8] = Box::leak(Box::new(compute(request).to_le_bytes()));
    answer.as_ptr() as u64 | (8 << 32)
}

#[panic_handler]
fn panic(_: &core::panic::PanicInfo) -> ! {
    core::arch::wasm32::unreachable()
}

#[cfg(not(feature = "standalone"))]
mod host {
    use core::alloc::{GlobalAlloc, Layout};

    #[link(wasm_import_module = "env")]
    extern "C" {
        fn ext_allocator_malloc_version_1(size: u32) -> *mut u8;
        fn ext_allocator_free_version_1(pointer: *mut u8);
    }

    struct Host;

    // SAFETY: the host gives out memory of this module's own, aligned to eight bytes.
    unsafe impl GlobalAlloc for Host {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            ext_allocator_malloc_version_1(layout.size() as u32)
        }

        unsafe fn dealloc(&self, pointer: *mut u8, _: Layout) {
            ext_allocator_free_version_1(pointer)
        }
    }

    #[global_allocator]
    static HOST: Host = Host;
}

#[cfg(feature = "standalone")]
mod standalone {
    use core::alloc::{GlobalAlloc, Layout};
    use core::arch::wasm32::{memory_grow, memory_size};
    use core::cell::UnsafeCell;

    /// Free lists by power of two on top of a growing memory.
    struct Lists(UnsafeCell<[usize; 32]>);

    // SAFETY: a module without threads.
    unsafe impl Sync for Lists {}

    // SAFETY: every block is a power of two in size, aligned to sixteen bytes, and in one list at
    // most, linked through its first word.
    unsafe impl GlobalAlloc for Lists {
        unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
            let order = order(layout);
            let lists = self.0.get();
            let first = (*lists)[order];
            if first != 0 {
                (*lists)[order] = *(first as *const usize);
                return first as *mut u8;
            }
            // The two lowest lists are never used: they hold where free memory starts and ends.
            if (*lists)[0] + (1 << order) > (*lists)[1] {
                let pages = ((1usize << order) >> 16).max(16);
                let start = memory_grow(0, pages);
                if start == usize::MAX {
                    return core::ptr::null_mut();
                }
                (*lists)[0] = start << 16;
                (*lists)[1] = memory_size(0) << 16;
            }
            let block = (*lists)[0];
            (*lists)[0] += 1 << order;
            block as *mut u8
        }

        unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
            let order = order(layout);
            *(pointer as *mut usize) = (*self.0.get())[order];
            (*self.0.get())[order] = pointer as usize;
        }
    }

    fn order(layout: Layout) -> usize {
        layout.size().max(16).next_power_of_two().trailing_zeros() as usize
    }

    #[global_allocator]
    static LISTS: Lists = Lists(UnsafeCell::new([0; 32]));
}
