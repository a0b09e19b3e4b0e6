//! An epoch redone from what its validator shows: what is honest holds, and what was changed shows.

use crate::common::{digits, validator, Conduct, FakeChain, FakeEntropy, FakePeers, OWN};
use assay_primitives::{Digest, EpochIndex, Generation};
use assay_validator::{
    redo::{redo, EpochPage, Redone},
    store::{Key, Store},
    task::{built_in, TaskFolder},
};
use serde_json::{json, Value};
use std::sync::Arc;
use tempfile::TempDir;

const TEMPO: u32 = 30;

/// A validator's state after three epochs.
struct Lived {
    folder: TaskFolder,
    store: Store,
    _state: TempDir,
}

impl Lived {
    async fn three_epochs() -> Self {
        let mut folder = TaskFolder::load(&digits()).unwrap();
        folder.queries.items_per_round = 16;
        folder.queries.items_per_request = 4;
        folder.queries.newcomer_factor = 2;
        let chain = Arc::new(FakeChain::new(3, TEMPO, folder.spec().unwrap()));
        let conducts = vec![Conduct::Quality(0.9), Conduct::Late, Conduct::Random];
        let peers = Arc::new(FakePeers::new(conducts));
        let state = tempfile::tempdir().unwrap();
        let file = state.path().join("state.sqlite");
        let entropy = Arc::new(FakeEntropy::default());
        let (mut validator, store) =
            validator(&file, folder.clone(), chain.clone(), peers, entropy).await;
        for _ in 0..3 * TEMPO {
            chain.advance();
            validator.tick().await.unwrap();
            validator.settle().await.unwrap();
        }
        Self {
            folder,
            store,
            _state: state,
        }
    }

    /// What the validator shows of an epoch.
    async fn page(&self, epoch: u32) -> Value {
        let key = Key {
            generation: Generation(0),
            epoch: EpochIndex(epoch),
        };
        let it = self.store.submission(key).await.unwrap().unwrap();
        let secret = self.store.known_secret(key).await.unwrap().unwrap();
        json!({
            "hotkey": Digest(OWN),
            "generation": key.generation,
            "epoch": key.epoch,
            "task_version": it.task_version,
            "hash": it.hash,
            "next_seed": it.next_seed,
            "evidence": it.evidence,
            "scores": it.scores,
            "revealed": {
                "targets": it.row.targets,
                "values": it.row.values,
                "salt": Digest(it.salt),
                "secret": Digest(secret),
            },
            "leaves": self.store.leaves(key).await.unwrap(),
            "rounds": self.store.rounds_behind(key).await.unwrap(),
        })
    }

    fn redo(&self, page: &Value, previous: Option<&Value>) -> Redone {
        let parsed =
            |page: &Value| -> EpochPage { serde_json::from_str(&page.to_string()).unwrap() };
        let task = built_in(&self.folder).unwrap();
        let previous = previous.map(parsed);
        redo(&self.folder, &task, &parsed(page), previous.as_ref())
    }
}

#[tokio::test]
async fn redo_finds_that_all_holds_when_the_validator_is_honest() {
    let lived = Lived::three_epochs().await;
    let (before, page) = (lived.page(0).await, lived.page(1).await);
    let redone = lived.redo(&page, Some(&before));
    assert_eq!(redone.problems, [""; 0]);
    assert_eq!(redone.unchecked, [""; 0]);
    assert!(
        redone.rounds > 1 && redone.as_due == redone.leaves,
        "{redone:?}"
    );
    assert_eq!(redone.holds.len(), 6, "{redone:?}");
}

#[tokio::test]
async fn redo_finds_what_was_changed_afterwards() {
    let lived = Lived::three_epochs().await;
    let (before, page) = (lived.page(0).await, lived.page(1).await);
    let other = json!(Digest([7; 32]));
    type Change = fn(&mut Value, &Value);
    let changes: [(Change, &str); 6] = [
        (
            |page, _| page["leaves"][0]["score"] = json!(999_999),
            "the leaves are those under the committed root",
        ),
        (
            |page, _| page["scores"][0]["score"] = json!(999_999),
            "the scores are those under the committed root",
        ),
        (
            |page, _| page["revealed"]["values"][0] = json!(1),
            "the commit binds",
        ),
        (
            |page, other| page["revealed"]["secret"] = other.clone(),
            "the secret is the one",
        ),
        (
            |page, other| page["rounds"][0]["secret"] = other.clone(),
            "rounds follow from the secrets",
        ),
        (
            |page, other| page["rounds"][0]["block_hash"] = other.clone(),
            "is not what the secret demands",
        ),
    ];
    for (change, problem) in changes {
        let mut changed = page.clone();
        change(&mut changed, &other);
        let redone = lived.redo(&changed, Some(&before));
        let found = redone.problems.iter().any(|found| found.contains(problem));
        assert!(found, "{problem}: {redone:?}");
    }
}

#[tokio::test]
async fn receipts_behind_are_those_of_the_leaves_a_round_at_a_time() {
    let lived = Lived::three_epochs().await;
    let key = Key {
        generation: Generation(0),
        epoch: EpochIndex(1),
    };
    let leaves = lived.store.leaves(key).await.unwrap();
    let due: Vec<Value> = leaves
        .iter()
        .map(|leaf| json!([leaf.round, leaf.item, leaf.serial]))
        .collect();
    let (mut shown, mut from, mut parts) = (Vec::new(), Some(0), 0);
    while let Some(round) = from {
        let receipts = lived.store.receipts_behind(key, round, 1).await.unwrap();
        for line in receipts.lines.lines() {
            let line: Value = serde_json::from_str(line).unwrap();
            assert!(line["receipt"].is_object(), "{line}");
            shown.push(json!([line["round"], line["item"], line["serial"]]));
        }
        from = receipts.next;
        parts += 1;
    }
    assert_eq!(shown, due);
    assert!(parts > 1, "{parts}");
}
