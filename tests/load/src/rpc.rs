//! A node's JSON-RPC over HTTP: one connection, one request at a time, some of them batches.
//!
//! Made by hand, so that this crate needs no client's dependencies: requests and answers have a
//! length, and nothing else of HTTP is used.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use anyhow::{bail, ensure, Context, Result};
use serde_json::{json, Value};

/// The longest that any answer may take.
const PATIENCE: Duration = Duration::from_secs(120);

pub struct Rpc {
    stream: BufReader<TcpStream>,
}

/// An answer, with what it took.
pub struct Answer {
    pub value: Value,
    pub bytes: usize,
    pub took: Duration,
}

impl Rpc {
    pub fn connect(port: u16) -> Result<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port))?;
        stream.set_read_timeout(Some(PATIENCE))?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream: BufReader::new(stream),
        })
    }

    /// Asks one question.
    pub fn ask(&mut self, method: &str, params: Value) -> Result<Value> {
        Ok(self.ask_timed(method, params)?.value)
    }

    /// Asks one question and says what the answer took.
    pub fn ask_timed(&mut self, method: &str, params: Value) -> Result<Answer> {
        let request = json!({ "jsonrpc": "2.0", "id": 0, "method": method, "params": params });
        let start = Instant::now();
        let body = self.exchange(&request.to_string())?;
        let took = start.elapsed();
        let value = result(serde_json::from_slice(&body)?).with_context(|| method.to_owned())?;
        Ok(Answer {
            value,
            bytes: body.len(),
            took,
        })
    }

    /// Asks the same question about many things in one request. Each answer is by itself a result
    /// or an error.
    pub fn ask_all(&mut self, method: &str, params: &[Value]) -> Result<Vec<Result<Value>>> {
        let requests = params.iter().enumerate().map(|(id, params)| {
            json!({ "jsonrpc": "2.0", "id": id, "method": method, "params": params })
        });
        let requests = Value::Array(requests.collect());
        let body = self.exchange(&requests.to_string())?;
        let Value::Array(answers) = serde_json::from_slice(&body)? else {
            bail!(
                "{method}: the node did not answer all: {}",
                String::from_utf8_lossy(&body)
            );
        };
        ensure!(
            answers.len() == params.len(),
            "{method}: answers are missing"
        );
        Ok(answers.into_iter().map(result).collect())
    }

    fn exchange(&mut self, body: &str) -> Result<Vec<u8>> {
        let head = format!(
            "POST / HTTP/1.1\r\nhost: {}\r\ncontent-type: application/json\r\n\
             content-length: {}\r\n\r\n",
            self.stream.get_ref().peer_addr()?,
            body.len()
        );
        let stream = self.stream.get_mut();
        stream.write_all(head.as_bytes())?;
        stream.write_all(body.as_bytes())?;
        let mut length = None;
        loop {
            let mut line = String::new();
            ensure!(self.stream.read_line(&mut line)? > 0, "the node hung up");
            let line = line.trim_end().to_ascii_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = Some(value.trim().parse()?);
            }
            if line.is_empty() {
                break;
            }
        }
        let mut answer = vec![0; length.context("the node's answer has no length")?];
        self.stream.read_exact(&mut answer)?;
        Ok(answer)
    }
}

fn result(mut answer: Value) -> Result<Value> {
    match answer.get("error") {
        Some(error) => bail!("{error}"),
        None => Ok(answer["result"].take()),
    }
}

/// The bytes that hexadecimal text stands for.
pub fn bytes(value: &Value) -> Result<Vec<u8>> {
    let text = value
        .as_str()
        .context("the node answered with something else than bytes")?;
    Ok(sp_core::bytes::from_hex(text)?)
}

/// Bytes as hexadecimal text.
pub fn hex(bytes: &[u8]) -> String {
    sp_core::bytes::to_hex(bytes, false)
}
