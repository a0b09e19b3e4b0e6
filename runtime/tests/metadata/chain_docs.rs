//! `docs/chain.md`: every call, storage item, event and error, as the metadata has it.

use std::fmt::Write as _;

use assay_primitives::Refusal;
use codec::Decode;
use frame_metadata::{
    v14::StorageEntryType,
    v16::{PalletMetadata, RuntimeApiMetadata, RuntimeMetadataV16, StorageEntryMetadata},
    RuntimeMetadata, RuntimeMetadataPrefixed,
};
use scale_info::{form::PortableForm, Field, Variant};

use crate::{
    commands::{command, COMMANDS},
    examples::camel,
    types::Types,
};

type Pallet = PalletMetadata<PortableForm>;

/// Pallets of ours that stand among the ready-made ones.
const OURS: [&str; 3] = ["Network", "Authors", "Governance"];
/// From this index on pallets are ours.
const FIRST_OF_OURS: u8 = 20;
/// The runtime API that is ours.
const API: &str = "AssayApi";

const INTRODUCTION: &str = "\
# The chain, item by item

<!-- Written from the runtime's metadata by `cargo xtask chain-docs`: change the sources, not this page. -->

Everything that can be called, read, listened to and refused. What it is for stands in [economics](economics.md), [keys](keys.md) and
[network](network.md); what a node answers in one call in [rpc](rpc.md).

Examples are for `@polkadot/api`, and read much the same in other libraries. In them `api` is a connection, `alice` an account's address, `digest` 32 bytes
and `signature` 64 as hexadecimal text, and `call` another call. Amounts are in 10⁻¹² ASY, so `1_000_000_000_000n` is 1 ASY. Arguments that may be left out
are left out. Where `assay` makes a call, the command stands beside it; `assay COMMAND --help` tells the rest. A call is signed and sent by
`await call.signAndSend(pair)`, and what came of it is in the events of its block: `system.ExtrinsicSuccess`, or `system.ExtrinsicFailed` with a dispatch error
as the tables below show it.

";

#[test]
fn page_lists_what_the_runtime_has() {
    let bytes = crate::metadata();
    let decoded = RuntimeMetadataPrefixed::decode(&mut &bytes[..]).expect("metadata decodes");
    let RuntimeMetadata::V16(metadata) = decoded.1 else {
        panic!("version {} was asked for", crate::VERSION);
    };
    crate::check("docs/chain.md", page(&metadata).as_bytes());
}

fn page(metadata: &RuntimeMetadataV16) -> String {
    let types = Types(&metadata.types);
    let (ours, theirs): (Vec<_>, Vec<_>) = metadata.pallets.iter().partition(|it| is_ours(it));
    let mut made = 0;
    let mut page = Page {
        types: &types,
        text: INTRODUCTION.into(),
    };
    page.contents(&ours, &theirs);
    for pallet in ours {
        made += page.pallet(pallet);
    }
    page.refusals();
    for api in metadata.apis.iter().filter(|api| api.name == API) {
        page.api(api);
    }
    page.line("# Ready-made pallets\n\nThose of polkadot-sdk, as every chain has them.\n");
    for pallet in theirs {
        made += page.pallet(pallet);
    }
    assert_eq!(
        made,
        COMMANDS.len(),
        "commands.rs names a call that is gone"
    );
    page.text.trim_end().to_owned() + "\n"
}

fn is_ours(pallet: &Pallet) -> bool {
    pallet.index >= FIRST_OF_OURS || OURS.contains(&pallet.name.as_str())
}

struct Page<'a> {
    types: &'a Types<'a>,
    text: String,
}

impl Page<'_> {
    fn line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
    }

    fn contents(&mut self, ours: &[&Pallet], theirs: &[&Pallet]) {
        let links = |pallets: &[&Pallet]| {
            let links = pallets
                .iter()
                .map(|it| format!("[{}](#{})", it.name, it.name.to_lowercase()));
            links.collect::<Vec<_>>().join(", ")
        };
        let (ours, theirs) = (links(ours), links(theirs));
        self.line(&format!("Ours: {ours}; [refusals](#refusals) and [questions](#questions). Ready-made: {theirs}.\n"));
    }

    /// One pallet; says how many of its calls `assay` makes.
    fn pallet(&mut self, pallet: &Pallet) -> usize {
        let name = &pallet.name;
        self.line(&format!("## {name}\n"));
        let about = paragraphs(&pallet.docs);
        if let (true, Some(first)) = (is_ours(pallet), about.first()) {
            self.line(&format!("{first}\n"));
        }
        let mut made = 0;
        if let Some(calls) = &pallet.calls {
            self.line("### Calls\n");
            for call in self.types.variants(calls.ty.id) {
                made += usize::from(self.call(pallet, call));
            }
        }
        if let Some(storage) = &pallet.storage {
            self.line("### Storage\n\n| item | key | value | what it holds | read by |\n| --- | --- | --- | --- | --- |");
            for entry in &storage.entries {
                self.storage(name, entry);
            }
            self.line("");
        }
        if let Some(events) = &pallet.event {
            self.line("### Events\n\n| event | when | as data |\n| --- | --- | --- |");
            for event in self.types.variants(events.ty.id) {
                self.event(event);
            }
            self.line("");
        }
        if let Some(errors) = &pallet.error {
            self.line("### Errors\n\n| error | why | as a dispatch error |\n| --- | --- | --- |");
            for error in self.types.variants(errors.ty.id) {
                let why = cell(&paragraphs(&error.docs).join(" "));
                let (index, variant) = (pallet.index, error.index);
                self.line(&format!(
                    "| `{}` | {why} | `{{ Module: {{ index: {index}, error: \"0x{variant:02x}000000\" }} }}` |",
                    error.name
                ));
            }
            self.line("");
        }
        made
    }

    /// One call; says whether `assay` makes it.
    fn call(&mut self, pallet: &Pallet, call: &Variant<PortableForm>) -> bool {
        let names: Vec<_> = call
            .fields
            .iter()
            .filter_map(|it| it.name.as_deref())
            .collect();
        self.line(&format!("#### `{}({})`\n", call.name, names.join(", ")));
        let about = paragraphs(&call.docs);
        // The SDK's pallets explain at length, with headings of their own.
        let shown = if is_ours(pallet) { about.len() } else { 1 };
        for paragraph in about.iter().take(shown) {
            self.line(&format!("{paragraph}\n"));
        }
        if !call.fields.is_empty() {
            let arguments = self.listed(&call.fields);
            self.line(&format!("{arguments}.\n"));
        }
        let example = self.types.arguments(&call.fields);
        let (module, method) = (camel(&pallet.name), camel(&call.name));
        self.line(&format!(
            "```js\napi.tx.{module}.{method}({example})\n```\n"
        ));
        let command = command(&pallet.name, &call.name);
        if let Some(command) = command {
            self.line(&format!("```sh\n{command}\n```\n"));
        }
        command.is_some()
    }

    /// Fields with their types, and with what is said about them.
    fn listed(&self, fields: &[Field<PortableForm>]) -> String {
        let listed = fields.iter().zip(self.types.fields(fields));
        let listed = listed.map(|(field, (name, ty))| {
            let about = paragraphs(&field.docs).join(" ");
            match (name.as_str(), about.trim_end_matches('.')) {
                ("", "") => format!("`{ty}`"),
                (name, "") => format!("`{name}`: {ty}"),
                (name, about) => format!("`{name}`: {ty} ({about})"),
            }
        });
        listed.collect::<Vec<_>>().join("; ")
    }

    fn storage(&mut self, pallet: &str, entry: &StorageEntryMetadata<PortableForm>) {
        let (key, value, arguments) = match &entry.ty {
            StorageEntryType::Plain(value) => {
                ("–".into(), self.types.name(value.id), String::new())
            }
            StorageEntryType::Map { key, value, .. } => {
                let example = self.types.value(key.id, "netuid", 0);
                // Several keys are a tuple in the metadata and arguments in a library.
                let arguments = example
                    .strip_prefix('[')
                    .and_then(|it| it.strip_suffix(']'));
                let arguments = arguments.unwrap_or(&example).to_owned();
                (
                    self.types.name(key.id),
                    self.types.name(value.id),
                    arguments,
                )
            }
        };
        let about = cell(&paragraphs(&entry.docs).join(" "));
        let (name, module, item) = (&entry.name, camel(pallet), camel(&entry.name));
        self.line(&format!(
            "| `{name}` | {key} | {value} | {about} | `api.query.{module}.{item}({arguments})` |"
        ));
    }

    fn event(&mut self, event: &Variant<PortableForm>) {
        let mut when = paragraphs(&event.docs).join(" ");
        for (field, (name, _)) in event.fields.iter().zip(self.types.fields(&event.fields)) {
            let about = paragraphs(&field.docs).join(" ");
            if !about.is_empty() {
                write!(when, " `{name}`: {about}").expect("text can be written to");
            }
        }
        let fields = event.fields.iter().map(|field| {
            let name = field.name.as_deref().unwrap_or_default();
            let value = self.types.value(field.ty.id, name, 0);
            match name {
                "" => value,
                name => format!("{}: {value}", camel(name)),
            }
        });
        let fields = fields.collect::<Vec<_>>().join(", ");
        let (name, when) = (&event.name, cell(when.trim()));
        self.line(&format!("| `{name}` | {when} | `{{ {fields} }}` |"));
    }

    fn refusals(&mut self) {
        self.line(
            "## Refusals\n\nWeight calls carry no fee, so the transaction pool and the block's author refuse those that may not be made. Libraries show this as\n\
             `1010: Invalid Transaction: Custom error: 103`.\n\n| code | name | why |\n| --- | --- | --- |",
        );
        for refusal in Refusal::ALL {
            self.line(&format!(
                "| {} | `{refusal:?}` | {refusal} |",
                refusal.code()
            ));
        }
        self.line("");
    }

    fn api(&mut self, api: &RuntimeApiMetadata<PortableForm>) {
        self.line(
            "## Questions\n\nWhat the runtime answers in one call. A node answers the same as `assay_*` over [JSON-RPC](rpc.md).\n\n\
             | question | answer | what it tells | asked by |\n| --- | --- | --- | --- |",
        );
        for method in &api.methods {
            let inputs = method.inputs.iter();
            let values: Vec<_> = inputs
                .map(|input| self.types.value(input.ty.id, &input.name, 0))
                .collect();
            let (name, values) = (camel(&method.name), values.join(", "));
            let answer = cell(&self.types.name(method.output.id));
            let about = cell(&paragraphs(&method.docs).join(" "));
            self.line(&format!(
                "| `{}` | {answer} | {about} | `api.call.assayApi.{name}({values})` |",
                method.name
            ));
        }
        self.line("");
    }
}

/// What is said about an item, a line to a paragraph, without links that lead into the sources.
fn paragraphs(docs: &[String]) -> Vec<String> {
    let mut paragraphs = vec![String::new()];
    for line in docs {
        let line = line.trim();
        if line.is_empty() {
            paragraphs.push(String::new());
        } else if let Some(last) = paragraphs.last_mut() {
            if !last.is_empty() {
                last.push(if line.starts_with("- ") { '\n' } else { ' ' });
            }
            last.push_str(line);
        }
    }
    paragraphs.retain(|paragraph| !paragraph.is_empty());
    paragraphs.iter().map(|it| without_links(it)).collect()
}

/// ``[`Pallet::price`](crate::Pallet)`` as `` `Pallet::price` ``.
fn without_links(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("[`") {
        plain.push_str(before);
        let Some((name, after)) = after.split_once("`]") else {
            rest = &rest[before.len()..];
            break;
        };
        write!(plain, "`{name}`").expect("text can be written to");
        rest = match after.strip_prefix('(').and_then(|it| it.split_once(')')) {
            Some((_, after)) => after,
            None => after,
        };
    }
    plain + rest
}

/// Text that a table's cell can hold.
fn cell(text: &str) -> String {
    text.replace('|', "\\|").replace('\n', " ")
}

#[test]
fn without_links_leaves_names_alone() {
    assert_eq!(
        without_links("see [`A::b`], [`C`](crate::C) and `d`"),
        "see `A::b`, `C` and `d`"
    );
    assert_eq!(without_links("an open [`bracket"), "an open [`bracket");
}
