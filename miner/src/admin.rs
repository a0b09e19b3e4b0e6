//! The admin port: models are listed, loaded and unloaded there, in the words of Triton's model
//! repository extension, so that its clients work as they are.
//!
//! It listens on an address of its own, by default on none, and never on the one that serves. From
//! another machine it takes a token.

use crate::{
    config::ConfigError,
    http::{open, path::Named, Refusal},
    onnx::{Listed, OnnxBackend, READY},
    reload::Orders,
};
use assay_protocol::sha256;
use axum::{
    body::{to_bytes, Body},
    extract::{Request, State},
    http::{
        header::{AUTHORIZATION, ORIGIN},
        StatusCode,
    },
    middleware::{from_fn_with_state, Next},
    response::{IntoResponse, Response},
    routing::post,
    Json, Router,
};
use serde::{de::IgnoredAny, Deserialize, Serialize};
use std::{collections::BTreeMap, fs, net::SocketAddr, path::PathBuf, sync::Arc};

/// Shortest token, in bytes: it has to be one that nobody guesses.
const SHORTEST_TOKEN: usize = 16;

/// Longest body of a call, in bytes.
const MOST_SAID: usize = 64 * 1024;

/// The admin port's settings.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AdminSettings {
    /// Where to listen.
    pub listen: SocketAddr,
    /// File with the token that callers show as `Authorization: Bearer`. May be left out where
    /// only this machine can call.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token_file: Option<PathBuf>,
}

impl AdminSettings {
    pub(crate) fn check(&self) -> Result<(), ConfigError> {
        if self.token_file.is_none() && !self.listen.ip().is_loopback() {
            let why = "is needed where other machines can call: see `admin.listen`";
            return Err(wrong(why));
        }
        Ok(())
    }

    /// The token's digest.
    pub(crate) fn token(&self) -> Result<Option<Token>, ConfigError> {
        let Some(path) = &self.token_file else {
            return Ok(None);
        };
        let text = fs::read_to_string(path)
            .map_err(|why| wrong(&format!("can't be read: {}: {why}", path.display())))?;
        let token = text.trim();
        if token.len() < SHORTEST_TOKEN {
            return Err(wrong(&format!(
                "holds fewer than {SHORTEST_TOKEN} characters: put a random text there, such as \
                 that of `openssl rand -hex 32`"
            )));
        }
        Ok(Some(Token(sha256(token.as_bytes()))))
    }
}

fn wrong(why: &str) -> ConfigError {
    ConfigError::Invalid {
        name: "admin.token_file",
        why: why.to_owned(),
    }
}

/// What is kept of the token: comparing digests tells nobody how much of a guess was right.
#[derive(Clone, Copy)]
pub(crate) struct Token([u8; 32]);

/// What answers on the admin port.
#[derive(Clone)]
pub(crate) struct Admin {
    backend: Arc<OnnxBackend>,
    orders: Orders,
    token: Option<Token>,
}

impl Admin {
    pub(crate) const fn new(
        backend: Arc<OnnxBackend>,
        orders: Orders,
        token: Option<Token>,
    ) -> Self {
        Self {
            backend,
            orders,
            token,
        }
    }

    pub(crate) fn router(self) -> Router {
        Router::new()
            .route("/v2/repository/index", post(index))
            .route("/v2/repository/reload", post(reload))
            .route("/v2/repository/models/{model}/load", post(load))
            .route("/v2/repository/models/{model}/unload", post(unload))
            .fallback(open::nothing_here)
            .method_not_allowed_fallback(open::wrong_method)
            .layer(from_fn_with_state(self.clone(), allowed))
            .with_state(self)
    }
}

async fn allowed(State(admin): State<Admin>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    let refused = match admin.token {
        Some(Token(digest)) => {
            let shown = headers.get(AUTHORIZATION).map(|it| it.as_bytes());
            let shown = shown.and_then(|it| it.strip_prefix(b"Bearer "));
            let right = shown.is_some_and(|token| sha256(token) == digest);
            (!right).then_some("show the token of `admin.token_file`: Authorization: Bearer …")
        }
        // Pages that somebody looks at on this machine may call it, too, and then say so.
        None => headers
            .contains_key(ORIGIN)
            .then_some("this is not for web pages"),
    };
    match refused {
        Some(why) => Refusal::new(StatusCode::UNAUTHORIZED, why).into_response(),
        None => next.run(request).await,
    }
}

/// What a call may say; nothing at all is as good as an empty object.
#[derive(Default, Deserialize)]
struct Said {
    /// Of the index: only what can be asked now.
    #[serde(default)]
    ready: bool,
    #[serde(default)]
    parameters: BTreeMap<String, IgnoredAny>,
}

async fn said(body: Body) -> Result<Said, Refusal> {
    let read = to_bytes(body, MOST_SAID).await;
    let read = read.map_err(|_| {
        let why = "the body is too long: files of models are put into the model folder, not sent";
        Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, why)
    })?;
    if read.is_empty() {
        return Ok(Said::default());
    }
    serde_json::from_slice(&read)
        .map_err(|why| Refusal::bad_request(format!("the body can't be read: {why}")))
}

async fn index(State(admin): State<Admin>, body: Body) -> Result<Json<Vec<Listed>>, Refusal> {
    let Said { ready, .. } = said(body).await?;
    let mut listed = admin.backend.list();
    listed.retain(|it| !ready || it.state == READY);
    Ok(Json(listed))
}

async fn reload(State(admin): State<Admin>) -> Response {
    told(&admin, admin.orders.reload().await)
}

/// Triton also takes another configuration and other files with the call. Here the folder alone
/// says what is served, and a caller who means otherwise is told so.
async fn load(
    State(admin): State<Admin>,
    Named(model): Named<String>,
    body: Body,
) -> Result<Response, Refusal> {
    let Said { parameters, .. } = said(body).await?;
    let other = |name: &&String| *name == "config" || name.starts_with("file:");
    if let Some(name) = parameters.keys().find(other) {
        return Err(Refusal::bad_request(format!(
            "`{name}` is not taken here: put the model and its `model.toml` into the model folder"
        )));
    }
    Ok(told(&admin, admin.orders.load(&model).await))
}

async fn unload(State(admin): State<Admin>, Named(model): Named<String>) -> Response {
    told(&admin, admin.orders.unload(&model).await)
}

fn told(admin: &Admin, outcome: Result<(), String>) -> Response {
    match outcome {
        Ok(()) => Json(admin.backend.list()).into_response(),
        Err(why) => Refusal::bad_request(why).into_response(),
    }
}
