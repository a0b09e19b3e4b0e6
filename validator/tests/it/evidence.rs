//! What a validator shows, beside the receipts and the chain: each thing that was changed afterwards is
//! found and named.

use assay_primitives::{
    seed_commitment, Digest, EpochIndex, Evidence, Generation, NetUid, Serial, TaskVersion,
};
use assay_protocol::{
    keys::{Keypair, Scheme},
    sign_receipt, sign_request, verify_receipt, Nonce, RequestParams, UnixSeconds,
};
use assay_validator::redo::{
    chain::{compare, AtStart, OnChain, OpenedAs, Opening},
    receipts::{check_receipts, Holder, ReceiptLine},
    EpochPage, Redone,
};
use http::{HeaderMap, Method};
use serde_json::{json, Value};

const SECRET: Digest = Digest([9; 32]);
const GENESIS: Digest = Digest([0xee; 32]);
const ARTIFACT: Digest = Digest([4; 32]);
const EVIDENCE: Evidence = Evidence::V1 {
    root: Digest([1; 32]),
    leaf_count: 2,
    score_root: Digest([2; 32]),
};

fn key(uri: &str) -> Keypair {
    Keypair::from_suri(uri, Scheme::Sr25519).unwrap()
}

/// A leaf of the miner with this serial, as it is shown, and its receipt.
fn answered(serial: u64, miner: &Keypair) -> (Value, Value) {
    let (asked, answer) = (
        format!("asked of {serial}"),
        format!("answered by {serial}"),
    );
    let params = RequestParams {
        miner: miner.hotkey(),
        created: UnixSeconds(1_700_000_000),
        lifetime: 60,
        nonce: Nonce::random(),
    };
    let (target, mut headers) = ("/v2/models/m/infer", HeaderMap::new());
    let body = asked.as_bytes();
    let post = Method::POST;
    let request = sign_request(&key("//Alice"), &post, target, &mut headers, body, &params);
    let request = request.unwrap();
    let (mut headers, body) = (HeaderMap::new(), answer.as_bytes());
    sign_receipt(
        miner,
        &request,
        200,
        &mut headers,
        body,
        UnixSeconds(1_700_000_001),
    )
    .unwrap();
    let (receipt, facts) = verify_receipt(&request, 200, &headers, body).unwrap();
    let hex = |bytes: &[u8]| -> String { bytes.iter().map(|it| format!("{it:02x}")).collect() };
    let leaf = json!({
        "genesis": GENESIS, "netuid": 1, "generation": 0, "task_version": 0, "round": 7, "item": 0,
        "serial": serial, "artifact": ARTIFACT, "score": 1_000_000,
        "request_digest": Digest(facts.request_digest),
        "response_digest": Digest(facts.response_digest),
        "request_signature": hex(&facts.request_signature),
        "response_signature": hex(&facts.response_signature),
    });
    let line = json!({ "round": 7, "item": 0, "serial": serial, "receipt": receipt });
    (leaf, line)
}

/// What is shown, and what the chain says: honest until something is changed.
#[derive(Clone)]
struct Case {
    page: Value,
    lines: Vec<Value>,
    chain: OnChain,
}

impl Case {
    fn honest() -> Self {
        let miners = [key("//Bob"), key("//Charlie")];
        let (mut leaves, mut lines, mut holders) = (Vec::new(), Vec::new(), Vec::new());
        for (serial, miner) in (10..).zip(&miners) {
            let (leaf, line) = answered(serial, miner);
            leaves.push(leaf);
            lines.push(line);
            let holder = Holder {
                hotkey: miner.hotkey().0,
                artifact: Some(ARTIFACT),
            };
            holders.push((Serial(serial), holder));
        }
        let page = json!({
            "hotkey": Digest(key("//Alice").hotkey().0), "generation": 0, "epoch": 3,
            "task_version": 0, "state": "revealed", "hash": Digest([3; 32]),
            "next_seed": Digest([5; 32]), "evidence": EVIDENCE, "leaves": leaves,
            "rounds": [{
                "round": 7, "epoch": 3, "block": 50, "block_hash": Digest([6; 32]), "secret": SECRET,
            }],
        });
        let start = AtStart {
            block: 50,
            on_chain: true,
            epoch: EpochIndex(3),
            seed: Some(seed_commitment(&SECRET.0)),
            holders: holders.into_iter().collect(),
        };
        let chain = OnChain {
            genesis: GENESIS,
            netuid: NetUid(1),
            opened: Opening::Opened(OpenedAs {
                hash: Digest([3; 32]),
                next_seed: Digest([5; 32]),
                task_version: TaskVersion(0),
                evidence: EVIDENCE,
            }),
            rounds: [(7, start)].into(),
            unread: Vec::new(),
        };
        Self { page, lines, chain }
    }

    fn checked(&self) -> Redone {
        let page: EpochPage = serde_json::from_str(&self.page.to_string()).unwrap();
        assert_eq!(page.generation, Generation(0));
        let lines = self.lines.iter().map(Value::to_string);
        let lines: Vec<ReceiptLine> = lines
            .map(|line| serde_json::from_str(&line).unwrap())
            .collect();
        let mut redone = Redone::default();
        compare(&page, &self.chain, &mut redone);
        let holder = |round, serial| self.chain.holder(round, serial);
        check_receipts(&page, &lines, holder, &mut redone);
        redone
    }

    fn start(&mut self) -> &mut AtStart {
        self.chain.rounds.get_mut(&7).unwrap()
    }

    fn opened(&mut self) -> &mut OpenedAs {
        match &mut self.chain.opened {
            Opening::Opened(opened) => opened,
            other => panic!("{other:?} was not made here"),
        }
    }
}

#[test]
fn evidence_holds_when_it_is_what_stands_on_chain() {
    let redone = Case::honest().checked();
    assert_eq!(redone.problems, [""; 0]);
    assert_eq!(redone.unchecked, [""; 0]);
    let all = "2 of 2 leaves have a receipt with both signatures; 2 by the hotkey";
    assert!(
        redone.holds.iter().any(|it| it.starts_with(all)),
        "{redone:?}"
    );
    assert_eq!(redone.holds.len(), 6, "{redone:?}");
}

/// Something that is not as it was, in evidence that holds.
type Change = fn(&mut Case);

/// Fails unless each change is told of in these words.
fn assert_each_is_named(changes: &[(Change, &str)]) {
    for (change, problem) in changes {
        let mut case = Case::honest();
        change(&mut case);
        let redone = case.checked();
        let found = redone.problems.iter().any(|it| it.contains(problem));
        assert!(found, "{problem}: {redone:?}");
    }
}

#[test]
fn evidence_does_not_hold_when_the_chain_says_otherwise() {
    let changes: [(Change, &str); 13] = [
        (
            |it| it.opened().hash = Digest([7; 32]),
            "the commit is the one on chain",
        ),
        (
            |it| it.opened().evidence = Evidence::none(),
            "the roots over leaves and scores are those",
        ),
        (
            |it| it.opened().next_seed = Digest([7; 32]),
            "the commitment to the next secret",
        ),
        (
            |it| it.opened().task_version = TaskVersion(1),
            "the task's version",
        ),
        (
            |it| it.chain.opened = Opening::Never,
            "the chain shows no commit of epoch 3",
        ),
        (|it| it.start().block = 51, "has the height 51, not 50"),
        (
            |it| it.start().on_chain = false,
            "is not the chain's at height 50",
        ),
        (
            |it| it.start().epoch = EpochIndex(4),
            "epoch 4 was open when it started",
        ),
        (
            |it| it.start().seed = Some(Digest([7; 32])),
            "its secret is not the one that stood committed on chain",
        ),
        (
            |it| it.chain.genesis = Digest([7; 32]),
            "the leaf is of another chain",
        ),
        (
            |it| _ = it.start().holders.remove(&Serial(11)),
            "nobody held the serial 11",
        ),
        (
            |it| it.start().holders.get_mut(&Serial(10)).unwrap().hotkey = [7; 32],
            "held the place on chain",
        ),
        (
            |it| it.start().holders.get_mut(&Serial(10)).unwrap().artifact = None,
            "the model that it names is not the one that was announced",
        ),
    ];
    assert_each_is_named(&changes);
}

#[test]
fn evidence_does_not_hold_when_receipts_are_not_those_of_the_leaves() {
    let changes: [(Change, &str); 6] = [
        (
            |it| _ = it.lines.remove(0),
            "serial 10, item 0: its receipt is not shown",
        ),
        (
            |it| {
                let other = it.lines[1]["receipt"].clone();
                it.lines[0]["receipt"] = other;
            },
            "is of another request or another answer",
        ),
        (
            |it| it.lines[0]["receipt"]["response"]["status"] = json!(503),
            "its receipt does not hold",
        ),
        (
            |it| it.page["hotkey"] = json!(Digest([7; 32])),
            "not by this validator",
        ),
        (
            |it| it.page["leaves"][0]["response_digest"] = json!(Digest([7; 32])),
            "is of another request or another answer",
        ),
        (
            |it| it.page["leaves"][0]["response_signature"] = json!("07".repeat(64)),
            "its signatures are not those of the receipt",
        ),
    ];
    assert_each_is_named(&changes);
}

#[test]
fn evidence_is_not_held_against_anybody_when_it_can_t_be_read() {
    let mut case = Case::honest();
    case.chain.rounds.clear();
    case.chain.opened = Opening::Unknown;
    case.chain.unread.push("the node is away".into());
    let redone = case.checked();
    assert_eq!(redone.problems, [""; 0]);
    assert_eq!(redone.unchecked, ["the node is away"]);
    // Nor is an epoch before which nothing was committed, or whose commit lapsed.
    let mut case = Case::honest();
    case.start().seed = None;
    case.page["state"] = json!("expired");
    case.chain.opened = Opening::Never;
    let redone = case.checked();
    assert_eq!(redone.problems, [""; 0]);
    assert_eq!(redone.unchecked.len(), 2, "{redone:?}");
}
