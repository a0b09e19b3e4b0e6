//! The fake chain across a process's border: a call is one connection, SCALE both ways.

use crate::common::FakeChain;
use assay_primitives::{
    BlockNumber, CommitView, Digest, EpochIndex, Evidence, Generation, Metagraph, NetUid, Refusal,
    Salt, TaskSpec, TaskVersion,
};
use assay_validator::chain::{Chain, ChainError, Commit, Reveal, Snapshot};
use async_trait::async_trait;
use codec::{Decode, Encode};
use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
};

#[derive(Encode, Decode)]
pub enum Call {
    Finalized,
    Snapshot,
    Task,
    Commit(NetUid, EpochIndex, Digest, Digest),
    #[allow(clippy::type_complexity)]
    Reveal(
        NetUid,
        EpochIndex,
        Vec<u16>,
        Vec<u16>,
        Salt,
        TaskVersion,
        Evidence,
    ),
}

#[derive(Encode, Decode)]
enum Failure {
    Unavailable(String),
    Refused(u8),
    Failed(String),
}

type Sent<T> = Result<T, Failure>;
type Shot = (
    Digest,
    Digest,
    Option<u64>,
    Metagraph<[u8; 32]>,
    Vec<CommitView>,
);

impl From<ChainError> for Failure {
    fn from(error: ChainError) -> Self {
        match error {
            ChainError::Unavailable(why) => Self::Unavailable(why),
            ChainError::Refused(refusal) => Self::Refused(refusal as u8),
            error => Self::Failed(error.to_string()),
        }
    }
}

impl From<Failure> for ChainError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Unavailable(why) => Self::Unavailable(why),
            Failure::Refused(code) => Self::Refused(Refusal::from_code(code).unwrap()),
            Failure::Failed(why) => Self::Failed(why),
        }
    }
}

/// What the chain answers to a call.
pub async fn answer(chain: &FakeChain, call: Call) -> Vec<u8> {
    match call {
        Call::Finalized => chain.finalized().await.map_err(Failure::from).encode(),
        Call::Snapshot => {
            let shot = chain.snapshot().await.map_err(Failure::from);
            let shot: Sent<Shot> = shot.map(|it| {
                (
                    it.genesis,
                    it.block_hash,
                    it.time_ms,
                    it.metagraph,
                    it.own_commits,
                )
            });
            shot.encode()
        }
        Call::Task => chain.task().await.map_err(Failure::from).encode(),
        Call::Commit(netuid, epoch, hash, next_seed) => {
            let commit = Commit {
                netuid,
                epoch,
                hash,
                next_seed,
            };
            let taken = chain.commit_weights(&commit).await;
            taken.map_err(Failure::from).encode()
        }
        Call::Reveal(netuid, epoch, targets, values, salt, task_version, evidence) => {
            let reveal = Reveal {
                netuid,
                epoch,
                targets,
                values,
                salt,
                task_version,
                evidence,
            };
            let taken = chain.reveal_weights(&reveal).await;
            taken.map_err(Failure::from).encode()
        }
    }
}

/// Reads a call; `None` where whoever sent it is gone.
pub fn receive(stream: &mut TcpStream) -> Option<Call> {
    let bytes = read(stream).ok()?;
    Call::decode(&mut &bytes[..]).ok()
}

/// Sends an answer to whoever still listens.
pub fn reply(stream: &mut TcpStream, bytes: &[u8]) {
    let _ = write(stream, bytes);
}

fn read(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut bytes = vec![0; u32::from_le_bytes(length) as usize];
    stream.read_exact(&mut bytes)?;
    Ok(bytes)
}

fn write(stream: &mut TcpStream, bytes: &[u8]) -> std::io::Result<()> {
    stream.write_all(&(bytes.len() as u32).to_le_bytes())?;
    stream.write_all(bytes)
}

/// The chain in the process that lives.
pub struct FarChain(pub SocketAddr);

impl FarChain {
    async fn ask<T: Decode + Send + 'static>(&self, call: Call) -> Result<T, ChainError> {
        let address = self.0;
        let asked = tokio::task::spawn_blocking(move || -> std::io::Result<Vec<u8>> {
            let mut stream = TcpStream::connect(address)?;
            write(&mut stream, &call.encode())?;
            read(&mut stream)
        });
        let bytes = asked
            .await
            .unwrap()
            .map_err(|error| ChainError::Unavailable(error.to_string()))?;
        let sent = Sent::<T>::decode(&mut &bytes[..]).unwrap();
        Ok(sent?)
    }
}

#[async_trait]
impl Chain for FarChain {
    async fn finalized(&self) -> Result<BlockNumber, ChainError> {
        self.ask(Call::Finalized).await
    }

    async fn snapshot(&self) -> Result<Snapshot, ChainError> {
        let (genesis, block_hash, time_ms, metagraph, own_commits) =
            self.ask::<Shot>(Call::Snapshot).await?;
        Ok(Snapshot {
            genesis,
            block_hash,
            time_ms,
            metagraph,
            own_commits,
        })
    }

    async fn task(&self) -> Result<(Generation, TaskVersion, TaskSpec), ChainError> {
        self.ask(Call::Task).await
    }

    async fn commit_weights(&self, commit: &Commit) -> Result<(), ChainError> {
        let Commit {
            netuid,
            epoch,
            hash,
            next_seed,
        } = *commit;
        self.ask(Call::Commit(netuid, epoch, hash, next_seed)).await
    }

    async fn reveal_weights(&self, reveal: &Reveal) -> Result<(), ChainError> {
        let it = reveal.clone();
        self.ask(Call::Reveal(
            it.netuid,
            it.epoch,
            it.targets,
            it.values,
            it.salt,
            it.task_version,
            it.evidence,
        ))
        .await
    }
}
