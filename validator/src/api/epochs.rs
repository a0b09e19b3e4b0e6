//! An epoch's evidence, for anyone who wants to redo it.

use super::{jsonl, Api, ApiError, Start};
use crate::{
    redo::RoundLine,
    store::{Key, State, Submission},
};
use assay_primitives::{EpochIndex, Evidence, Generation, MinerScore, ReceiptLeaf, TaskVersion};
use axum::{
    extract::{Path, Query, State as Shared},
    response::Response,
    Json,
};
use serde::Serialize;

/// Rounds whose receipts of all miners come in one download: one can be 12 MB already, with 256 miners
/// that are asked item by item.
const ROUNDS_OF_ALL: u32 = 1;

/// One epoch's submission with what it rests on.
#[derive(Serialize)]
pub(super) struct EpochPage {
    hotkey: String,
    generation: Generation,
    epoch: EpochIndex,
    task_version: TaskVersion,
    state: State,
    detail: Option<String>,
    hash: String,
    next_seed: String,
    evidence: Evidence,
    scores: Vec<MinerScore>,
    revealed: Option<Revealed>,
    leaves: Vec<ReceiptLeaf>,
    rounds: Vec<RoundLine>,
}

/// What is shown once it is public on chain anyway, and the secret that the queries came from.
#[derive(Serialize)]
struct Revealed {
    targets: Vec<u16>,
    values: Vec<u16>,
    salt: String,
    secret: Option<String>,
}

/// An epoch's submission, and whether what it rests on may be shown.
///
/// Scores and leaves say what the weights are; copiers get them when everybody does. And a submission
/// can fail while its epoch's rounds still follow from the secret.
async fn submitted(api: &Api, epoch: u32) -> Result<(Submission, bool), ApiError> {
    let store = api.store.get().ok_or(ApiError::Starting)?;
    let snapshot = api.status.snapshot().ok_or(ApiError::Starting)?;
    let key = Key {
        generation: snapshot.metagraph.generation,
        epoch: EpochIndex(epoch),
    };
    let submission = store.submission(key).await?;
    let it = submission.ok_or(ApiError::NotFound("nothing was submitted in this epoch"))?;
    let public = it.state.is_final() && key.epoch < snapshot.epoch();
    Ok((it, public))
}

pub(super) async fn epoch(
    Shared(api): Shared<Api>,
    Path(epoch): Path<u32>,
) -> Result<Json<EpochPage>, ApiError> {
    let (it, public) = submitted(&api, epoch).await?;
    let store = api.store.get().ok_or(ApiError::Starting)?;
    let key = it.key;
    let (mut scores, mut leaves, mut revealed) = (Vec::new(), Vec::new(), None);
    let mut rounds = Vec::new();
    if public {
        rounds = store.rounds_behind(key).await?;
        leaves = store.leaves(key).await?;
        let secret = store.known_secret(key).await?;
        revealed = Some(Revealed {
            targets: it.row.targets,
            values: it.row.values,
            salt: hex(&it.salt),
            secret: secret.map(|secret| hex(&secret)),
        });
        scores = it.scores;
    }
    Ok(Json(EpochPage {
        hotkey: hex(&api.hotkey),
        generation: key.generation,
        epoch: key.epoch,
        task_version: it.task_version,
        state: it.state,
        detail: it.detail,
        hash: it.hash.to_string(),
        next_seed: it.next_seed.to_string(),
        evidence: it.evidence,
        scores,
        revealed,
        leaves,
        rounds,
    }))
}

/// The receipts behind an epoch's leaves, once they are shown.
pub(super) async fn receipts(
    Shared(api): Shared<Api>,
    Path(epoch): Path<u32>,
    Query(Start { from }): Query<Start>,
) -> Result<Response, ApiError> {
    let (it, public) = submitted(&api, epoch).await?;
    if !public {
        let why = "the epoch is not over, or its weights are not revealed";
        return Err(ApiError::NotFound(why));
    }
    let store = api.store.get().ok_or(ApiError::Starting)?;
    let receipts = store.receipts_behind(it.key, from, ROUNDS_OF_ALL).await?;
    let name = format!("receipts-{}-epoch-{epoch}.jsonl", api.netuid);
    Ok(jsonl(&name, receipts))
}

fn hex(bytes: &[u8; 32]) -> String {
    assay_primitives::Digest(*bytes).to_string()
}
