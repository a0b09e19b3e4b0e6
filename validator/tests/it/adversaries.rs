//! What those earn who have no model: on items made from a seed, with a model beside them that others
//! can be measured by.

use crate::common::{self, FakeClock};
use assay_primitives::{Digest, SCORE_ONE};
use assay_protocol::oip::{Tensor, TensorData};
use assay_validator::{
    chain::{Chain, Miner},
    peers::{Answer, Failure, Peers, Proof, Question},
    round::{RoundRunner, RoundStart},
    score::Posterior,
    task::{built_in, Dice, Seeds, TaskFolder, Truth},
};
use async_trait::async_trait;
use std::{
    collections::{BTreeMap, HashMap},
    path::Path,
    sync::{Arc, Mutex},
    time::Duration,
};

/// Numbers in an item of the task.
const WIDTH: usize = 10;
/// The mean of the function over its items: the best guess of who knows nothing else.
const MEAN: f32 = 14.4;

/// How a miner comes by its answers.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Conduct {
    /// A model of its own; the number says which.
    Model(u32),
    /// Asks the miner with model 0, and adds noise of this size.
    Relay(f32),
    /// Knows 20,000 items by heart.
    LookUp,
    /// Remembers every item that was ever asked, with the right answer.
    Cache,
}

/// Friedman's function, nearly: each model errs in its own way.
fn model(which: u32, x: &[f32]) -> f32 {
    let truth = 10.0 * (std::f32::consts::PI * x[0] * x[1]).sin()
        + 20.0 * (x[2] - 0.5) * (x[2] - 0.5)
        + 10.0 * x[3]
        + 5.0 * x[4];
    let swing = 37.0 * x.iter().sum::<f32>() + which as f32;
    truth + 1.5 * swing.sin()
}

fn key(x: &[f32]) -> Vec<u8> {
    x.iter().flat_map(|value| value.to_le_bytes()).collect()
}

struct Players {
    conducts: Vec<Conduct>,
    table: HashMap<Vec<u8>, f32>,
    remembered: Mutex<HashMap<Vec<u8>, f32>>,
}

impl Players {
    fn answer(&self, conduct: Conduct, x: &[f32], dice: &mut Dice) -> f32 {
        match conduct {
            Conduct::Model(which) => model(which, x),
            Conduct::Relay(noise) => model(0, x) + noise * (2.0 * dice.unit() - 1.0),
            Conduct::LookUp => self.table.get(&key(x)).copied().unwrap_or(MEAN),
            Conduct::Cache => {
                let remembered = self.remembered.lock().unwrap();
                remembered.get(&key(x)).copied().unwrap_or(MEAN)
            }
        }
    }
}

#[async_trait]
impl Peers for Players {
    async fn handshake(&self, _: &Miner, task: &str) -> Result<String, Failure> {
        Ok(task.to_owned())
    }

    async fn ask(&self, miner: &Miner, question: &Question) -> Result<Answer, Failure> {
        let conduct = self.conducts[usize::from(miner.uid.0)];
        let TensorData::Fp32(rows) = question.inputs[0].data() else {
            panic!("FP32 is due")
        };
        let digest = assay_protocol::sha256(&key(rows));
        let mut dice = Dice::new(&digest, u64::from(miner.uid.0));
        let answers: Vec<f32> = rows
            .chunks(WIDTH)
            .map(|x| self.answer(conduct, x, &mut dice))
            .collect();
        // Everybody's items come to be known, once they were asked.
        for x in rows.chunks(WIDTH) {
            self.remembered.lock().unwrap().insert(key(x), model(0, x));
        }
        let shape = vec![answers.len(), 1];
        let detour = matches!(conduct, Conduct::Relay(_));
        Ok(Answer {
            outputs: vec![Tensor::new("y", shape, TensorData::Fp32(answers)).unwrap()],
            took: Duration::from_millis(if detour { 5 } else { 3 }),
            proof: Proof {
                request_digest: Digest(digest),
                response_digest: Digest([miner.uid.0 as u8; 32]),
                request_signature: [1; 64],
                response_signature: [2; 64],
                receipt: "{}".into(),
            },
        })
    }

    async fn probe(&self) -> Result<(), String> {
        Ok(())
    }
}

/// Scores by miner after 30 rounds.
async fn earned(conducts: &[Conduct]) -> Vec<f64> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tasks/friedman");
    let folder = TaskFolder::load(&folder).unwrap();
    let task = built_in(&folder).unwrap();
    let seeds = Seeds {
        round: [77; 32],
        miner: [77; 32],
    };
    let known = task.queries(&seeds, 20_000).unwrap();
    let known = known.iter().map(|query| {
        let (TensorData::Fp32(x), Truth::Values(y)) = (&query.item.inputs[0], &query.item.truth)
        else {
            panic!("numbers are due")
        };
        (key(x), y[0])
    });
    let peers = Arc::new(Players {
        conducts: conducts.to_vec(),
        table: known.collect(),
        remembered: Mutex::default(),
    });
    let chain = common::FakeChain::new(conducts.len() as u16, 1000, folder.spec().unwrap());
    let runner = RoundRunner {
        peers,
        clock: Arc::new(FakeClock),
        ..common::runner(&folder, Arc::new(common::FakePeers::new(Vec::new())))
    };
    let mut known: BTreeMap<u16, Posterior> = BTreeMap::new();
    for number in 1..=30 {
        chain.advance();
        let snapshot = chain.snapshot().await.unwrap();
        let start = RoundStart::new(&snapshot, number, 0);
        let miners = snapshot.miners(&common::OWN).into_iter();
        let miners = miners.map(|miner| (miner, 64)).collect();
        for outcome in runner.run(start, &[5; 32], miners).await.miners {
            let tally = outcome.tally(runner.deadline);
            let posterior = known.entry(outcome.miner.uid.0).or_default();
            posterior.update(&tally, &folder.score);
        }
    }
    let chance = runner.task.chance();
    let score = |known: &Posterior| f64::from(known.score(&folder.score, chance));
    known
        .values()
        .map(|known| score(known) / f64::from(SCORE_ONE))
        .collect()
}

#[tokio::test]
async fn relay_look_up_and_cache_earn_less_than_a_tenth_of_the_model() {
    let scores = earned(&[
        Conduct::Model(0),
        Conduct::Model(1),
        Conduct::Relay(0.0),
        Conduct::LookUp,
        Conduct::Cache,
    ])
    .await;
    assert!(scores[0] > 0.3 && scores[1] > 0.3, "{scores:?}");
    for cheat in &scores[2..] {
        assert!(*cheat < scores[0] / 10.0, "{scores:?}");
    }
}

#[tokio::test]
async fn relay_loses_only_what_the_blur_costs_when_it_blurs_its_answers() {
    let scores = earned(&[Conduct::Model(0), Conduct::Relay(0.01), Conduct::Relay(3.0)]).await;
    // The limit of comparing answers, stated in the guide: noise beyond the tolerance hides a relay.
    // Noise that is drawn anew for each answer shows in the repeats, which then count as wrong.
    assert!(scores[1] > 0.8 * scores[0], "{scores:?}");
    assert!(scores[2] < 0.6 * scores[0], "{scores:?}");
}

#[tokio::test]
async fn model_is_paid_once_when_it_fills_two_places() {
    let scores = earned(&[Conduct::Model(0), Conduct::Model(0), Conduct::Model(1)]).await;
    let one = scores[2];
    assert!(scores[0] + scores[1] < 1.1 * one, "{scores:?}");
}
