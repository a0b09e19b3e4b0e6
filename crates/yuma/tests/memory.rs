//! What an epoch allocates at 4,096 neurons and 1,048,576 weights with as many bonds: it has to
//! fit the Wasm heap of a node, which is 128 MiB and gives out 32 MiB at once.

extern crate alloc;

#[path = "../benches/subnet/mod.rs"]
mod subnet;

use assay_yuma::run;
use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use subnet::{Rule, Subnet};

/// Counts what is held, rounded up to powers of two as the Wasm allocator does.
struct Counting;

static HELD: AtomicUsize = AtomicUsize::new(0);
static PEAK: AtomicUsize = AtomicUsize::new(0);
static LARGEST: AtomicUsize = AtomicUsize::new(0);

// SAFETY: every call is passed on to the system's allocator unchanged.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let size = layout.size().next_power_of_two();
        let held = HELD.fetch_add(size, SeqCst) + size;
        PEAK.fetch_max(held, SeqCst);
        LARGEST.fetch_max(size, SeqCst);
        System.alloc(layout)
    }

    unsafe fn dealloc(&self, ptr: *mut u8, layout: Layout) {
        HELD.fetch_sub(layout.size().next_power_of_two(), SeqCst);
        System.dealloc(ptr, layout)
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const MIB: usize = 1 << 20;

/// Memory one epoch takes beyond its input, and its largest single allocation.
fn measure(subnet: &Subnet, rule: Rule) -> (usize, usize) {
    let (weights, bonds) = (subnet.rows(), subnet.bond_rows());
    let input = subnet.input(rule, &weights, &bonds);
    let before = HELD.load(SeqCst);
    PEAK.store(before, SeqCst);
    LARGEST.store(0, SeqCst);
    let outcome = run(&input).expect("the input is well-formed");
    assert_eq!(outcome.incentive.len(), input.neurons.len());
    (PEAK.load(SeqCst) - before, LARGEST.load(SeqCst))
}

// One test, since the counters are the process's.
#[test]
fn an_epoch_fits_the_wasm_heap_and_grows_with_the_weights_alone() {
    for rule in [Rule::Relative, Rule::Classic, Rule::Liquid] {
        let large = Subnet::new(4_096, 256, rule);
        let (total, largest) = measure(&large, rule);
        println!("4096x256: {total} bytes in all, {largest} at once");
        assert!(largest <= 4 * MIB, "one allocation of {largest} bytes");
        assert!(total <= 24 * MIB, "{total} bytes in all");
        let small = Subnet::new(2_048, 128, rule);
        let (quarter, _) = measure(&small, rule);
        println!("2048x128: {quarter} bytes in all");
        assert!(
            quarter * 3 < total,
            "{quarter} bytes for a quarter of the weights, of {total}"
        );
    }
}
