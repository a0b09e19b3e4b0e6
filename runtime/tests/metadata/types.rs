//! Types of the metadata as a reader knows them.

use scale_info::{form::PortableForm, Field, PortableRegistry, TypeDef, TypeDefPrimitive, Variant};

/// The types that metadata refers to by number.
pub struct Types<'a>(pub &'a PortableRegistry);

impl<'a> Types<'a> {
    pub fn definition(&self, id: u32) -> &'a TypeDef<PortableForm> {
        &self.get(id).type_def
    }

    /// The last part of a type's path; empty for those that have none.
    pub fn ident(&self, id: u32) -> &'a str {
        let path = &self.get(id).path;
        path.segments.last().map_or("", String::as_str)
    }

    fn get(&self, id: u32) -> &'a scale_info::Type<PortableForm> {
        self.0.resolve(id).expect("metadata holds its own types")
    }

    /// The variants of an enum of calls, events or errors, by their index.
    pub fn variants(&self, id: u32) -> Vec<&'a Variant<PortableForm>> {
        let TypeDef::Variant(variants) = self.definition(id) else {
            return Vec::new();
        };
        let mut variants: Vec<_> = variants.variants.iter().collect();
        variants.sort_by_key(|variant| variant.index);
        variants
    }

    /// How a type is written. What only wraps or bounds another is left out.
    pub fn name(&self, id: u32) -> String {
        match self.definition(id) {
            TypeDef::Primitive(primitive) => primitive_name(primitive).into(),
            TypeDef::Compact(compact) => self.name(compact.type_param.id),
            TypeDef::Sequence(items) => match self.name(items.type_param.id).as_str() {
                "u8" => "bytes".into(),
                item => format!("[{item}]"),
            },
            TypeDef::Array(array) => format!("[{}; {}]", self.name(array.type_param.id), array.len),
            TypeDef::Tuple(tuple) => {
                let fields: Vec<_> = tuple
                    .fields
                    .iter()
                    .map(|field| self.name(field.id))
                    .collect();
                format!("({})", fields.join(", "))
            }
            TypeDef::BitSequence(_) => "bits".into(),
            TypeDef::Composite(composite) => match (self.ident(id), &composite.fields[..]) {
                (name, [inner])
                    if name.starts_with("Bounded") || name.starts_with("WeakBounded") =>
                {
                    self.name(inner.ty.id)
                }
                ("", _) => "…".into(),
                (name, _) => name.into(),
            },
            TypeDef::Variant(variants) => match (self.ident(id), self.option(id)) {
                ("Option", Some(inner)) => format!("Option<{}>", self.name(inner)),
                ("", _) => format!("one of {}", variants.variants.len()),
                (name, _) => name.into(),
            },
        }
    }

    /// What an `Option` holds.
    pub fn option(&self, id: u32) -> Option<u32> {
        let TypeDef::Variant(variants) = self.definition(id) else {
            return None;
        };
        let some = variants.variants.iter().find(|it| it.name == "Some")?;
        (self.ident(id) == "Option").then_some(some.fields.first()?.ty.id)
    }

    /// Fields with their names and types.
    pub fn fields(&self, fields: &[Field<PortableForm>]) -> Vec<(String, String)> {
        fields
            .iter()
            .map(|field| {
                let name = field.name.clone().unwrap_or_default();
                (name, self.name(field.ty.id))
            })
            .collect()
    }
}

fn primitive_name(primitive: &TypeDefPrimitive) -> &'static str {
    match primitive {
        TypeDefPrimitive::Bool => "bool",
        TypeDefPrimitive::Char => "char",
        TypeDefPrimitive::Str => "text",
        TypeDefPrimitive::U8 => "u8",
        TypeDefPrimitive::U16 => "u16",
        TypeDefPrimitive::U32 => "u32",
        TypeDefPrimitive::U64 => "u64",
        TypeDefPrimitive::U128 => "u128",
        TypeDefPrimitive::U256 => "u256",
        TypeDefPrimitive::I8 => "i8",
        TypeDefPrimitive::I16 => "i16",
        TypeDefPrimitive::I32 => "i32",
        TypeDefPrimitive::I64 => "i64",
        TypeDefPrimitive::I128 => "i128",
        TypeDefPrimitive::I256 => "i256",
    }
}
