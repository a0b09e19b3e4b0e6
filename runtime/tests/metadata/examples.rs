//! Examples made from types: values as `@polkadot/api` takes and shows them.

use scale_info::{form::PortableForm, Field, TypeDef, TypeDefPrimitive};

use crate::types::Types;

/// Deeper values are left to the reader.
const DEEPEST: u8 = 7;

/// The name of a thing in a library that writes names as JavaScript does.
pub fn camel(name: &str) -> String {
    let mut camel = String::new();
    let mut upper = false;
    for (index, letter) in name.chars().enumerate() {
        if letter == '_' {
            upper = true;
        } else if index == 0 {
            camel.extend(letter.to_lowercase());
        } else if upper {
            camel.extend(letter.to_uppercase());
            upper = false;
        } else {
            camel.push(letter);
        }
    }
    camel
}

impl Types<'_> {
    /// Values for the arguments of a call, separated by commas.
    pub fn arguments(&self, fields: &[Field<PortableForm>]) -> String {
        let values: Vec<_> = fields
            .iter()
            .map(|field| self.value(field.ty.id, field.name.as_deref().unwrap_or_default(), 0))
            .collect();
        values.join(", ")
    }

    /// A value of a type, for a field of this name.
    pub fn value(&self, id: u32, name: &str, depth: u8) -> String {
        if depth > DEEPEST {
            return "…".into();
        }
        if let Some(value) = known(self.ident(id)) {
            return value.into();
        }
        let next = depth + 1;
        match self.definition(id) {
            TypeDef::Primitive(primitive) => number(primitive, name).into(),
            TypeDef::Compact(compact) => self.value(compact.type_param.id, name, next),
            TypeDef::Sequence(items) => self.items(items.type_param.id, 1, name, next),
            TypeDef::Array(array) => match (self.name(array.type_param.id).as_str(), array.len) {
                ("u8", 32) => "digest".into(),
                ("u8", 64) => "signature".into(),
                ("u8", length) => format!("\"0x{}\"", "00".repeat(length as usize)),
                (_, length) => self.items(array.type_param.id, length.min(2), name, next),
            },
            TypeDef::Tuple(tuple) if tuple.fields.is_empty() => "null".into(),
            TypeDef::Tuple(tuple) => {
                let fields = tuple.fields.iter();
                let values: Vec<_> = fields.map(|it| self.value(it.id, name, next)).collect();
                format!("[{}]", values.join(", "))
            }
            TypeDef::BitSequence(_) => "\"0x00\"".into(),
            TypeDef::Composite(composite) => self.composite(&composite.fields, name, next),
            TypeDef::Variant(_) => self.variant(id, name, next),
        }
    }

    fn items(&self, item: u32, count: u32, name: &str, depth: u8) -> String {
        if self.name(item) == "u8" {
            return "\"text\"".into();
        }
        let value = self.value(item, name, depth);
        format!("[{}]", vec![value; count as usize].join(", "))
    }

    /// Fields in braces, without those that may be left out, unless that is all of them.
    fn composite(&self, fields: &[Field<PortableForm>], name: &str, depth: u8) -> String {
        match fields {
            [] => return "null".into(),
            [only] if only.name.is_none() => return self.value(only.ty.id, name, depth),
            [first, ..] if first.name.is_none() => {
                let values: Vec<_> = fields
                    .iter()
                    .map(|field| self.value(field.ty.id, name, depth))
                    .collect();
                return format!("[{}]", values.join(", "));
            }
            _ => {}
        }
        let field = |field: &Field<PortableForm>, id: u32| {
            let name = field.name.as_deref().unwrap_or_default();
            format!("{}: {}", camel(name), self.value(id, name, depth))
        };
        let needed: Vec<_> = fields
            .iter()
            .filter(|it| self.option(it.ty.id).is_none())
            .map(|it| field(it, it.ty.id))
            .collect();
        let first = || {
            let first = &fields[0];
            field(first, self.option(first.ty.id).unwrap_or(first.ty.id))
        };
        let shown = if needed.is_empty() {
            first()
        } else {
            needed.join(", ")
        };
        format!("{{ {shown} }}")
    }

    fn variant(&self, id: u32, name: &str, depth: u8) -> String {
        if self.option(id).is_some() {
            return "null".into();
        }
        let variants = self.variants(id);
        let Some(first) = variants.first() else {
            return "null".into();
        };
        if first.fields.is_empty() {
            return format!("\"{}\"", first.name);
        }
        let fields = self.composite(&first.fields, name, depth);
        format!("{{ {}: {fields} }}", first.name)
    }
}

/// Types that the page's introduction gives a name for.
fn known(ident: &str) -> Option<&'static str> {
    Some(match ident {
        "AccountId32" | "MultiAddress" => "alice",
        "RuntimeCall" => "call",
        "H256" => "digest",
        "MultiSignature" => "signature",
        _ => return None,
    })
}

fn number(primitive: &TypeDefPrimitive, name: &str) -> &'static str {
    match (primitive, name) {
        (TypeDefPrimitive::Bool, _) => "true",
        (TypeDefPrimitive::Char | TypeDefPrimitive::Str, _) => "\"text\"",
        (TypeDefPrimitive::U128 | TypeDefPrimitive::U256, _) => "1_000_000_000_000n",
        (_, "netuid" | "index" | "generation") => "0",
        (_, "uid") => "3",
        _ => "1",
    }
}

#[test]
fn camel_writes_names_as_javascript_does() {
    assert_eq!(camel("register_subnet"), "registerSubnet");
    assert_eq!(camel("Subnets"), "subnets");
}
