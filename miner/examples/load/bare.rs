//! The model itself, in a loop.

use crate::{processor_time, Clocked, Flags, Measured};
use anyhow::bail;
use assay_protocol::oip;
use std::{path::Path, time::Instant};

/// Runs the model in a loop on as many threads, each with a session of one thread, and on no more
/// than there are cores: more would only be in each other's way.
pub fn run(flags: &Flags, model: &Path, body: &[u8]) -> anyhow::Result<Measured> {
    let query = oip::InferRequest::decode(body, None)?;
    let environment = assay_miner::onnx::load_library(None)?;
    let cores = std::thread::available_parallelism()?.get();
    let sessions = (0..flags.concurrency.min(cores)).map(|_| {
        let builder = ort::session::Session::builder(&environment)?;
        let mut builder = builder
            .with_intra_threads(1)
            .map_err(|why| anyhow::anyhow!("{why}"))?;
        Ok(builder.commit_from_file(model)?)
    });
    let sessions = sessions.collect::<anyhow::Result<Vec<_>>>()?;
    // Loading took its time; only now does it count.
    let clocked = Clocked::new(flags.seconds);
    std::thread::scope(|scope| {
        let threads: Vec<_> = sessions
            .into_iter()
            .map(|session| scope.spawn(|| run_again(session, &query, clocked)))
            .collect();
        let mut all = Measured::default();
        for thread in threads {
            match thread.join() {
                Ok(measured) => all.add(measured?),
                Err(_) => bail!("a thread panicked"),
            }
        }
        Ok(all)
    })
}

fn run_again(
    mut session: ort::session::Session,
    query: &oip::InferRequest,
    clocked: Clocked,
) -> anyhow::Result<Measured> {
    let mut all = Measured::default();
    let before = processor_time()?;
    while clocked.goes_on() {
        let started = Instant::now();
        let mut inputs = Vec::new();
        for tensor in &query.inputs {
            let shape = tensor.shape().to_vec();
            let value = match tensor.data() {
                oip::TensorData::Fp32(values) => {
                    ort::value::Tensor::from_array((shape, values.clone()))?.into_dyn()
                }
                oip::TensorData::Int64(values) => {
                    ort::value::Tensor::from_array((shape, values.clone()))?.into_dyn()
                }
                _ => bail!("the query must be of FP32 or INT64"),
            };
            inputs.push((tensor.name().to_owned(), value));
        }
        session.run(inputs)?;
        all.runs += 1;
        clocked.note(started, &mut all.took);
    }
    all.processor = processor_time()?.saturating_sub(before);
    Ok(all)
}
