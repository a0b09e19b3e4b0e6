//! What a signed request and its receipt cost either side, and how much of it is cryptography.

#[path = "../tests/common/mod.rs"]
mod common;

use assay_protocol::{
    sha256, sign_receipt, sign_request, verify_receipt, Hotkey, Keypair, Policy, Scheme,
};
use common::{caller, ed25519, miner, params, Message, BODY, NOW, TARGET};
use criterion::{criterion_group, criterion_main, Criterion};
use http::{HeaderMap, Method};
use std::hint::black_box;

/// The length of a signature base, more or less.
const MESSAGE: &[u8] = &[b'x'; 500];

fn both_sides(criterion: &mut Criterion) {
    let schemes = [
        ("sr25519", caller(), miner()),
        ("ed25519", ed25519(1), ed25519(2)),
    ];
    for (scheme, caller, miner) in schemes {
        let mut group = criterion.benchmark_group(scheme);
        let asked = params(miner.hotkey());
        group.bench_function("sign a request", |bencher| {
            bencher.iter(|| {
                let mut headers = HeaderMap::new();
                sign_request(&caller, &Method::POST, TARGET, &mut headers, BODY, &asked)
            });
        });
        let message = Message::signed(&caller, &asked);
        let policy = Policy::new(miner.hotkey());
        group.bench_function("check a request", |bencher| {
            bencher.iter(|| message.verify(&policy, NOW));
        });
        let receipt = |headers: &mut HeaderMap| {
            sign_receipt(&miner, &message.record, 200, headers, BODY, NOW)
        };
        group.bench_function("sign a receipt", |bencher| {
            bencher.iter(|| receipt(&mut HeaderMap::new()));
        });
        let mut headers = HeaderMap::new();
        let signed = receipt(&mut headers);
        assert!(signed.is_ok(), "{signed:?}");
        group.bench_function("check a receipt", |bencher| {
            bencher.iter(|| verify_receipt(&message.record, 200, &headers, BODY));
        });
        group.finish();
    }
}

fn parts(criterion: &mut Criterion) {
    for (name, key) in [("sr25519", caller()), ("ed25519", ed25519(1))] {
        cryptography(criterion, name, key.scheme(), &key);
    }
    let mut group = criterion.benchmark_group("besides");
    group.bench_function("sha-256 of 1 KiB", |bencher| {
        bencher.iter(|| sha256(black_box(&[7; 1024])));
    });
    let hotkey = caller().hotkey();
    let address = hotkey.to_string();
    group.bench_function("write an address", |bencher| {
        bencher.iter(|| black_box(hotkey).to_string());
    });
    group.bench_function("read an address", |bencher| {
        bencher.iter(|| black_box(&address).parse::<Hotkey>());
    });
    group.finish();
}

fn cryptography(criterion: &mut Criterion, name: &str, scheme: Scheme, key: &Keypair) {
    let mut group = criterion.benchmark_group(format!("{name} alone"));
    group.bench_function("sign", |bencher| {
        bencher.iter(|| key.sign(black_box(MESSAGE)));
    });
    let signature = key.sign(MESSAGE);
    group.bench_function("check", |bencher| {
        bencher.iter(|| scheme.verify(&key.hotkey(), black_box(MESSAGE), &signature));
    });
    group.finish();
}

criterion_group!(benches, both_sides, parts);
criterion_main!(benches);
