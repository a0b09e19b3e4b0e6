//! Miners that do not play fair.

use anyhow::{anyhow, Result};
use assay_miner::backend::{Backend, BackendError, ModelInfo};
use assay_protocol::{
    oip::{InferRequest, Tensor, TensorData},
    Keypair,
};
use assay_validator::{
    chain::Miner as Upstream,
    peers::{HttpPeers, Peers, Question},
    ports::SystemClock,
};
use futures::future::{BoxFuture, FutureExt};
use rand::Rng;
use std::{sync::Arc, time::Duration};

type Answer = Result<Vec<Tensor>, BackendError>;

/// Answers in the right form with any content.
pub struct Random {
    pub inner: Arc<dyn Backend>,
    pub classes: u32,
}

impl Backend for Random {
    fn models(&self) -> Vec<Arc<ModelInfo>> {
        self.inner.models()
    }

    fn is_ready(&self, model: &ModelInfo) -> bool {
        self.inner.is_ready(model)
    }

    fn infer(&self, model: Arc<ModelInfo>, query: InferRequest) -> BoxFuture<'static, Answer> {
        let (name, classes) = (model.name.clone(), self.classes);
        let honest = self.inner.infer(model, query);
        async move {
            let outputs = honest.await?;
            outputs
                .into_iter()
                .map(|output| scramble(&name, output, classes))
                .collect()
        }
        .boxed()
    }
}

/// The same tensor with other numbers in it.
fn scramble(model: &str, tensor: Tensor, classes: u32) -> Result<Tensor, BackendError> {
    let mut dice = rand::rng();
    let (name, shape, data) = tensor.into_parts();
    let data = match data {
        TensorData::Int64(values) => TensorData::Int64(
            values
                .iter()
                .map(|_| dice.random_range(0..i64::from(classes.max(1))))
                .collect(),
        ),
        TensorData::Fp32(values) => {
            TensorData::Fp32(values.iter().map(|_| dice.random()).collect())
        }
        other => other,
    };
    Tensor::new(name, shape, data).map_err(|why| BackendError::Failed {
        model: model.to_owned(),
        why: why.to_string(),
    })
}

/// Holds every answer back until it is worthless.
pub struct Late {
    pub inner: Arc<dyn Backend>,
    pub delay: Duration,
}

impl Backend for Late {
    fn models(&self) -> Vec<Arc<ModelInfo>> {
        self.inner.models()
    }

    fn is_ready(&self, model: &ModelInfo) -> bool {
        self.inner.is_ready(model)
    }

    fn infer(&self, model: Arc<ModelInfo>, query: InferRequest) -> BoxFuture<'static, Answer> {
        let (answer, delay) = (self.inner.infer(model, query), self.delay);
        async move {
            tokio::time::sleep(delay).await;
            answer.await
        }
        .boxed()
    }
}

/// Has another miner answer.
pub struct Relay {
    pub inner: Arc<dyn Backend>,
    pub upstream: Upstream,
    pub deadline: Duration,
    pub peers: Arc<HttpPeers>,
}

impl Backend for Relay {
    fn models(&self) -> Vec<Arc<ModelInfo>> {
        self.inner.models()
    }

    fn is_ready(&self, model: &ModelInfo) -> bool {
        self.inner.is_ready(model)
    }

    fn infer(&self, model: Arc<ModelInfo>, query: InferRequest) -> BoxFuture<'static, Answer> {
        let question = Question {
            model: model.name.clone(),
            inputs: query.inputs,
            outputs: query
                .outputs
                .into_iter()
                .map(|output| output.name)
                .collect(),
            deadline: self.deadline,
        };
        let (peers, upstream) = (self.peers.clone(), self.upstream.clone());
        async move {
            let answer = peers.ask(&upstream, &question).await;
            let failed = |why: String| BackendError::Failed {
                model: question.model.clone(),
                why,
            };
            answer
                .map(|answer| answer.outputs)
                .map_err(|failure| failed(failure.to_string()))
        }
        .boxed()
    }
}

/// The way to other miners, signing as `key`.
pub fn peers(key: Keypair) -> Result<Arc<HttpPeers>> {
    let peers = HttpPeers::new(key, Arc::new(SystemClock), Vec::new());
    peers.map(Arc::new).map_err(|why| anyhow!(why))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scramble_keeps_names_and_shapes() {
        let labels = Tensor::new("label", vec![3], TensorData::Int64(vec![7, 7, 7])).unwrap();
        let scrambled = scramble("m", labels, 10).unwrap();
        assert_eq!((scrambled.name(), scrambled.shape()), ("label", &[3][..]));
        let TensorData::Int64(values) = scrambled.data() else {
            panic!("the type changed")
        };
        assert!(values.iter().all(|value| (0..10).contains(value)));
    }
}
