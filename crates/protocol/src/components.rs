//! What a signature covers (RFC 9421, section 2), and where its values come from.

use crate::{
    record::{RequestRecord, ResponseRecord},
    VerifyError,
};
use sfv::{
    BareItem, Dictionary, InnerList, Item, ItemSerializer, Key, KeyRef, ListEntry, ListSerializer,
    Parser,
};

pub(crate) fn malformed(why: impl Into<String>) -> VerifyError {
    VerifyError::Malformed(why.into())
}

/// One thing that a signature covers.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Component {
    Method,
    Path,
    Query,
    Status,
    Field {
        name: String,
        key: Option<String>,
        of_request: bool,
    },
}

impl Component {
    pub(crate) fn field(name: &str) -> Self {
        Self::Field {
            name: name.to_owned(),
            key: None,
            of_request: false,
        }
    }

    /// A field of the request that a response answers, or one member of it.
    pub(crate) fn of_request(name: &str, key: Option<&str>) -> Self {
        Self::Field {
            name: name.to_owned(),
            key: key.map(str::to_owned),
            of_request: true,
        }
    }

    pub(crate) fn read(item: &Item) -> Result<Self, VerifyError> {
        let BareItem::String(name) = &item.bare_item else {
            return Err(malformed("a covered component is not named by a string"));
        };
        let (mut key, mut of_request) = (None, false);
        for (param, value) in &item.params {
            match (param.as_str(), value) {
                ("key", BareItem::String(value)) => key = Some(value.as_str().to_owned()),
                ("req", BareItem::Boolean(true)) => of_request = true,
                (other, _) => {
                    return Err(malformed(format!(
                        "component `{}` has the parameter `{other}`, which is not used here",
                        name.as_str()
                    )))
                }
            }
        }
        let derived = key.is_none() && !of_request;
        match name.as_str() {
            "@method" if derived => Ok(Self::Method),
            "@path" if derived => Ok(Self::Path),
            "@query" if derived => Ok(Self::Query),
            "@status" if derived => Ok(Self::Status),
            name if name.starts_with('@') => {
                Err(malformed(format!("component `{name}` is not used here")))
            }
            name if name != name.to_ascii_lowercase() => Err(malformed(format!(
                "component `{name}` must be in lower case"
            ))),
            name => Ok(Self::Field {
                name: name.to_owned(),
                key,
                of_request,
            }),
        }
    }

    pub(crate) fn to_item(&self) -> Result<Item, VerifyError> {
        let (name, key, of_request) = match self {
            Self::Method => ("@method", None, false),
            Self::Path => ("@path", None, false),
            Self::Query => ("@query", None, false),
            Self::Status => ("@status", None, false),
            Self::Field {
                name,
                key,
                of_request,
            } => (name.as_str(), key.as_deref(), *of_request),
        };
        let mut item = Item::new(text(name)?);
        if of_request {
            item.params.insert(param("req"), BareItem::Boolean(true));
        }
        if let Some(key) = key {
            item.params.insert(param("key"), text(key)?);
        }
        Ok(item)
    }
}

pub(crate) fn param(name: &'static str) -> Key {
    sfv::key_ref(name).to_owned()
}

pub(crate) fn text(value: &str) -> Result<BareItem, VerifyError> {
    sfv::StringRef::from_str(value)
        .map(|value| BareItem::String(value.to_owned()))
        .map_err(|_| malformed(format!("`{value}` is not ASCII")))
}

/// What a base takes its values from. Of a response's base `request` is the request answered.
#[derive(Clone, Copy)]
pub(crate) enum Source<'a> {
    Request(&'a RequestRecord),
    Response {
        response: &'a ResponseRecord,
        request: &'a RequestRecord,
    },
}

impl Source<'_> {
    pub(crate) fn value(&self, component: &Component) -> Result<String, VerifyError> {
        let misplaced = |name: &str| malformed(format!("{name} has no place in this message"));
        match (component, self) {
            (Component::Method, Self::Request(request)) => Ok(request.method.clone()),
            (Component::Path, Self::Request(request)) => Ok(request.path.clone()),
            (Component::Query, Self::Request(request)) => {
                Ok(format!("?{}", request.query.as_deref().unwrap_or_default()))
            }
            (Component::Status, Self::Response { response, .. }) => {
                Ok(format!("{:03}", response.status))
            }
            (
                Component::Field {
                    name,
                    key,
                    of_request,
                },
                source,
            ) => {
                let fields = match (source, of_request) {
                    (Self::Request(request), false) => &request.fields,
                    (Self::Response { response, .. }, false) => &response.fields,
                    (Self::Response { request, .. }, true) => &request.fields,
                    (Self::Request(_), true) => return Err(misplaced("`req`")),
                };
                let value = fields
                    .get(name)
                    .ok_or_else(|| malformed(format!("the covered field `{name}` is not there")))?;
                match key {
                    None => Ok(value.clone()),
                    Some(key) => Ok(serialised(&member(name, value, key)?)),
                }
            }
            (Component::Status, _) => Err(misplaced("`@status`")),
            (_, _) => Err(misplaced("a component of a request")),
        }
    }
}

/// Member `key` of the dictionary that field `name` holds.
pub(crate) fn member(name: &str, value: &str, key: &str) -> Result<ListEntry, VerifyError> {
    let mut members: Dictionary = Parser::new(value)
        .parse()
        .map_err(|why| malformed(format!("the field `{name}` can't be read: {why}")))?;
    KeyRef::from_str(key)
        .ok()
        .and_then(|key| members.swap_remove(key))
        .ok_or_else(|| malformed(format!("the field `{name}` has no member `{key}`")))
}

pub(crate) fn identifier(item: &Item) -> String {
    ItemSerializer::new()
        .bare_item(&item.bare_item)
        .parameters(&item.params)
        .finish()
}

fn serialised(member: &ListEntry) -> String {
    match member {
        ListEntry::Item(item) => identifier(item),
        ListEntry::InnerList(list) => inner_list(list),
    }
}

pub(crate) fn inner_list(list: &InnerList) -> String {
    // A list of one member is written exactly as that member alone.
    let mut writer = ListSerializer::new();
    let mut inner = writer.inner_list();
    inner.items(&list.items);
    inner.finish().parameters(&list.params);
    writer.finish().unwrap_or_default()
}
