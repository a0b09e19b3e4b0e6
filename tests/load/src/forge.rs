//! Blocks made ahead of time, by the runtime compiled natively and without a node.
//!
//! An author makes one block a slot, so thousands of them take longer than any measurement should.
//! Here the slots lie in the past and follow each other as fast as the runtime runs. What comes of
//! it is what an author would have made, down to the seal: a node that imports it executes every
//! block by its own Wasm and refuses one whose state differs in a single bit.

use std::{
    fs::File,
    io::{BufWriter, Write},
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use anyhow::{anyhow, ensure, Result};
use assay_runtime::{Block, Executive, Hash, Header, RuntimeCall, UncheckedExtrinsic};
use codec::Encode;
use sp_consensus_aura::AURA_ENGINE_ID;
use sp_core::{
    sr25519,
    storage::{well_known_keys::CODE, StateVersion, Storage},
    Pair,
};
use sp_runtime::{
    generic::{Digest, DigestItem, SignedBlock},
    traits::{BlakeTwo256, Hash as _, Header as _},
};
use sp_state_machine::TestExternalities;

/// How the runtime's `system_version` has the state's root computed.
const STATE_VERSION: StateVersion = StateVersion::V1;
/// Blocks after which what no state needs any more is thrown out of memory.
const TIDY_EVERY: u32 = 500;

/// A chain that is being made.
pub struct Forge {
    state: TestExternalities<BlakeTwo256>,
    parent: Header,
    author: sr25519::Pair,
    slot_millis: u64,
    /// The slot of the block that comes next.
    slot: u64,
}

impl Forge {
    /// A chain with this state in its first block, whose slots are over before now.
    pub fn new(
        mut genesis: Storage,
        author: sr25519::Pair,
        slot_millis: u64,
        blocks: u32,
    ) -> Result<Self> {
        let code = genesis.top.remove(CODE).unwrap_or_default();
        let state = TestExternalities::new_with_code_and_state(&code, genesis, STATE_VERSION);
        let parent = Header::new(
            0,
            BlakeTwo256::ordered_trie_root(Vec::new(), STATE_VERSION),
            *state.backend.root(),
            Hash::zero(),
            Digest::default(),
        );
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_millis();
        let slot = u64::try_from(now)? / slot_millis - u64::from(blocks);
        Ok(Self {
            state,
            parent,
            author,
            slot_millis,
            slot,
        })
    }

    /// Makes blocks that hold nothing but the time, and writes them as `import-blocks --binary`
    /// reads them.
    pub fn write(&mut self, blocks: u32, file: &Path) -> Result<()> {
        let mut file = BufWriter::new(File::create(file)?);
        file.write_all(&u64::from(blocks).encode())?;
        for number in 1..=blocks {
            let block = self.next()?;
            let justifications = None;
            file.write_all(
                &SignedBlock {
                    block,
                    justifications,
                }
                .encode(),
            )?;
            if number % TIDY_EVERY == 0 {
                self.tidy();
            }
        }
        Ok(file.flush()?)
    }

    fn next(&mut self) -> Result<Block> {
        let slot = DigestItem::PreRuntime(AURA_ENGINE_ID, self.slot.encode());
        let start = Header::new(
            self.parent.number + 1,
            Hash::zero(),
            Hash::zero(),
            self.parent.hash(),
            Digest { logs: vec![slot] },
        );
        let time = RuntimeCall::Timestamp(pallet_timestamp::Call::set {
            now: self.slot * self.slot_millis,
        });
        let time = UncheckedExtrinsic::new_bare(time);
        let inherent = time.clone();
        let mut header = self.state.execute_with(move || -> Result<Header> {
            Executive::initialize_block(&start);
            let applied = Executive::apply_extrinsic(inherent);
            ensure!(
                matches!(applied, Ok(Ok(()))),
                "the time is refused: {applied:?}"
            );
            Ok(Executive::finalize_block())
        })?;
        self.state
            .commit_all()
            .map_err(|error| anyhow!("the state can't be kept: {error}"))?;
        ensure!(
            header.state_root == *self.state.backend.root(),
            "block {} says another state than it has",
            header.number
        );
        let signature = self.author.sign(header.hash().as_bytes());
        let seal = DigestItem::Seal(AURA_ENGINE_ID, signature.encode());
        header.digest_mut().push(seal);
        self.parent = header.clone();
        self.slot += 1;
        let extrinsics = vec![time];
        Ok(Block { header, extrinsics })
    }

    /// The trie in memory keeps what was replaced; only what is left of it goes on.
    fn tidy(&mut self) {
        let state = std::mem::replace(&mut self.state, TestExternalities::new_empty());
        let (raw, root) = state.into_raw_snapshot();
        self.state = TestExternalities::from_raw_snapshot(raw, root, STATE_VERSION);
    }
}
