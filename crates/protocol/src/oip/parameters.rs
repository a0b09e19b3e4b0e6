//! Parameters of a message: names, each with a value that nobody looks into unless it means something
//! here.
//!
//! They come from strangers and are for the most part for whoever runs the model. Read into values of
//! their own, a body full of them would take thirty times its size; so their text is left where it is,
//! and what is for the model is kept as text, too.

use super::OipError;
use serde::{
    de::{Error as _, MapAccess, Visitor},
    ser::{Error as _, SerializeMap as _},
    Deserialize, Deserializer, Serialize, Serializer,
};
use serde_json::{value::RawValue, Value};
use std::{borrow::Cow, collections::BTreeMap, fmt};

/// Most that one part of a message may have, besides one that says how its tensors come.
const MOST: usize = 256;

/// Deepest that a value may be nested: not every engine reads JSON without a stack for it.
const DEEPEST: usize = 16;

/// Parameters of the protocol that change what an answer is, and that are not served here.
const UNSUPPORTED: [&str; 5] = [
    "classification",
    "shared_memory_region",
    "sequence_id",
    "sequence_start",
    "sequence_end",
];

/// Parameters that say how tensors are put into a message: whoever writes one sets its own.
const OF_ENCODING: [&str; 3] = ["binary_data", "binary_data_size", "binary_data_output"];

/// What a query tells whoever runs the model, besides its tensors.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ModelParameters {
    /// In the query as a whole.
    pub query: Option<ParameterText>,
    /// With inputs, by their names.
    pub inputs: BTreeMap<String, ParameterText>,
    /// With the outputs that it asks for, by their names.
    pub outputs: BTreeMap<String, ParameterText>,
}

impl ModelParameters {
    /// Keeps what is said with an input, if anything is.
    pub fn add_input(&mut self, name: &str, said: Option<ParameterText>) {
        self.inputs.extend(said.map(|said| (name.to_owned(), said)));
    }

    /// Keeps what is said with an output that is asked for, if anything is.
    pub fn add_output(&mut self, name: &str, said: Option<ParameterText>) {
        self.outputs
            .extend(said.map(|said| (name.to_owned(), said)));
    }

    /// Bytes of memory that they take.
    pub(super) fn bytes_held(&self) -> usize {
        let named = self.inputs.iter().chain(&self.outputs);
        let named = named.map(|(name, said)| name.len() + said.0.len());
        self.query.as_ref().map_or(0, |said| said.0.len()) + named.sum::<usize>()
    }
}

/// What one part of a query tells whoever runs the model: the text of a JSON object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParameterText(Box<str>);

impl ParameterText {
    /// What is for the model of these names and values; None if nothing is. It fails if there are more
    /// than 256 of them, and if JSON has no form for a value.
    pub fn of<'a, V: Serialize>(
        entries: impl Iterator<Item = (&'a str, V)> + Clone,
    ) -> Result<Option<Self>, OipError> {
        let entries = entries.filter(|(name, _)| !OF_ENCODING.contains(name));
        match entries.clone().count() {
            0 => return Ok(None),
            1..=MOST => {}
            _ => {
                let why = format!("a part with more than {MOST} parameters");
                return Err(OipError::Unsupported(why));
            }
        }
        let text = serde_json::to_string(&Object(entries));
        let text = text.map_err(|why| OipError::Json(why.to_string()))?;
        Ok(Some(Self(text.into())))
    }
}

/// Names and values as an object.
struct Object<I>(I);

impl<'a, V: Serialize, I: Iterator<Item = (&'a str, V)> + Clone> Serialize for Object<I> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.clone())
    }
}

/// Parameters of one part as they are written.
pub(super) struct WriteParameters<'a> {
    /// The one that says how tensors come.
    pub of_encoding: Option<(&'static str, Value)>,
    /// What is for the model.
    pub for_model: Option<&'a ParameterText>,
}

impl WriteParameters<'_> {
    pub(super) const fn is_empty(&self) -> bool {
        self.of_encoding.is_none() && self.for_model.is_none()
    }
}

impl Serialize for WriteParameters<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        if let Some((name, value)) = &self.of_encoding {
            map.serialize_entry(name, value)?;
        }
        if let Some(ParameterText(text)) = self.for_model {
            let entries: Parameters<'_> = serde_json::from_str(text).map_err(S::Error::custom)?;
            for (name, value) in &entries.0 {
                map.serialize_entry(name, value)?;
            }
        }
        map.end()
    }
}

/// Names and values, in their order.
#[derive(Debug, Default)]
pub(super) struct Parameters<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl Parameters<'_> {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    /// The value of a parameter, in JSON. Of several, the last one counts.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut of_name = self.0.iter().filter(|(other, _)| other == name);
        of_name.next_back().map(|(_, value)| value.get())
    }

    /// What is for the model of these.
    pub(super) fn for_model(&self) -> Result<Option<ParameterText>, OipError> {
        let deep = |value: &RawValue| depth(value.get()) > DEEPEST;
        if let Some((name, _)) = self.0.iter().find(|(_, value)| deep(value)) {
            let why = format!("parameter `{name}`, whose value is nested deeper than {DEEPEST},");
            return Err(OipError::Unsupported(why));
        }
        ParameterText::of(self.0.iter().map(|(name, value)| (name.as_ref(), *value)))
    }
}

/// How deep the brackets of a JSON text are nested.
fn depth(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let (mut quoted, mut escaped) = (false, false);
    for byte in text.bytes() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => quoted = !quoted,
            b'[' | b'{' if !quoted => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b']' | b'}' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

/// Refuses parameters that would silently change the answer, by their names; all others are for the
/// model or for logs.
pub fn check_parameters(names: impl IntoIterator<Item = impl AsRef<str>>) -> Result<(), OipError> {
    for name in names {
        let name = name.as_ref();
        if UNSUPPORTED.contains(&name) {
            return Err(OipError::Unsupported(format!("parameter `{name}`")));
        }
    }
    Ok(())
}

/// A name, borrowed where it holds nothing escaped.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

impl<'de: 'a, 'a> Deserialize<'de> for Parameters<'a> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        struct Entries;

        impl<'de> Visitor<'de> for Entries {
            type Value = Parameters<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object of parameters")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut found = Vec::new();
                while let Some((Name(name), value)) = map.next_entry::<Name<'_>, &RawValue>()? {
                    if found.len() > MOST {
                        return Err(A::Error::custom(format!("more than {MOST} parameters")));
                    }
                    found.push((name, value));
                }
                Ok(Parameters(found))
            }
        }

        reader.deserialize_map(Entries)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_are_read_without_a_look_at_their_values() {
        let text = r#"{"a": [[{}], 1e999], "b\n": 1, "c": 2, "c": true}"#;
        let read: Parameters<'_> = serde_json::from_str(text).unwrap();
        assert_eq!(read.names().collect::<Vec<_>>(), ["a", "b\n", "c", "c"]);
        assert_eq!(read.get("a"), Some("[[{}], 1e999]"));
        assert_eq!(read.get("c"), Some("true"));
        assert_eq!(read.get("d"), None);
    }

    #[test]
    fn parameters_are_refused_when_there_are_too_many() {
        let of = |number: usize| {
            let entries: Vec<_> = (0..number).map(|it| format!(r#""{it}":0"#)).collect();
            format!("{{{}}}", entries.join(","))
        };
        let refused = serde_json::from_str::<Parameters<'_>>(&of(MOST + 2)).unwrap_err();
        assert!(refused.to_string().contains("256 parameters"), "{refused}");
        let for_model = |text: &str| {
            let read: Parameters<'_> = serde_json::from_str(text).unwrap();
            read.for_model()
        };
        let (full, more) = (of(MOST), of(MOST + 1));
        assert!(for_model(&full).unwrap().is_some());
        let refused = for_model(&more).unwrap_err();
        assert!(refused.to_string().contains("256 parameters"), "{refused}");
        // How its tensors come has a place of its own.
        let with = format!(r#"{{"binary_data_size":8,{}"#, &full[1..]);
        assert_eq!(for_model(&with), for_model(&full));
    }

    #[test]
    fn for_model_leaves_out_how_tensors_are_put_into_messages() {
        let read = |text: &str| {
            let read: Parameters<'_> = serde_json::from_str(text).unwrap();
            read.for_model().unwrap().map(|it| it.0)
        };
        let ours =
            r#"{"binary_data": true, "binary\u005fdata_size": 4, "binary_data_output": true}"#;
        assert_eq!(read(ours), None);
        assert_eq!(read("{}"), None);
        let mixed =
            r#"{"binary_data": true, "a\"": 1e999, "b" : [ {"c": "\u00e9"} ], "a\"": null}"#;
        let kept = r#"{"a\"":1e999,"b":[ {"c": "\u00e9"} ],"a\"":null}"#;
        assert_eq!(read(mixed).as_deref(), Some(kept));
    }

    #[test]
    fn for_model_is_refused_when_a_value_is_nested_too_deep() {
        let of = |deep: usize| {
            // Brackets in a string are none.
            let value = format!(
                r#"{}"\"{}"{}"#,
                "[".repeat(deep),
                "{".repeat(99),
                "]".repeat(deep)
            );
            let text = format!(r#"{{"a":0,"b":{value}}}"#);
            let read: Parameters<'_> = serde_json::from_str(&text).unwrap();
            read.for_model().map_err(|why| why.to_string())
        };
        assert!(of(DEEPEST).unwrap().is_some());
        let refused = of(DEEPEST + 1).unwrap_err();
        assert!(refused.contains("`b`, whose value is nested"), "{refused}");
    }
}
