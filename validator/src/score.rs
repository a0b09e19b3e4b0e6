//! What a miner's answers say about its quality, and how sure they make us.
//!
//! Quality `p` is the chance that an answer is right. With `h` right and `m` wrong answers (older
//! ones counting less) its posterior is `Beta(1 + h, 1 + m)`. The score starts from the lower end
//! `q` of the interval that holds `p` with probability `level`, equal tails on both sides:
//!
//! ```text
//! P(p < q) = (1 - level) / 2
//! score = max(0, (q - chance) / (1 - chance)) · (1 - w · t) · (1 - v · a)
//! ```
//!
//! so guessing earns nothing, and being unknown earns nothing either. `t` is the mean time taken as
//! a part of the deadline and `w` the task's latency weight; `a` is the part of the items that got no
//! answer at all and `v` the task's availability weight. Without one, silence costs what a wrong
//! answer costs. After each round in which a miner was asked, what was known before counts
//! `2^(-1/half-life)` times as much.

use crate::task::ScoreRules;
use assay_primitives::SCORE_ONE;
use statrs::distribution::{Beta, ContinuousCDF};

/// Halvings by which a quantile is found: to 6e-11, where a score's unit is 1e-6.
const HALVINGS: u32 = 34;

/// What is known about one miner's model.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Posterior {
    /// Right answers, forgotten by and by.
    pub hits: f64,
    /// Wrong answers and silences, forgotten by and by.
    pub misses: f64,
    /// Time taken as a part of the deadline, summed over items, forgotten by and by.
    pub time: f64,
    /// Items that got no answer, forgotten by and by. They are among the misses too.
    pub absent: f64,
    /// Items asked so far; not forgotten.
    pub asked: u64,
}

/// What one round says about one miner.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Tally {
    /// Items that count.
    pub items: u32,
    /// Sum of their scores, in units of [`SCORE_ONE`].
    pub score: u64,
    /// Sum over the items of the time taken as a part of the deadline, each within 0 and 1.
    pub time: f64,
    /// Items, of those that count, that got no answer.
    pub absent: u32,
}

impl Posterior {
    /// Forgets a round's worth and adds what a round says.
    pub fn update(&mut self, tally: &Tally, rules: &ScoreRules) {
        if tally.items == 0 {
            return;
        }
        let kept = (-1.0 / rules.half_life_rounds).exp2();
        let items = f64::from(tally.items);
        let hits = (tally.score as f64 / f64::from(SCORE_ONE)).min(items);
        self.hits = self.hits * kept + hits;
        self.misses = self.misses * kept + (items - hits);
        self.time = self.time * kept + tally.time.clamp(0.0, items);
        self.absent = self.absent * kept + f64::from(tally.absent.min(tally.items));
        self.asked += u64::from(tally.items);
    }

    /// The expected quality.
    pub fn mean(&self) -> f64 {
        (1.0 + self.hits) / (2.0 + self.hits + self.misses)
    }

    /// The interval that holds the quality with probability `level`, equal tails on both sides.
    pub fn interval(&self, level: f64) -> (f64, f64) {
        (self.low(level), self.quantile((1.0 + level) / 2.0))
    }

    /// The lower end of that interval.
    pub fn low(&self, level: f64) -> f64 {
        self.quantile((1.0 - level) / 2.0)
    }

    /// Mean time taken as a part of the deadline.
    pub fn mean_time(&self) -> f64 {
        self.part(self.time)
    }

    /// The part of the items that got no answer.
    pub fn absence(&self) -> f64 {
        self.part(self.absent)
    }

    fn part(&self, sum: f64) -> f64 {
        let counted = self.hits + self.misses;
        if counted > 0.0 {
            (sum / counted).clamp(0.0, 1.0)
        } else {
            0.0
        }
    }

    /// The quality that is undercut with probability `tail`. Found by halving: the library's own
    /// inverse is a Newton iteration, which has no bound on its steps.
    fn quantile(&self, tail: f64) -> f64 {
        let Ok(beta) = Beta::new(1.0 + self.hits, 1.0 + self.misses) else {
            return 0.0;
        };
        let (mut low, mut high) = (0.0, 1.0);
        for _ in 0..HALVINGS {
            let middle = (low + high) / 2.0;
            if beta.cdf(middle) < tail {
                low = middle;
            } else {
                high = middle;
            }
        }
        low
    }

    /// The score, in `0..=SCORE_ONE`.
    pub fn score(&self, rules: &ScoreRules, chance: f64) -> u32 {
        let low = self.low(rules.credible_level);
        let skill = ((low - chance) / (1.0 - chance)).max(0.0);
        let score = skill
            * (1.0 - rules.latency_weight * self.mean_time())
            * (1.0 - rules.availability_weight * self.absence());
        (score.clamp(0.0, 1.0) * f64::from(SCORE_ONE)) as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RULES: ScoreRules = ScoreRules {
        half_life_rounds: 40.0,
        credible_level: 0.95,
        latency_weight: 0.0,
        availability_weight: 0.0,
    };

    fn posterior(hits: f64, misses: f64) -> Posterior {
        Posterior {
            hits,
            misses,
            ..Posterior::default()
        }
    }

    #[test]
    fn interval_agrees_with_scipy() {
        // scipy.stats.beta.ppf([0.025, 0.975], 1 + hits, 1 + misses)
        for (hits, misses, low, high) in SCIPY {
            let (found_low, found_high) = posterior(hits, misses).interval(0.95);
            assert!(
                (found_low - low).abs() < 1e-9,
                "{hits} {misses}: {found_low} {low}"
            );
            assert!(
                (found_high - high).abs() < 1e-9,
                "{hits} {misses}: {found_high} {high}"
            );
        }
    }

    const SCIPY: [(f64, f64, f64, f64); 5] = [
        (0.0, 0.0, 0.025, 0.975),
        (96.0, 4.0, 0.901_694_981_380, 0.983_732_784_889),
        (3.25, 60.5, 0.019_118_502_313, 0.134_875_942_191),
        (3000.0, 30.0, 0.985_900_309_898, 0.993_040_527_172),
        (0.0, 3700.0, 0.000_006_840_779, 0.000_996_228_496),
    ];

    #[test]
    fn score_is_nothing_when_nothing_is_known() {
        assert_eq!(Posterior::default().score(&RULES, 0.1), 0);
        // Two right answers out of two prove little.
        assert!(posterior(2.0, 0.0).score(&RULES, 0.1) < SCORE_ONE / 3);
    }

    #[test]
    fn score_is_nothing_when_answers_are_guessed() {
        assert_eq!(posterior(100.0, 900.0).score(&RULES, 0.1), 0);
        assert_eq!(posterior(0.0, 1000.0).score(&RULES, 0.1), 0);
    }

    #[test]
    fn score_falls_with_latency_when_the_task_says_so() {
        let slow = Posterior {
            time: 50.0,
            ..posterior(100.0, 0.0)
        };
        let rules = ScoreRules {
            latency_weight: 0.5,
            ..RULES
        };
        let ratio = f64::from(slow.score(&rules, 0.1)) / f64::from(slow.score(&RULES, 0.1));
        assert!((ratio - 0.75).abs() < 1e-4, "{ratio}");
    }

    #[test]
    fn score_falls_with_absence_when_the_task_says_so() {
        let away = Posterior {
            absent: 20.0,
            ..posterior(80.0, 20.0)
        };
        let rules = ScoreRules {
            availability_weight: 1.0,
            ..RULES
        };
        let ratio = f64::from(away.score(&rules, 0.1)) / f64::from(away.score(&RULES, 0.1));
        assert!((ratio - 0.8).abs() < 1e-4, "{ratio}");
        let wrong = posterior(80.0, 20.0);
        assert_eq!(wrong.score(&rules, 0.1), wrong.score(&RULES, 0.1));
    }

    #[test]
    fn update_forgets_half_after_the_half_life() {
        let mut known = posterior(1000.0, 0.0);
        let nothing_new = Tally {
            items: 1,
            score: 0,
            time: 0.0,
            absent: 0,
        };
        for _ in 0..40 {
            known.update(&nothing_new, &RULES);
        }
        assert!((known.hits - 500.0).abs() < 1e-9, "{}", known.hits);
        assert_eq!(known.asked, 40);
        let before = known;
        known.update(&Tally::default(), &RULES);
        assert_eq!(known, before, "a round that does not count changes nothing");
    }

    proptest! {
        #[test]
        fn score_rises_with_right_answers(hits in 0.0..5000f64, misses in 0.0..5000f64) {
            let base = posterior(hits, misses).score(&RULES, 0.1);
            prop_assert!(base <= SCORE_ONE);
            prop_assert!(posterior(hits + 1.0, misses).score(&RULES, 0.1) >= base);
            prop_assert!(posterior(hits, misses + 1.0).score(&RULES, 0.1) <= base);
        }

        #[test]
        fn score_stays_below_the_expected_quality(hits in 0.0..5000f64, misses in 0.0..5000f64) {
            let known = posterior(hits, misses);
            let score = f64::from(known.score(&RULES, 0.0)) / f64::from(SCORE_ONE);
            prop_assert!(score <= known.mean());
        }
    }
}
