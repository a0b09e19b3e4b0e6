//! Signature bases (RFC 9421, section 2.5): from `Signature-Input` to the bytes that are signed.
//!
//! A base is made from the components and parameters *as they were received*, in their order, so
//! that signers who list more than we ask for, or list it in another order, verify all the same.

use crate::{
    components::{identifier, inner_list, malformed, member, param, text, Component, Source},
    record::Fields,
    Hotkey, Keypair, Scheme, Signature, UnixSeconds, VerifyError,
};
use sfv::{BareItem, Dictionary, InnerList, Item, ItemSerializer, Key, ListEntry, Parser};
use std::collections::HashSet;

pub(crate) const SIGNATURE_INPUT: &str = "signature-input";
pub(crate) const SIGNATURE: &str = "signature";

/// The label of the signatures that we make. Receivers go by the tag.
pub(crate) const LABEL: &str = "assay";

/// More components than anyone needs to cover; it bounds the work a stranger can ask for.
const MAX_COMPONENTS: usize = 32;

/// The parameters of a signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct SignatureParams {
    pub created: UnixSeconds,
    pub expires: Option<UnixSeconds>,
    pub nonce: Option<String>,
    pub keyid: Hotkey,
    pub scheme: Scheme,
    pub tag: &'static str,
}

/// One member of `Signature-Input`: what is covered, and the parameters.
#[derive(Clone, Debug)]
pub(crate) struct SignatureInput {
    label: Key,
    list: InnerList,
    components: Vec<Component>,
}

impl SignatureInput {
    /// What we cover and state when we sign.
    pub(crate) fn new(
        components: Vec<Component>,
        params: &SignatureParams,
    ) -> Result<Self, VerifyError> {
        let items = components
            .iter()
            .map(Component::to_item)
            .collect::<Result<_, _>>()?;
        let mut list = InnerList::new(items);
        list.params
            .insert(param("created"), seconds(params.created)?);
        if let Some(expires) = params.expires {
            list.params.insert(param("expires"), seconds(expires)?);
        }
        if let Some(nonce) = &params.nonce {
            list.params.insert(param("nonce"), text(nonce)?);
        }
        list.params
            .insert(param("keyid"), text(&params.keyid.to_string())?);
        list.params
            .insert(param("alg"), text(params.scheme.as_str())?);
        list.params.insert(param("tag"), text(params.tag)?);
        Ok(Self {
            label: param(LABEL),
            list,
            components,
        })
    }

    /// The one member of `signature-input` that is tagged `tag`.
    pub(crate) fn find(fields: &Fields, tag: &'static str) -> Result<Self, VerifyError> {
        let value = fields
            .get(SIGNATURE_INPUT)
            .ok_or(VerifyError::Unsigned(tag))?;
        let members: Dictionary = Parser::new(value)
            .parse()
            .map_err(|why| malformed(format!("signature-input can't be read: {why}")))?;
        let mut tagged = members
            .into_iter()
            .filter_map(|(label, member)| match member {
                ListEntry::InnerList(list) if is_tagged(&list, tag) => Some((label, list)),
                _ => None,
            });
        let (label, list) = tagged.next().ok_or(VerifyError::Unsigned(tag))?;
        if tagged.next().is_some() {
            return Err(malformed(format!(
                "more than one signature is tagged `{tag}`"
            )));
        }
        if list.items.len() > MAX_COMPONENTS {
            return Err(malformed(format!(
                "more than {MAX_COMPONENTS} components are covered"
            )));
        }
        let components = list
            .items
            .iter()
            .map(Component::read)
            .collect::<Result<Vec<_>, VerifyError>>()?;
        if components.iter().collect::<HashSet<_>>().len() != components.len() {
            return Err(malformed("a component is covered twice"));
        }
        Ok(Self {
            label,
            list,
            components,
        })
    }

    pub(crate) fn components(&self) -> &[Component] {
        &self.components
    }

    pub(crate) fn label(&self) -> &str {
        self.label.as_str()
    }

    /// Refuses a signature that leaves out one of `needed`.
    pub(crate) fn require(&self, needed: &[Component]) -> Result<(), VerifyError> {
        for component in needed {
            if !self.components.contains(component) {
                let item = component.to_item()?;
                return Err(malformed(format!(
                    "the signature must cover {}",
                    identifier(&item)
                )));
            }
        }
        Ok(())
    }

    /// Reads the parameters. `alg` is looked at first: with an unknown one, nothing else counts.
    pub(crate) fn params(&self, tag: &'static str) -> Result<SignatureParams, VerifyError> {
        let alg = self
            .text_param("alg")?
            .ok_or_else(|| malformed("`alg` is missing"))?;
        let scheme = alg
            .parse()
            .map_err(|_| VerifyError::UnknownAlgorithm(alg.to_owned()))?;
        let keyid = self
            .text_param("keyid")?
            .ok_or_else(|| malformed("`keyid` is missing"))?;
        let keyid = keyid
            .parse()
            .map_err(|why| malformed(format!("keyid: {why}")))?;
        let created = self
            .time_param("created")?
            .ok_or_else(|| malformed("`created` is missing"))?;
        let expires = self.time_param("expires")?;
        let nonce = self.text_param("nonce")?.map(str::to_owned);
        Ok(SignatureParams {
            created,
            expires,
            nonce,
            keyid,
            scheme,
            tag,
        })
    }

    fn text_param(&self, name: &'static str) -> Result<Option<&str>, VerifyError> {
        match self.list.params.get(sfv::key_ref(name)) {
            None => Ok(None),
            Some(BareItem::String(value)) => Ok(Some(value.as_str())),
            Some(_) => Err(malformed(format!("`{name}` is not a string"))),
        }
    }

    fn time_param(&self, name: &'static str) -> Result<Option<UnixSeconds>, VerifyError> {
        match self.list.params.get(sfv::key_ref(name)) {
            None => Ok(None),
            Some(BareItem::Integer(value)) => u64::try_from(i64::from(*value))
                .map(|value| Some(UnixSeconds(value)))
                .map_err(|_| malformed(format!("`{name}` is negative"))),
            Some(_) => Err(malformed(format!(
                "`{name}` is not a whole number of seconds"
            ))),
        }
    }

    /// The text after the label in `Signature-Input`.
    fn value(&self) -> String {
        inner_list(&self.list)
    }

    /// The bytes that are signed. `value` is [`Self::value`].
    fn base(&self, source: Source<'_>, value: &str) -> Result<String, VerifyError> {
        // Most are of this size.
        let mut base = String::with_capacity(1024);
        for (component, item) in self.components.iter().zip(&self.list.items) {
            base.push_str(&identifier(item));
            base.push_str(": ");
            base.push_str(&source.value(component)?);
            base.push('\n');
        }
        base.push_str("\"@signature-params\": ");
        base.push_str(value);
        Ok(base)
    }

    /// Signs, and returns the values of `Signature-Input` and `Signature`.
    pub(crate) fn sign(
        &self,
        key: &Keypair,
        source: Source<'_>,
    ) -> Result<(String, String), VerifyError> {
        let value = self.value();
        let signature = key.sign(self.base(source, &value)?.as_bytes());
        let signature = BareItem::ByteSequence(signature.to_vec());
        let signature = ItemSerializer::new().bare_item(&signature).finish();
        Ok((
            format!("{}={value}", self.label()),
            format!("{}={signature}", self.label()),
        ))
    }

    /// Checks the signature and returns it.
    pub(crate) fn verify(
        &self,
        params: &SignatureParams,
        fields: &Fields,
        source: Source<'_>,
    ) -> Result<Signature, VerifyError> {
        let value = fields
            .get(SIGNATURE)
            .ok_or(VerifyError::Unsigned(params.tag))?;
        let member = member(SIGNATURE, value, self.label())?;
        let ListEntry::Item(Item {
            bare_item: BareItem::ByteSequence(bytes),
            ..
        }) = member
        else {
            return Err(malformed("the signature is not a byte sequence"));
        };
        let signature: Signature = bytes
            .try_into()
            .map_err(|_| malformed("the signature is not 64 bytes"))?;
        let base = self.base(source, &self.value())?;
        if params
            .scheme
            .verify(&params.keyid, base.as_bytes(), &signature)
        {
            Ok(signature)
        } else {
            Err(VerifyError::BadSignature(params.keyid))
        }
    }
}

fn seconds(value: UnixSeconds) -> Result<BareItem, VerifyError> {
    i64::try_from(value.0)
        .ok()
        .and_then(|value| sfv::Integer::try_from(value).ok())
        .map(BareItem::Integer)
        .ok_or_else(|| malformed(format!("the time {value} is out of range")))
}

fn is_tagged(list: &InnerList, tag: &str) -> bool {
    matches!(list.params.get(sfv::key_ref("tag")), Some(BareItem::String(it)) if it.as_str() == tag)
}
