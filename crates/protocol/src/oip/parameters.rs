//! Parameters of a message as they are read: names, each with a value that nobody looks into unless
//! it means something here.
//!
//! They come from strangers and are for the most part passed over. Read into values of their own,
//! a body full of them would take thirty times its size; so their text is left where it is.

use serde::{
    de::{Error as _, MapAccess, Visitor},
    Deserialize, Deserializer,
};
use serde_json::value::RawValue;
use std::{borrow::Cow, fmt};

/// Most that one part of a message may have.
const MOST: usize = 256;

/// Names and values, in their order.
#[derive(Debug, Default)]
pub(super) struct Parameters<'a>(Vec<(Cow<'a, str>, &'a str)>);

impl Parameters<'_> {
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|(name, _)| name.as_ref())
    }

    /// The value of a parameter, in JSON. Of several, the last one counts.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let mut of_name = self.0.iter().filter(|(other, _)| other == name);
        of_name.next_back().map(|(_, value)| *value)
    }
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
                    if found.len() == MOST {
                        return Err(A::Error::custom(format!("more than {MOST} parameters")));
                    }
                    found.push((name, value.get()));
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
        assert!(serde_json::from_str::<Parameters<'_>>(&of(MOST)).is_ok());
        let refused = serde_json::from_str::<Parameters<'_>>(&of(MOST + 1)).unwrap_err();
        assert!(refused.to_string().contains("256 parameters"), "{refused}");
    }
}
