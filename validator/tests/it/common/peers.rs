//! Miners without a network, each with its own conduct.

use super::digits;
use assay_primitives::Digest;
use assay_protocol::oip::{Tensor, TensorData};
use assay_validator::{
    chain::Miner,
    peers::{request_body, Answer, Failure, Peers, Proof, Question},
    task::Dice,
};
use async_trait::async_trait;
use sha2::{Digest as _, Sha256};
use std::{
    collections::HashMap,
    sync::{
        atomic::{AtomicBool, Ordering},
        Mutex,
    },
    time::Duration,
};

/// How a miner answers.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Conduct {
    /// Right with this chance, otherwise the next class.
    Quality(f64),
    /// A class at random.
    Random,
    /// The label of the stored row that equals the one asked, or else a class at random.
    LookUp,
    /// No answer in time.
    Late,
    /// No answer in time, because our own program could not run.
    LateByOurs,
    /// No connection.
    Unreachable,
    /// An answer with a floating-point label.
    WrongType,
    /// An answer without a receipt.
    NoReceipt,
}

/// Miners by uid; those without conduct are unreachable.
pub struct FakePeers {
    conducts: Vec<Conduct>,
    rows: Vec<(Vec<f32>, i64)>,
    exact: HashMap<Vec<u8>, i64>,
    /// Whether our own network is down.
    pub cut_off: AtomicBool,
    /// Every question asked, with the uid.
    pub asked: Mutex<Vec<(u16, Question)>>,
}

impl FakePeers {
    pub fn new(conducts: Vec<Conduct>) -> Self {
        let text = std::fs::read_to_string(digits().join("benchmark/heldout.csv")).unwrap();
        let rows: Vec<(Vec<f32>, i64)> = text
            .lines()
            .skip(1)
            .map(|line| {
                let mut fields: Vec<f32> = line
                    .split(',')
                    .map(|field| field.parse().unwrap())
                    .collect();
                let label = fields.pop().unwrap() as i64;
                (fields, label)
            })
            .collect();
        let exact = rows
            .iter()
            .map(|(row, label)| (bytes(row), *label))
            .collect();
        Self {
            conducts,
            rows,
            exact,
            cut_off: AtomicBool::new(false),
            asked: Mutex::default(),
        }
    }

    fn conduct(&self, miner: &Miner) -> Conduct {
        if self.cut_off.load(Ordering::Relaxed) {
            return Conduct::Unreachable;
        }
        self.conducts
            .get(usize::from(miner.uid.0))
            .copied()
            .unwrap_or(Conduct::Unreachable)
    }

    /// The nearest stored row is always the one that was varied: README of the task.
    fn truth(&self, row: &[f32]) -> i64 {
        let distance = |stored: &[f32]| -> f32 {
            stored.iter().zip(row).map(|(a, b)| (a - b) * (a - b)).sum()
        };
        let nearest = self
            .rows
            .iter()
            .min_by(|(a, _), (b, _)| distance(a).total_cmp(&distance(b)))
            .unwrap();
        nearest.1
    }

    fn label(&self, conduct: Conduct, row: &[f32], dice: &mut Dice) -> i64 {
        match conduct {
            Conduct::Quality(quality) => {
                let truth = self.truth(row);
                let right = f64::from(dice.below(1_000_000)) < quality * 1e6;
                if right {
                    truth
                } else {
                    (truth + 1) % 10
                }
            }
            Conduct::LookUp => {
                let guess = i64::from(dice.below(10));
                self.exact.get(&bytes(row)).copied().unwrap_or(guess)
            }
            _ => i64::from(dice.below(10)),
        }
    }
}

/// As a miner's receipt states it.
fn request_digest(question: &Question) -> Digest {
    let sent = request_body(question.inputs.clone(), &question.outputs).unwrap();
    Digest(Sha256::digest(&sent.body).into())
}

fn bytes(row: &[f32]) -> Vec<u8> {
    row.iter().flat_map(|value| value.to_le_bytes()).collect()
}

#[async_trait]
impl Peers for FakePeers {
    async fn handshake(&self, miner: &Miner, task: &str) -> Result<String, Failure> {
        match self.conduct(miner) {
            Conduct::Unreachable => Err(Failure::Unreachable("refused".into())),
            _ => Ok(task.to_owned()),
        }
    }

    async fn ask(&self, miner: &Miner, question: &Question) -> Result<Answer, Failure> {
        self.asked
            .lock()
            .unwrap()
            .push((miner.uid.0, question.clone()));
        let conduct = self.conduct(miner);
        match conduct {
            Conduct::LateByOurs => {
                // Every thread of a test's runtime: there is one.
                std::thread::sleep(question.deadline / 3);
                return Err(Failure::Late(question.deadline));
            }
            Conduct::Late => return Err(Failure::Late(question.deadline)),
            Conduct::Unreachable => return Err(Failure::Unreachable("refused".into())),
            Conduct::NoReceipt => return Err(Failure::NoReceipt("unsigned".into())),
            _ => {}
        }
        let TensorData::Fp32(values) = question.inputs[0].data() else {
            panic!("FP32 is due")
        };
        let digest: [u8; 32] = Sha256::digest(bytes(values)).into();
        // What a miner answers follows from what it is asked, so that a round can be replayed.
        let mut dice = Dice::new(&digest, u64::from(miner.uid.0));
        let labels: Vec<i64> = values
            .chunks(64)
            .map(|row| self.label(conduct, row, &mut dice))
            .collect();
        // As sure as can be said of one miner alone, so that none answers with another's model.
        let share = f32::from(miner.uid.0 + 1) / 1000.0;
        let sure = |label: i64, class: i64| {
            if label == class {
                1.0 - share
            } else {
                share / 9.0
            }
        };
        let probabilities = labels
            .iter()
            .flat_map(|label| (0..10).map(move |class| sure(*label, class)))
            .collect();
        let data = match conduct {
            Conduct::WrongType => TensorData::Fp32(labels.iter().map(|l| *l as f32).collect()),
            _ => TensorData::Int64(labels.clone()),
        };
        Ok(Answer {
            outputs: vec![
                Tensor::new("label", vec![labels.len()], data).unwrap(),
                Tensor::new(
                    "probabilities",
                    vec![labels.len(), 10],
                    TensorData::Fp32(probabilities),
                )
                .unwrap(),
            ],
            took: Duration::from_millis(3),
            proof: Proof {
                request_digest: request_digest(question),
                response_digest: Digest([miner.uid.0 as u8; 32]),
                request_signature: [1; 64],
                response_signature: [2; 64],
                receipt: "{}".into(),
            },
        })
    }

    async fn probe(&self) -> Result<(), String> {
        if self.cut_off.load(Ordering::Relaxed) {
            Err("no probe was reachable".into())
        } else {
            Ok(())
        }
    }
}
