//! What stands before every POST: who asks, whether they may and not too often, whether the request
//! is new, and by when it must be answered; and what follows it: the receipt.

use super::{
    bodies::{Full, Given, Room},
    by_size,
    deadline::patience,
    open::wrong_method,
    pieces::Pieces,
    under_way::Place,
    Peer, Refusal, Service,
};
use crate::{
    address::{network, Share},
    admission::Rank,
    grpc,
    metrics::Gauged,
};
use assay_protocol::{
    oip::InferRequest, sign_receipt, ClaimedRequest, Hotkey, Reason, RequestRecord,
    VerifiedRequest, VerifyError,
};
use axum::{
    body::Body,
    extract::{Request, State},
    http::{
        header::{CONTENT_ENCODING, CONTENT_LENGTH},
        request::Parts,
        response, HeaderMap, Method, StatusCode,
    },
    middleware::Next,
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Limited};
use std::{net::IpAddr, sync::Arc, time::Duration};
use tokio::time::Instant;

/// What the gate tells those behind it of a request that it let in.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    /// Where it stands among those that wait.
    pub rank: Rank,
    /// With whom it shares turns: its address, or the network that counts as one.
    pub from: Option<IpAddr>,
    /// Its part of the memory for bodies.
    room: Arc<Room>,
}

impl Asked {
    /// Counts the query in its body's place, now that it was read.
    pub(crate) fn holds(&self, query: &InferRequest) -> Result<(), Refusal> {
        let held = self.room.becomes(query.bytes_held());
        // It was let in: this is an answer, and has a receipt.
        held.map_err(|Full| {
            let why = "there is no memory for this query: try again in a moment";
            Refusal::new(StatusCode::SERVICE_UNAVAILABLE, why)
        })
    }
}

/// A request that was let in.
struct Admitted {
    request: Request,
    /// What was verified of it if it was signed, and how long that took.
    verified: Option<(VerifiedRequest, Duration)>,
    deadline: Instant,
    /// Its part of what its address may have under way.
    share: Option<Share>,
    /// Its part of the memory for bodies.
    body: Arc<Room>,
    /// Its place among those that are answered.
    place: Place,
}

/// Lets a request in or refuses it, and signs the answer of one that was signed.
pub(super) async fn gate(
    State(service): State<Arc<Service>>,
    request: Request,
    next: Next,
) -> Response {
    if request.method() != Method::POST {
        // What is behind the gate is reached through it or not at all.
        return wrong_method(request.method().clone(), request.uri().clone())
            .await
            .into_response();
    }
    let started = Instant::now();
    let path = request.uri().path();
    let endpoint = if path.starts_with("/v2/") {
        "infer"
    } else if path == grpc::INFER_PATH {
        "grpc-infer"
    } else {
        "handshake"
    };
    let _counted = Gauged::request();
    let peer = request.extensions().get::<Peer>().cloned();
    let (status, response) = match admitted(&service, request, started).await {
        Err(refusal) => (refusal.status(), refusal.into_response()),
        Ok(admitted) => {
            let _held = (admitted.share, admitted.body, admitted.place);
            let answer = answered(admitted.request, admitted.deadline, next).await;
            let status = answer.status();
            // Before it is signed: the receipt is for what the caller reads.
            let answer = match endpoint {
                "grpc-infer" => grpc::in_words(answer),
                _ => answer,
            };
            let answer = finished(service, admitted.verified, answer, peer.as_ref()).await;
            (status, answer)
        }
    };
    crate::metrics::answer(endpoint, status.as_u16(), started.elapsed());
    response
}

/// What is not answered in time is dropped: it leaves its line, and was not run for nobody.
async fn answered(request: Request, deadline: Instant, next: Next) -> Response {
    let answer = tokio::time::timeout_at(deadline, next.run(request)).await;
    answer.unwrap_or_else(|_| Refusal::too_late().into_response())
}

/// Everything that is asked of a request before it is answered.
///
/// It takes no place among those that are answered before it is known to be good: whoever sends
/// slowly holds up nobody but itself.
async fn admitted(
    service: &Service,
    request: Request,
    started: Instant,
) -> Result<Admitted, Refusal> {
    let (mut parts, body) = request.into_parts();
    if service.under_way.is_full() {
        return Err(busy());
    }
    let peer = parts.extensions.remove::<Peer>();
    let share = share(service, peer.as_ref())?;
    if parts
        .headers
        .get(CONTENT_ENCODING)
        .is_some_and(|coding| !coding.as_bytes().eq_ignore_ascii_case(b"identity"))
    {
        let why = "compressed bodies are not read: send the body as it is";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, why));
    }
    let most = Duration::from_secs(service.limits.answer_seconds);
    let waits = patience(&parts.headers, most)?;
    let (claimed, rank) = claimed(service, &parts, peer.as_ref(), started)?;
    if !service.under_way.has_room(rank, peer.as_ref()) {
        return Err(busy());
    }
    let Held { body, room } = read_body(service, &parts.headers, body, peer.as_ref()).await?;
    let mut deadline = started + waits;
    let verified = match claimed {
        None => None,
        Some(claimed) => {
            let checked = verified(service, claimed, rank, &body, peer.as_ref()).await?;
            deadline = deadline.min(checked.until);
            Some((checked.request, checked.took))
        }
    };
    let place = service.under_way.take(rank, peer.as_ref());
    let place = place.ok_or_else(busy)?;
    room.stays(rank)?;
    if let Some(peer) = &peer {
        peer.standing.let_in();
    }
    let room = Arc::new(room);
    parts.extensions.insert(Asked {
        rank,
        from: peer.map(|peer| network(peer.address)),
        room: Arc::clone(&room),
    });
    Ok(Admitted {
        request: Request::from_parts(parts, Body::from(body)),
        verified,
        deadline,
        share,
        body: room,
        place,
    })
}

/// A request whose signature is good.
struct Checked {
    request: VerifiedRequest,
    /// How long checking it took.
    took: Duration,
    /// When it expires.
    until: Instant,
}

/// Checks the signature over a body that has arrived, and that the request is new and not one too
/// many.
async fn verified(
    service: &Service,
    claimed: ClaimedRequest,
    rank: Rank,
    body: &Bytes,
    peer: Option<&Peer>,
) -> Result<Checked, Refusal> {
    let (bytes, started) = (body.clone(), Instant::now());
    let verified = by_size(body.len(), move || claimed.verify(&bytes)).await?;
    // The head may have come long ago, and what has expired since is not remembered any more.
    let now = service.clock.now();
    // First whether it is new: what somebody else sends again is not this caller's doing.
    let new = verified.and_then(|it| service.seen.record(&it, rank, now).map(|()| it));
    let request = new.map_err(|why| failed(service, peer, started, why))?;
    let rate = service.rates.signed.take(request.caller, started);
    rate.map_err(Refusal::too_often)?;
    if let (false, Some(peer)) = (rank.has_stake(), peer) {
        let share = service.rates.strangers.take(network(peer.address), started);
        crowding(service, share)?;
    }
    let valid = Duration::from_secs(request.expires.0.saturating_sub(now.0));
    let ended = Instant::now();
    Ok(Checked {
        request,
        took: ended - started,
        until: ended + valid,
    })
}

fn busy() -> Refusal {
    let why = "the miner is busy: try again in a moment";
    Refusal::not_let_in(Reason::Overloaded, why)
}

/// Its address's share of what is under way. Where no connection is known there is none to bound.
fn share(service: &Service, peer: Option<&Peer>) -> Result<Option<Share>, Refusal> {
    let Some(peer) = peer else {
        return Ok(None);
    };
    let share = service.addresses.take(peer.address);
    let share = share.ok_or_else(|| {
        let why = "too many requests from your address are under way: try again in a moment";
        Refusal::not_let_in(Reason::Overloaded, why)
    })?;
    Ok(Some(share))
}

/// Notes that something signed was wrong, where looking at it took more than reading a head.
fn failed(service: &Service, peer: Option<&Peer>, now: Instant, why: VerifyError) -> Refusal {
    let costly = matches!(
        why.reason(),
        Reason::BadDigest | Reason::BadSignature | Reason::Replayed
    );
    if let (true, Some(peer)) = (costly, peer) {
        // Whether it was the last that is looked at is asked when the next one comes.
        let _ = service.rates.failed.take(network(peer.address), now);
    }
    why.into()
}

/// Who says to ask, and with which rank; nobody where that is allowed. Nothing was read but the
/// head, and nothing is proved.
fn claimed(
    service: &Service,
    parts: &Parts,
    peer: Option<&Peer>,
    started: Instant,
) -> Result<(Option<ClaimedRequest>, Rank), Refusal> {
    let now = service.clock.now();
    let target = parts
        .uri
        .path_and_query()
        .map_or("/", |target| target.as_str());
    match ClaimedRequest::read(&parts.method, target, &parts.headers, &service.policy, now) {
        Ok(claimed) => {
            let caller: Hotkey = claimed.caller();
            let rank = service.admission.admit(&caller);
            let rank = rank.map_err(|why| Refusal::not_let_in(Reason::NotAdmitted, why))?;
            let rate = service.rates.signed.look(&caller, started);
            rate.map_err(Refusal::too_often)?;
            service.seen.look(&caller, now)?;
            if let Some(peer) = peer {
                let address = network(peer.address);
                let failed = service.rates.failed.look(&address, started);
                failed.map_err(Refusal::too_many_failed)?;
                if !rank.has_stake() {
                    crowding(service, service.rates.strangers.look(&address, started))?;
                }
            }
            Ok((Some(claimed), rank))
        }
        Err(VerifyError::Unsigned(_)) if service.admission.admits_unsigned() => {
            if let Some(peer) = peer {
                let rate = service.rates.unsigned.take(network(peer.address), started);
                rate.map_err(Refusal::too_often)?;
            }
            Ok((None, Rank::default()))
        }
        Err(why) => Err(why.into()),
    }
}

/// Refuses who has used up its address's share of what is remembered, while there is little left.
fn crowding(service: &Service, share: Result<(), Duration>) -> Result<(), Refusal> {
    match share {
        Err(wait) if service.seen.is_crowded() => Err(Refusal::too_much_remembered(wait)),
        _ => Ok(()),
    }
}

/// A body in memory.
struct Held {
    body: Bytes,
    room: Room,
}

/// The whole body, within the limits of size and time.
async fn read_body(
    service: &Service,
    headers: &HeaderMap,
    body: Body,
    peer: Option<&Peer>,
) -> Result<Held, Refusal> {
    let limit = service.limits.body_bytes;
    let stated = headers
        .get(CONTENT_LENGTH)
        .and_then(|length| length.to_str().ok());
    if stated
        .and_then(|length| length.parse::<usize>().ok())
        .is_some_and(|length| length > limit)
    {
        return Err(too_large(limit));
    }
    let room = service.bodies.arriving(peer);
    let collected = collect(room, Limited::new(body, limit), limit);
    let collected = tokio::time::timeout(service.body_deadline(), collected).await;
    collected.unwrap_or_else(|_| {
        Err(Refusal::new(
            StatusCode::REQUEST_TIMEOUT,
            "the body did not arrive in time",
        ))
    })
}

/// Takes room for what has arrived, not for what was said to come: that costs nothing to say.
async fn collect(room: Room, mut body: Limited<Body>, limit: usize) -> Result<Held, Refusal> {
    let mut pieces = Pieces::default();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(|why| {
            if why.is::<http_body_util::LengthLimitError>() {
                too_large(limit)
            } else {
                Refusal::bad_request(format!("the body did not arrive whole: {why}"))
            }
        })?;
        if let Ok(piece) = frame.into_data() {
            room.more(piece.len())?;
            pieces.push(piece);
        }
    }
    let body = pieces.whole();
    Ok(Held { body, room })
}

impl From<Full> for Refusal {
    fn from(_: Full) -> Self {
        let why = "there is no memory for another body: try again in a moment";
        Self::not_let_in(Reason::Overloaded, why)
    }
}

fn too_large(limit: usize) -> Refusal {
    let why = format!("the body is over this miner's limit of {limit} bytes");
    Refusal::new(StatusCode::PAYLOAD_TOO_LARGE, why)
}

/// An answer as it goes out: with its receipt if the request was signed, and no faster than it is
/// taken. `verified` says how long checking the signature took.
async fn finished(
    service: Arc<Service>,
    verified: Option<(VerifiedRequest, Duration)>,
    answer: Response,
    peer: Option<&Peer>,
) -> Response {
    let (parts, body) = answer.into_parts();
    // Our own answers are in memory already; collecting them can't fail.
    let Ok(collected) = body.collect().await else {
        return Refusal::internal().into_response();
    };
    let trailers = collected.trailers().cloned();
    let body = collected.to_bytes();
    let bodies = service.bodies.clone();
    let parts = match verified {
        None => parts,
        Some((verified, took)) => {
            match receipted(service, verified.record, parts, body.clone(), took).await {
                Ok(parts) => parts,
                Err(refusal) => return refusal.into_response(),
            }
        }
    };
    let room = bodies.answering(body.len(), peer);
    Response::from_parts(parts, Body::new(Given::new(body, trailers, room)))
}

/// Adds the receipt to an answer's head. `checking` is how long the request's signature took.
async fn receipted(
    service: Arc<Service>,
    asked: RequestRecord,
    mut parts: response::Parts,
    body: Bytes,
    checking: Duration,
) -> Result<response::Parts, Refusal> {
    let started = Instant::now();
    let signed = by_size(body.len(), move || {
        let (key, now) = (&service.key, service.clock.now());
        sign_receipt(
            key,
            &asked,
            parts.status.as_u16(),
            &mut parts.headers,
            &body,
            now,
        )
        .map(|_| parts)
    })
    .await?;
    crate::metrics::signing(checking + started.elapsed());
    signed.map_err(|why| {
        tracing::error!(%why, "an answer could not be signed");
        Refusal::internal()
    })
}
