//! For how long a caller waits, as it says itself.

use super::Refusal;
use assay_protocol::TIMEOUT_HEADER;
use axum::http::HeaderMap;
use std::time::Duration;

/// The same as [`TIMEOUT_HEADER`], as clients of gRPC say it.
const GRPC_TIMEOUT: &str = "grpc-timeout";

/// For how long the caller waits for an answer, but never longer than `most`.
pub(super) fn patience(headers: &HeaderMap, most: Duration) -> Result<Duration, Refusal> {
    let stated = [
        (
            TIMEOUT_HEADER,
            milliseconds as fn(&str) -> _,
            "a number of milliseconds",
        ),
        (
            GRPC_TIMEOUT,
            with_unit,
            "at most eight digits and one of H, M, S, m, u and n",
        ),
    ];
    stated
        .into_iter()
        .try_fold(most, |most, (name, read, form)| {
            let Some(stated) = headers.get(name) else {
                return Ok(most);
            };
            let waits = stated.to_str().ok().and_then(read);
            let waits =
                waits.ok_or_else(|| Refusal::bad_request(format!("`{name}` must be {form}")))?;
            Ok(most.min(waits))
        })
}

fn milliseconds(text: &str) -> Option<Duration> {
    text.parse().ok().map(Duration::from_millis)
}

fn with_unit(text: &str) -> Option<Duration> {
    let (digits, unit) = text.split_at_checked(text.len().checked_sub(1)?)?;
    let plain = digits.len() <= 8 && digits.bytes().all(|byte| byte.is_ascii_digit());
    let number: u64 = digits.parse().ok().filter(|_| plain)?;
    Some(match unit {
        "H" => Duration::from_secs(number * 3600),
        "M" => Duration::from_secs(number * 60),
        "S" => Duration::from_secs(number),
        "m" => Duration::from_millis(number),
        "u" => Duration::from_micros(number),
        "n" => Duration::from_nanos(number),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOST: Duration = Duration::from_secs(60);

    fn stated(headers: &[(&'static str, &str)]) -> Result<Duration, Refusal> {
        let headers = headers.iter().map(|(name, value)| {
            let name = http::HeaderName::from_static(name);
            (name, value.parse().unwrap())
        });
        patience(&headers.collect(), MOST)
    }

    #[test]
    fn patience_is_the_shortest_that_is_stated() {
        for (headers, waits) in [
            (&[][..], MOST),
            (&[(TIMEOUT_HEADER, "250")], Duration::from_millis(250)),
            (&[(TIMEOUT_HEADER, "90000")], MOST),
            (&[(GRPC_TIMEOUT, "1H")], MOST),
            (&[(GRPC_TIMEOUT, "99999999H")], MOST),
            (&[(GRPC_TIMEOUT, "1M")], MOST),
            (&[(GRPC_TIMEOUT, "7S")], Duration::from_secs(7)),
            (&[(GRPC_TIMEOUT, "250m")], Duration::from_millis(250)),
            (&[(GRPC_TIMEOUT, "99999u")], Duration::from_micros(99_999)),
            (&[(GRPC_TIMEOUT, "0n")], Duration::ZERO),
            (
                &[(GRPC_TIMEOUT, "2S"), (TIMEOUT_HEADER, "3000")],
                Duration::from_secs(2),
            ),
        ] {
            assert_eq!(stated(headers), Ok(waits), "{headers:?}");
        }
    }

    #[test]
    fn patience_is_refused_when_it_is_no_time() {
        for wrong in ["", "S", "5", "-1S", "+1S", "1.5S", "123456789m", "5s", "5é"] {
            let refused = stated(&[(GRPC_TIMEOUT, wrong)]).unwrap_err();
            assert!(refused.error().contains("grpc-timeout"), "{wrong}");
        }
        stated(&[(TIMEOUT_HEADER, "soon")]).unwrap_err();
    }
}
