//! An epoch's evidence, for anyone who wants to redo it.

use super::{Api, ApiError};
use crate::{
    redo::RoundLine,
    store::{Key, State},
};
use assay_primitives::{EpochIndex, Evidence, Generation, MinerScore, ReceiptLeaf, TaskVersion};
use axum::{
    extract::{Path, State as Shared},
    Json,
};
use serde::Serialize;

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

pub(super) async fn epoch(
    Shared(api): Shared<Api>,
    Path(epoch): Path<u32>,
) -> Result<Json<EpochPage>, ApiError> {
    let store = api.store.get().ok_or(ApiError::Starting)?;
    let snapshot = api.status.snapshot().ok_or(ApiError::Starting)?;
    let generation = snapshot.metagraph.generation;
    let key = Key {
        generation,
        epoch: EpochIndex(epoch),
    };
    let submission = store.submission(key).await?;
    let it = submission.ok_or(ApiError::NotFound("nothing was submitted in this epoch"))?;
    // Scores and leaves say what the weights are; copiers get them when everybody does.
    // And a submission can fail while its epoch's rounds still follow from the secret.
    let public = it.state.is_final() && key.epoch < snapshot.epoch();
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
        generation,
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

fn hex(bytes: &[u8; 32]) -> String {
    assay_primitives::Digest(*bytes).to_string()
}
