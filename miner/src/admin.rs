//! The admin port: models are listed, loaded and unloaded there, in the words of Triton's model
//! repository extension, so that its clients work as they are.
//!
//! It listens on an address of its own, by default on none, and never on the one that serves. From
//! another machine it takes a token.

use crate::{
    config::ConfigError,
    onnx::{Listed, OnnxBackend},
    reload::Orders,
};
use assay_protocol::{oip::ErrorBody, sha256};
use axum::{
    extract::{Path, Request, State},
    http::{
        header::{AUTHORIZATION, ORIGIN},
        StatusCode,
    },
    middleware::{from_fn_with_state, Next},
    response::{IntoResponse, Response},
    routing::post,
    Json, Router,
};
use serde::{Deserialize, Serialize};
use std::{fs, net::SocketAddr, path::PathBuf, sync::Arc};

/// Shortest token, in bytes: it has to be one that nobody guesses.
const SHORTEST_TOKEN: usize = 16;

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
        Some(why) => refusal(StatusCode::UNAUTHORIZED, why),
        None => next.run(request).await,
    }
}

fn refusal(status: StatusCode, why: impl Into<String>) -> Response {
    let error = why.into();
    let body = ErrorBody {
        error,
        reason: None,
    };
    (status, Json(body)).into_response()
}

async fn index(State(admin): State<Admin>) -> Json<Vec<Listed>> {
    Json(admin.backend.list())
}

async fn reload(State(admin): State<Admin>) -> Response {
    told(&admin, admin.orders.reload().await)
}

async fn load(State(admin): State<Admin>, Path(model): Path<String>) -> Response {
    told(&admin, admin.orders.load(&model).await)
}

async fn unload(State(admin): State<Admin>, Path(model): Path<String>) -> Response {
    told(&admin, admin.orders.unload(&model).await)
}

fn told(admin: &Admin, outcome: Result<(), String>) -> Response {
    match outcome {
        Ok(()) => Json(admin.backend.list()).into_response(),
        Err(why) => refusal(StatusCode::BAD_REQUEST, why),
    }
}
