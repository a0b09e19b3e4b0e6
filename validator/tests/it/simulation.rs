//! Scores and weights of miners whose quality is known, without a network.
//!
//! `cargo nextest run -p assay-validator simulation --no-capture` prints the figures that
//! docs/scoring.md quotes.

use assay_primitives::{MinerScore, Serial, Uid, SCORE_ONE};
use assay_validator::{
    score::{Posterior, Tally},
    task::ScoreRules,
    weights::{row, Row, WeightRules},
};
use rand::{Rng as _, SeedableRng as _};
use rand_chacha::ChaCha8Rng;

const MINERS: usize = 256;
const ROUNDS: u32 = 50;
const ITEMS: u32 = 16;
/// What the ready tasks ask.
const READY_ITEMS: u32 = 64;
const VALIDATORS: u64 = 16;
const CHANCE: f64 = 0.1;
const RULES: ScoreRules = ScoreRules {
    half_life_rounds: 40.0,
    credible_level: 0.95,
    latency_weight: 0.0,
    availability_weight: 0.0,
};

/// Qualities in equal steps, in an order that has nothing to do with uids.
fn qualities(low: f64, high: f64) -> Vec<f64> {
    let step = (high - low) / (MINERS - 1) as f64;
    (0..MINERS)
        .map(|uid| low + step * (uid * 101 % MINERS) as f64)
        .collect()
}

/// What one validator knows after asking everybody `items` in each round.
fn learn(qualities: &[f64], items: u32, validator: u64) -> Vec<Posterior> {
    let mut dice = ChaCha8Rng::seed_from_u64(validator);
    let mut known = vec![Posterior::default(); qualities.len()];
    for _ in 0..ROUNDS {
        for (posterior, quality) in known.iter_mut().zip(qualities) {
            let right = (0..items).filter(|_| dice.random_bool(*quality)).count() as u64;
            posterior.update(&tally(items, right * u64::from(SCORE_ONE)), &RULES);
        }
    }
    known
}

fn tally(items: u32, score: u64) -> Tally {
    Tally {
        items,
        score,
        ..Tally::default()
    }
}

fn scores(known: &[Posterior], rules: &ScoreRules) -> Vec<MinerScore> {
    (0..)
        .zip(known)
        .map(|(uid, posterior)| MinerScore {
            uid: Uid(uid),
            serial: Serial(uid.into()),
            score: posterior.score(rules, CHANCE),
        })
        .collect()
}

fn weigh(known: &[Posterior], weights: &WeightRules) -> Row {
    row(scores(known, &RULES).iter(), weights).unwrap()
}

/// Ranks from 1; equal values share the mean of theirs.
fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut start = 0;
    while start < order.len() {
        let value = values[order[start]];
        let same = order[start..].iter().take_while(|&&at| values[at] == value);
        let count = same.count();
        for &at in &order[start..start + count] {
            ranks[at] = start as f64 + (count + 1) as f64 / 2.0;
        }
        start += count;
    }
    ranks
}

fn spearman(left: &[f64], right: &[f64]) -> f64 {
    let (left, right) = (ranks(left), ranks(right));
    let mean = (left.len() + 1) as f64 / 2.0;
    let products = |a: &[f64], b: &[f64]| -> f64 {
        let pairs = a.iter().zip(b);
        pairs.map(|(a, b)| (a - mean) * (b - mean)).sum()
    };
    products(&left, &right) / (products(&left, &left) * products(&right, &right)).sqrt()
}

/// Mean and standard deviation.
fn moments(values: &[f64]) -> (f64, f64) {
    let count = values.len() as f64;
    let mean = values.iter().sum::<f64>() / count;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (mean, (squares / (count - 1.0)).sqrt())
}

/// By miner: the mean part of the rows over honest validators, and its spread as a part of the mean.
fn spread(qualities: &[f64], items: u32, weights: &WeightRules) -> Vec<(f64, f64)> {
    let rows: Vec<Row> = (0..VALIDATORS)
        .map(|validator| weigh(&learn(qualities, items, validator), weights))
        .collect();
    (0..qualities.len() as u16)
        .map(|uid| {
            let parts: Vec<f64> = rows.iter().map(|row| row.part(Uid(uid))).collect();
            let (mean, deviation) = moments(&parts);
            (mean, if mean > 0.0 { deviation / mean } else { 0.0 })
        })
        .collect()
}

/// The least spread that any estimate can have which looks at each answer alone: what is left of the
/// noise when all answers of all rounds count alike.
fn least(quality: f64, items: u32) -> f64 {
    let answers = f64::from(items * ROUNDS);
    (quality * (1.0 - quality) / answers).sqrt() / (quality - CHANCE)
}

/// The mean spread, each miner counting by its weight: what of the emission is noise.
fn mean_spread(spreads: &[(f64, f64)]) -> f64 {
    let sum: f64 = spreads.iter().map(|(weight, _)| weight).sum();
    spreads
        .iter()
        .map(|(weight, spread)| weight * spread)
        .sum::<f64>()
        / sum
}

#[test]
fn weights_rank_256_miners_as_their_quality_does() {
    for (low, high, least) in [(0.1, 0.99, 0.98), (0.5, 0.99, 0.98), (0.8, 0.99, 0.94)] {
        let truth = qualities(low, high);
        let known = learn(&truth, ITEMS, 1);
        let row = weigh(&known, &WeightRules::default());
        let weights: Vec<f64> = (0..MINERS as u16)
            .map(|uid| f64::from(row.value(Uid(uid))))
            .collect();
        let correlation = spearman(&weights, &truth);
        let errors: Vec<f64> = known
            .iter()
            .zip(&truth)
            .map(|(it, p)| it.mean() - p)
            .collect();
        let (bias, noise) = moments(&errors);
        let within = known.iter().zip(&truth).filter(|(it, truth)| {
            let (low, high) = it.interval(0.95);
            (low..=high).contains(truth)
        });
        let covered = within.count() as f64 / MINERS as f64;
        println!(
            "quality {low} to {high}: Spearman {correlation:.4}, error of the estimate {bias:+.4} \
             ± {noise:.4}, within the stated 95 % interval {:.1} %",
            covered * 100.0
        );
        assert!(correlation >= least, "{correlation} for {low} to {high}");
        assert!(bias.abs() < 0.005, "{bias}");
        assert!(covered >= 0.93, "{covered}");
    }
}

/// Prints the spread by quality, with the least that is possible.
fn print_by_quality(spreads: &[(f64, f64)], truth: &[f64], items: u32) -> Vec<(f64, f64, f64)> {
    let bands = [
        (0.9, 1.0),
        (0.8, 0.9),
        (0.7, 0.8),
        (0.6, 0.7),
        (0.4, 0.6),
        (0.2, 0.4),
    ];
    println!(
        "{items} items a round: {:.2} % by weight",
        mean_spread(spreads) * 100.0
    );
    let of_band = |(low, high): (f64, f64)| {
        let miners = spreads.iter().zip(truth);
        let inside = miners.filter(|(_, quality)| (low..high).contains(*quality));
        let band: Vec<(f64, f64)> = inside
            .map(|((_, spread), quality)| (*spread, least(*quality, items)))
            .collect();
        let (spreads, least): (Vec<f64>, Vec<f64>) = band.into_iter().unzip();
        let (mean, least) = (moments(&spreads).0, moments(&least).0);
        let worst = spreads.into_iter().fold(0.0, f64::max);
        println!(
            "  quality {low} to {high}: mean {:.2} %, worst {:.2} %; least possible {:.2} %",
            mean * 100.0,
            worst * 100.0,
            least * 100.0
        );
        (low, mean, worst)
    };
    bands.into_iter().map(of_band).collect()
}

#[test]
fn honest_validators_agree_on_a_miner_s_weight() {
    let truth = qualities(0.1, 0.99);
    let linear = spread(&truth, ITEMS, &WeightRules::default());
    let sharp = WeightRules {
        temperature: Some(0.05),
        ..WeightRules::default()
    };
    let bent = mean_spread(&spread(&truth, ITEMS, &sharp));
    println!("softmax at 0.05: {:.2} % by weight", bent * 100.0);
    for (low, mean, _) in print_by_quality(&linear, &truth, ITEMS) {
        // Near chance there is little to agree on: a tenth of a small weight is still little.
        assert!(low < 0.6 || mean <= 0.05, "{mean} at {low}");
    }
    let mean = mean_spread(&linear);
    assert!(mean <= 0.05, "{mean}");
    assert!(
        bent > 3.0 * mean,
        "bending the line drives validators apart: {bent}"
    );
    // With as many items as the ready tasks ask, it holds for each miner and not in the mean alone. A
    // quarter of the miners shows it in a quarter of the time.
    let some: Vec<f64> = truth.iter().copied().step_by(4).collect();
    let linear = spread(&some, READY_ITEMS, &WeightRules::default());
    for (low, _, worst) in print_by_quality(&linear, &some, READY_ITEMS) {
        assert!(low < 0.4 || worst <= 0.05, "{worst} at {low}");
    }
}

#[test]
fn lucky_and_unlucky_miners_converge() {
    // What is expected, without noise: what remains is what the first rounds left behind.
    let exact = |quality: f64| tally(ITEMS, (quality * f64::from(ITEMS * SCORE_ONE)) as u64);
    for (name, quality, start) in [("lucky and bad", 0.4, 1.0), ("unlucky and good", 0.95, 0.0)] {
        let (mut tried, mut twin) = (Posterior::default(), Posterior::default());
        for _ in 0..5 {
            tried.update(&exact(start), &RULES);
            twin.update(&exact(quality), &RULES);
        }
        let mut gap = f64::INFINITY;
        for round in 1..=150 {
            tried.update(&exact(quality), &RULES);
            twin.update(&exact(quality), &RULES);
            let score = |it: &Posterior| f64::from(it.score(&RULES, CHANCE)) / f64::from(SCORE_ONE);
            let now = (score(&tried) - score(&twin)).abs();
            assert!(now <= gap + 1e-6, "{name}: it must only get closer");
            gap = now;
            if [1, 10, 25, 50, 100, 150].contains(&round) {
                println!("{name}: {gap:.4} from the truth after {round} more rounds");
            }
        }
        assert!(gap < 0.01, "{name}: {gap}");
    }
}

#[test]
fn newcomers_are_known_before_their_immunity_ends() {
    // The digits task: 64 items a round, twice as many until 512; a local network's immunity of a
    // few epochs leaves room for 8 rounds.
    let mut newcomer = Posterior::default();
    for round in 1..=8 {
        let items = if newcomer.asked < 512 { 128 } else { 64 };
        let right = u64::from(items) * 9 / 10 * u64::from(SCORE_ONE);
        newcomer.update(&tally(items, right), &RULES);
        let (low, high) = newcomer.interval(0.95);
        println!(
            "round {round}: asked {}, interval {:.3}",
            newcomer.asked,
            high - low
        );
        // Never free weight: the score stays below what is true.
        let skill = (0.9 - CHANCE) / (1.0 - CHANCE);
        let score = f64::from(newcomer.score(&RULES, CHANCE)) / f64::from(SCORE_ONE);
        assert!(score < skill, "{score}");
    }
    let (low, high) = newcomer.interval(0.95);
    assert!(high - low < 0.05, "{low} {high}");
}
