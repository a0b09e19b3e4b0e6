//! The signed part of a message, as plain text.
//!
//! A record holds exactly what a signature base is made of: for a request its method, path and
//! query, for a response its status, and of the fields only those that the signature covers plus
//! the two that carry it. Records are what is signed, what is verified and what a receipt keeps, so
//! a receipt is checked by the very code that checked the live message.

use crate::{components::Component, signature::SignatureInput, VerifyError};
use http::HeaderMap;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Field values by lower-case name. Several lines of one field are joined with `, `.
pub(crate) type Fields = BTreeMap<String, String>;

/// The signed part of a request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RequestRecord {
    /// The method, in capitals.
    pub method: String,
    /// The path as it was sent, percent-encoding and all.
    pub path: String,
    /// The query without its `?`, if there was one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// Covered fields, `signature-input` and `signature`.
    pub fields: BTreeMap<String, String>,
}

/// The signed part of a response.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponseRecord {
    /// The status code.
    pub status: u16,
    /// Covered fields, `signature-input` and `signature`.
    pub fields: BTreeMap<String, String>,
}

impl RequestRecord {
    /// A record without fields. `target` is the path with its query, as in the request line.
    pub(crate) fn new(method: &str, target: &str) -> Self {
        let (path, query) = match target.split_once('?') {
            Some((path, query)) => (path, Some(query.to_owned())),
            None => (target, None),
        };
        let path = if path.is_empty() { "/" } else { path };
        let fields = BTreeMap::new();
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            query,
            fields,
        }
    }
}

/// Reads the signature tagged `tag`, and copies the fields that it covers and those that carry it.
pub(crate) fn signed_fields(
    headers: &HeaderMap,
    tag: &'static str,
) -> Result<(Fields, SignatureInput), VerifyError> {
    let mut fields = Fields::new();
    for name in ["signature-input", "signature"] {
        let value = combined(headers, name)?.ok_or(VerifyError::Unsigned(tag))?;
        fields.insert(name.to_owned(), value);
    }
    let input = SignatureInput::find(&fields, tag)?;
    for component in input.components() {
        if let Component::Field {
            name,
            of_request: false,
            ..
        } = component
        {
            if !fields.contains_key(name) {
                let value = combined(headers, name)?.ok_or_else(|| {
                    VerifyError::Malformed(format!("the covered field `{name}` is not there"))
                })?;
                fields.insert(name.clone(), value);
            }
        }
    }
    Ok((fields, input))
}

/// A field's value as RFC 9421, 2.1 has it: lines trimmed and joined.
pub(crate) fn combined(headers: &HeaderMap, name: &str) -> Result<Option<String>, VerifyError> {
    let mut value: Option<String> = None;
    for line in headers.get_all(name) {
        let line = line.to_str().map_err(|_| {
            VerifyError::Malformed(format!("the field `{name}` holds more than visible ASCII"))
        })?;
        let line = line.trim_matches([' ', '\t']);
        match &mut value {
            Some(joined) => {
                joined.push_str(", ");
                joined.push_str(line);
            }
            None => value = Some(line.to_owned()),
        }
    }
    Ok(value)
}
