//! What the chain answers to calls that can't be right, as a caller of the client reads it.

use assay_chain_client::{
    calls::{self, Reveal},
    AccountId32, ChainClient, ChainError, Keypair, MultiSignature, SignsProofs,
};
use assay_primitives::{
    commit_hash, CommitPayload, Digest, EpochIndex, Evidence, NetUid, Refusal, ASY,
};
use assay_tests::{Network, Person, Process};
use serde_json::Value;
use std::{fs, time::Duration};

/// How long a command may take.
const COMMAND: Duration = Duration::from_secs(60);

/// Fails unless a pallet gave this error, with words on what to do.
#[track_caller]
fn assert_dispatch<T>(outcome: Result<T, ChainError>, pallet: &str, name: &str, words: &str) {
    let error = outcome.err().expect("the chain accepted what it must not");
    assert_eq!(error.dispatch_error(), Some((pallet, name)), "{error}");
    assert!(error.to_string().contains(words), "{error}");
}

/// Fails unless the pool refused a free call for this reason, in its words.
#[track_caller]
fn assert_refused<T>(outcome: Result<T, ChainError>, reason: Refusal) {
    let error = outcome.err().expect("the chain accepted what it must not");
    assert!(
        matches!(error, ChainError::Refused(found) if found == reason),
        "{error}"
    );
    assert!(error.to_string().contains(&reason.to_string()), "{error}");
}

/// Claims to be one hotkey and signs with another.
struct Impostor {
    claimed: AccountId32,
    signs: Keypair,
}

impl SignsProofs for Impostor {
    fn account(&self) -> AccountId32 {
        self.claimed
    }

    fn sign_proof(&self, payload: &[u8]) -> MultiSignature {
        self.signs.sign_proof(payload)
    }
}

#[tokio::test]
async fn chain_says_what_is_wrong_when_calls_are_bad() {
    let [validator, newcomer] = ["validator", "newcomer"].map(Person::named);
    let network = Network::start(&[&validator, &newcomer]).await;
    network.register_validator(&validator, 400 * ASY).await;
    let count = network.graph().await.hotkeys.len();
    tokio::join!(
        stake_above_the_balance(&network, &newcomer),
        registrations(&network, &validator),
    );
    assert_eq!(
        network.graph().await.hotkeys.len(),
        count,
        "a registration that failed took a place"
    );
    let max_price = 50 * ASY;
    let (coldkey, hotkey) = (newcomer.coldkey(), newcomer.hotkey());
    let registered = network
        .chain
        .register(&coldkey, &hotkey, network.netuid, max_price);
    registered.await.unwrap();
    commits_of_others(&network, &newcomer).await;
    weights(&network, &validator).await;
    weights_by_hand(&network, &validator).await;
}

/// More than the coldkey has, and on a hotkey that nobody owns.
async fn stake_above_the_balance(network: &Network, person: &Person) {
    let (chain, netuid) = (&network.chain, network.netuid);
    let on = |hotkey: &Person, amount| {
        let call = calls::add_stake(netuid, &hotkey.hotkey_account(), amount);
        async move { chain.submit(&person.coldkey(), &call).await }
    };
    let at = chain.at_finalized().await.unwrap();
    let balance = at.balance(&person.account()).await.unwrap();
    let validator = Person::named("validator");
    let too_much = on(&validator, balance + 1).await;
    assert_dispatch(too_much, "Stake", "NotEnoughBalance", "stake less");
    let of_nobody = on(&Person::named("nobody"), ASY).await;
    assert_dispatch(of_nobody, "Stake", "UnknownHotkey", "must be registered");
}

/// Above the price's limit, with another's hotkey, in no subnet, and twice.
async fn registrations(network: &Network, validator: &Person) {
    let (chain, netuid, max_price) = (&network.chain, network.netuid, 50 * ASY);
    let coldkey = network.owner.coldkey();
    let hotkey = network.owner.hotkey();
    let cheap = chain.register(&coldkey, &hotkey, netuid, 1).await;
    assert_dispatch(cheap, "Subnets", "PriceAboveMax", "raise it");
    let impostor = Impostor {
        claimed: Person::named("victim").hotkey_account(),
        signs: hotkey.clone(),
    };
    let stolen = chain.register(&coldkey, &impostor, netuid, max_price).await;
    assert_dispatch(stolen, "Subnets", "ProofInvalid", "sign exactly those");
    let nowhere = chain.register(&coldkey, &hotkey, NetUid(999), max_price);
    let nowhere = nowhere.await.err().unwrap();
    assert!(
        matches!(nowhere, ChainError::NoSuchSubnet(NetUid(999))),
        "{nowhere}"
    );
    let (owner, taken) = (validator.coldkey(), validator.hotkey());
    let twice = chain.register(&owner, &taken, netuid, max_price).await;
    assert_dispatch(twice, "Subnets", "AlreadyRegistered", "nothing to do");
}

async fn commit(
    chain: &ChainClient,
    key: &Keypair,
    netuid: NetUid,
    epoch: EpochIndex,
    hash: Digest,
) -> Result<(), ChainError> {
    let call = calls::commit_weights(netuid, epoch, hash, Digest([7; 32]));
    chain.submit(key, &call).await.map(|_| ())
}

/// By a hotkey that nobody registered, by a neuron without permit, and to no subnet.
async fn commits_of_others(network: &Network, newcomer: &Person) {
    let (chain, netuid) = (&network.chain, network.netuid);
    let epoch = network.graph().await.epoch;
    let hash = Digest([1; 32]);
    // A coldkey has an account, as a hotkey that was never registered may.
    let unknown = commit(chain, &newcomer.coldkey(), netuid, epoch, hash).await;
    assert_refused(unknown, Refusal::NotRegistered);
    let unpermitted = commit(chain, &newcomer.hotkey(), netuid, epoch, hash).await;
    assert_refused(unpermitted, Refusal::NotPermitted);
    let nowhere = commit(chain, &newcomer.hotkey(), NetUid(999), epoch, hash).await;
    assert_refused(nowhere, Refusal::UnknownSubnet);
}

/// A permitted validator's commits and reveals, wrong in every way before they are right.
async fn weights(network: &Network, person: &Person) {
    let (chain, netuid, key) = (&network.chain, network.netuid, person.hotkey());
    let epoch = network.permitted(person).await;
    let right = Reveal {
        epoch,
        targets: vec![1],
        values: vec![65_535],
        salt: [3; 32],
        task_version: network.graph().await.task_version,
        evidence: Evidence::none(),
    };
    let hash = commit_hash(&CommitPayload {
        hotkey: person.hotkey_account().0,
        netuid,
        generation: network.graph().await.generation,
        epoch,
        task_version: right.task_version,
        targets: &right.targets,
        values: &right.values,
        salt: right.salt,
        evidence: right.evidence,
    });
    let reveal = async |reveal: &Reveal| {
        let call = calls::reveal_weights(netuid, reveal.clone());
        chain.submit(&key, &call).await
    };
    assert_refused(reveal(&right).await, Refusal::NoSuchCommit);
    let later = commit(chain, &key, netuid, epoch.next(), hash).await;
    assert_refused(later, Refusal::WrongEpoch);
    commit(chain, &key, netuid, epoch, hash).await.unwrap();
    let second = commit(chain, &key, netuid, epoch, Digest([2; 32])).await;
    assert_refused(second, Refusal::TooFast);
    assert_refused(reveal(&right).await, Refusal::RevealTooEarly);

    network.opened(epoch.next()).await;
    let wrong = |change: fn(&mut Reveal)| {
        let mut wrong = right.clone();
        change(&mut wrong);
        wrong
    };
    for (bad, reason) in [
        (wrong(|it| it.salt = [4; 32]), Refusal::RevealMismatch),
        (wrong(|it| it.values = vec![1]), Refusal::RevealMismatch),
        (wrong(|it| it.values.push(1)), Refusal::Malformed),
        (wrong(|it| it.targets = vec![999]), Refusal::Malformed),
        (
            wrong(|it| it.task_version.0 += 1),
            Refusal::WrongTaskVersion,
        ),
    ] {
        assert_refused(reveal(&bad).await, reason);
    }
    let repeated = wrong(|it| {
        it.targets = vec![1, 1];
        it.values = vec![1, 1];
    });
    assert_refused(reveal(&repeated).await, Refusal::Malformed);

    // Nothing of that was taken for the reveal, which still counts, once.
    reveal(&right).await.unwrap();
    let rows = chain
        .at_finalized()
        .await
        .unwrap()
        .weights(netuid)
        .await
        .unwrap();
    assert_eq!(
        (&rows[0].targets, &rows[0].values),
        (&right.targets, &right.values)
    );
    assert_refused(reveal(&right).await, Refusal::NoSuchCommit);
}

/// The same by `assay weights`, whose mistakes are a person's.
async fn weights_by_hand(network: &Network, person: &Person) {
    let folder = tempfile::tempdir().unwrap();
    let keep = folder.path().join("commit.json");
    let keep = keep.to_str().unwrap();
    let (node, hotkey) = (network.node.url(), person.hotkey_uri());
    let netuid = network.netuid.to_string();
    let assay = async |arguments: &[&str]| {
        let rest = ["--node", &node, "--hotkey-suri", &hotkey];
        let command = ["weights"].iter().chain(arguments).chain(&rest);
        let mut process = Process::start("weights", "assay", command, folder.path());
        let status = process.ended(COMMAND).await;
        (status.success(), process.log())
    };
    let at_once = assay(&["set", &netuid, "1=1"]).await;
    let disabled = Refusal::PlainWeightsDisabled.to_string();
    assert!(!at_once.0 && at_once.1.contains(&disabled), "{at_once:?}");
    let commit = ["commit", &netuid, "1=0.25", "0=1", "--keep", keep];
    let committed = assay(&commit).await;
    assert!(committed.0, "{committed:?}");
    let again = assay(&commit).await;
    assert!(!again.0 && again.1.contains("as a new file"), "{again:?}");
    let early = assay(&["reveal", keep]).await;
    let too_early = Refusal::RevealTooEarly.to_string();
    assert!(!early.0 && early.1.contains(&too_early), "{early:?}");

    let kept: Value = serde_json::from_slice(&fs::read(keep).unwrap()).unwrap();
    let epoch = EpochIndex(kept["epoch"].as_u64().unwrap().try_into().unwrap());
    network.opened(epoch.next()).await;
    let revealed = assay(&["reveal", keep]).await;
    assert!(revealed.0, "{revealed:?}");
    let at = network.chain.at_finalized().await.unwrap();
    let rows = at.weights(network.netuid).await.unwrap();
    assert_eq!(rows[0].targets, [0, 1]);
    assert_eq!(rows[0].values, [65_535, 16_384]);
}
