//! The entries of the fuzz targets, run on their corpora and on what chance makes of them.

#[path = "../../../fuzz/entries/protocol.rs"]
mod entries;

use proptest::{collection::vec, prelude::*, sample::Index};
use std::{fs, path::Path};

fn corpus(target: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus");
    let files = fs::read_dir(folder.join(target)).unwrap();
    let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
    paths.sort();
    assert!(!paths.is_empty());
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

/// An input of the corpus in which some bytes were overwritten, and which ends somewhere.
fn changed(target: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let changes = vec((any::<Index>(), any::<u8>()), 0..4);
    let whole = (any::<Index>(), changes, any::<Index>(), any::<bool>());
    whole.prop_map(move |(which, changes, end, cut)| {
        let mut bytes = which.get(&corpus(target)).clone();
        for (place, byte) in changes {
            let place = place.index(bytes.len());
            bytes[place] = byte;
        }
        if cut {
            bytes.truncate(end.index(bytes.len()));
        }
        bytes
    })
}

#[test]
fn corpora_break_nothing_and_good_ones_verify() {
    corpus("query").iter().for_each(|it| entries::query(it));
    let verified = corpus("signature");
    let verified = verified.iter().filter(|it| entries::signature(it)).count();
    // `good`, and `two-labels` with somebody else's signature beside. Were it none, the target would
    // never get beyond the first checks.
    assert_eq!(verified, 2);
    let taken = corpus("receipt");
    let taken = taken.iter().filter(|it| entries::receipt(it)).count();
    // The same two of them.
    assert_eq!(taken, 2);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn bodies_like_good_ones_break_nothing(bytes in changed("query")) {
        entries::query(&bytes);
    }

    #[test]
    fn heads_like_good_ones_break_nothing(bytes in changed("signature")) {
        entries::signature(&bytes);
    }

    #[test]
    fn receipts_like_good_ones_break_nothing(bytes in changed("receipt")) {
        entries::receipt(&bytes);
    }
}
