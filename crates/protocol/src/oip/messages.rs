//! Inference requests and answers.

use super::{
    binary, check_parameters,
    datatype::ALL_TYPES,
    datatype_from_name, datatype_name, json,
    parameters::{ModelParameters, ParameterText, Parameters, WriteParameters},
    tensor::element_count,
    OipError, Tensor, HEADER_LENGTH,
};
use serde::{Deserialize, Serialize};
use serde_json::{value::RawValue, Value};

/// How tensors are put into a message.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Encoding {
    /// In the JSON.
    #[default]
    Json,
    /// Raw, behind the JSON.
    Binary,
}

/// A message ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Encoded {
    /// The body.
    pub body: Vec<u8>,
    /// The value of [`HEADER_LENGTH`], if there are raw tensors.
    pub header_length: Option<usize>,
}

/// A query to a model.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InferRequest {
    /// Comes back in the answer.
    pub id: Option<String>,
    /// What the model is given.
    pub inputs: Vec<Tensor>,
    /// What the answer must hold; all outputs if empty.
    pub outputs: Vec<RequestedOutput>,
    /// How outputs come that are not named in `outputs`, or that don't say.
    pub output_encoding: Encoding,
    /// What it says besides.
    pub parameters: ModelParameters,
}

/// One output asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RequestedOutput {
    /// Its name.
    pub name: String,
    /// How it shall come; None for the request's own default.
    pub encoding: Option<Encoding>,
}

/// A model's answer.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct InferResponse {
    /// The model that answered.
    pub model_name: String,
    /// Its version.
    pub model_version: Option<String>,
    /// The request's.
    pub id: Option<String>,
    /// What it found.
    pub outputs: Vec<Tensor>,
}

/// Servers and clients made with pydantic write `null` for what is not there.
fn null_for_none<'de, T, D>(deserializer: D) -> Result<T, D::Error>
where
    T: Default + Deserialize<'de>,
    D: serde::Deserializer<'de>,
{
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}

#[derive(Deserialize)]
struct ReadRequest<'a> {
    id: Option<String>,
    #[serde(borrow, default, deserialize_with = "null_for_none")]
    parameters: Parameters<'a>,
    #[serde(borrow)]
    inputs: Vec<ReadTensor<'a>>,
    #[serde(borrow, default, deserialize_with = "null_for_none")]
    outputs: Vec<ReadOutput<'a>>,
}

#[derive(Deserialize)]
struct ReadOutput<'a> {
    name: String,
    #[serde(borrow, default, deserialize_with = "null_for_none")]
    parameters: Parameters<'a>,
}

#[derive(Deserialize)]
struct ReadResponse<'a> {
    model_name: String,
    model_version: Option<String>,
    id: Option<String>,
    #[serde(borrow)]
    outputs: Vec<ReadTensor<'a>>,
}

#[derive(Deserialize)]
struct ReadTensor<'a> {
    name: String,
    shape: Vec<usize>,
    datatype: String,
    #[serde(borrow, default, deserialize_with = "null_for_none")]
    parameters: Parameters<'a>,
    #[serde(borrow)]
    data: Option<&'a RawValue>,
}

#[derive(Serialize)]
struct WriteRequest<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: &'a Option<String>,
    #[serde(skip_serializing_if = "WriteParameters::is_empty")]
    parameters: WriteParameters<'a>,
    inputs: Vec<WriteTensor<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    outputs: Vec<WriteOutput<'a>>,
}

#[derive(Serialize)]
struct WriteOutput<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "WriteParameters::is_empty")]
    parameters: WriteParameters<'a>,
}

#[derive(Serialize)]
struct WriteResponse<'a> {
    model_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    model_version: &'a Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: &'a Option<String>,
    outputs: Vec<WriteTensor<'a>>,
}

#[derive(Serialize)]
struct WriteTensor<'a> {
    name: &'a str,
    datatype: &'static str,
    shape: &'a [usize],
    #[serde(skip_serializing_if = "WriteParameters::is_empty")]
    parameters: WriteParameters<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<json::Flat<'a>>,
}

impl InferRequest {
    /// Reads a request. `header_length` is what [`super::header_length`] found.
    pub fn decode(body: &[u8], header_length: Option<usize>) -> Result<Self, OipError> {
        let (head, mut raw) = split(body, header_length)?;
        let head: ReadRequest<'_> = parse(head)?;
        check_parameters(head.parameters.names())?;
        let mut parameters = ModelParameters {
            query: head.parameters.for_model()?,
            ..ModelParameters::default()
        };
        let inputs = head.inputs.into_iter().map(|input| {
            parameters.add_input(&input.name, input.parameters.for_model()?);
            raw.tensor(input)
        });
        let inputs = inputs.collect::<Result<_, _>>()?;
        raw.finish()?;
        let outputs = head.outputs.into_iter().map(|output| {
            parameters.add_output(&output.name, output.parameters.for_model()?);
            output.take()
        });
        let outputs = outputs.collect::<Result<_, _>>()?;
        let output_encoding = encoding(&head.parameters, "binary_data_output")?;
        let output_encoding = output_encoding.unwrap_or_default();
        Ok(Self {
            id: head.id,
            inputs,
            outputs,
            output_encoding,
            parameters,
        })
    }

    /// Writes a request, all its inputs in one encoding.
    pub fn encode(&self, inputs: Encoding) -> Result<Encoded, OipError> {
        let mut raw = Vec::new();
        let said = &self.parameters;
        let written = self
            .inputs
            .iter()
            .map(|it| WriteTensor::new(it, inputs, said.inputs.get(it.name()), &mut raw));
        let written = written.collect::<Result<_, _>>()?;
        let outputs = self.outputs.iter().map(|output| WriteOutput {
            name: &output.name,
            parameters: WriteParameters {
                of_encoding: output.encoding.map(|it| flag("binary_data", it)),
                for_model: said.outputs.get(&output.name),
            },
        });
        let raw_outputs = self.output_encoding == Encoding::Binary;
        let parameters = WriteParameters {
            of_encoding: raw_outputs.then(|| flag("binary_data_output", Encoding::Binary)),
            for_model: said.query.as_ref(),
        };
        let head = WriteRequest {
            id: &self.id,
            parameters,
            inputs: written,
            outputs: outputs.collect(),
        };
        join(&head, raw, inputs == Encoding::Binary)
    }

    /// Bytes of memory that it takes.
    pub fn bytes_held(&self) -> usize {
        let id = self.id.as_ref().map_or(0, String::capacity);
        let inputs: usize = self.inputs.iter().map(Tensor::bytes_held).sum();
        let outputs = self.outputs.iter();
        let outputs = outputs.map(|it| size_of::<RequestedOutput>() + it.name.capacity());
        id + inputs + outputs.sum::<usize>() + self.parameters.bytes_held()
    }

    /// How the output `name` shall come.
    pub fn encoding_of(&self, name: &str) -> Encoding {
        let asked = self.outputs.iter().find(|output| output.name == name);
        asked
            .and_then(|output| output.encoding)
            .unwrap_or(self.output_encoding)
    }
}

impl InferResponse {
    /// Reads an answer. `header_length` is what [`super::header_length`] found.
    pub fn decode(body: &[u8], header_length: Option<usize>) -> Result<Self, OipError> {
        let (head, mut raw) = split(body, header_length)?;
        let head: ReadResponse<'_> = parse(head)?;
        let outputs = head
            .outputs
            .into_iter()
            .map(|it| raw.tensor(it))
            .collect::<Result<_, _>>()?;
        raw.finish()?;
        let ReadResponse {
            model_name,
            model_version,
            id,
            ..
        } = head;
        Ok(Self {
            model_name,
            model_version,
            id,
            outputs,
        })
    }

    /// Writes an answer, each output as the request wants it.
    pub fn encode(&self, request: &InferRequest) -> Result<Encoded, OipError> {
        let mut raw = Vec::new();
        let mut any_binary = false;
        let mut outputs = Vec::with_capacity(self.outputs.len());
        for tensor in &self.outputs {
            let encoding = request.encoding_of(tensor.name());
            any_binary |= encoding == Encoding::Binary;
            outputs.push(WriteTensor::new(tensor, encoding, None, &mut raw)?);
        }
        let head = WriteResponse {
            model_name: &self.model_name,
            model_version: &self.model_version,
            id: &self.id,
            outputs,
        };
        join(&head, raw, any_binary)
    }

    /// The output `name`.
    pub fn output(&self, name: &str) -> Option<&Tensor> {
        self.outputs.iter().find(|tensor| tensor.name() == name)
    }
}

impl ReadOutput<'_> {
    fn take(self) -> Result<RequestedOutput, OipError> {
        check_parameters(self.parameters.names())?;
        let encoding = encoding(&self.parameters, "binary_data")?;
        Ok(RequestedOutput {
            name: self.name,
            encoding,
        })
    }
}

impl<'a> WriteTensor<'a> {
    fn new(
        tensor: &'a Tensor,
        encoding: Encoding,
        for_model: Option<&'a ParameterText>,
        raw: &mut Vec<u8>,
    ) -> Result<Self, OipError> {
        let (of_encoding, data) = match encoding {
            Encoding::Json => {
                json::check_writable(tensor.name(), tensor.data())?;
                (None, Some(json::Flat(tensor.data())))
            }
            Encoding::Binary => {
                let start = raw.len();
                binary::write(tensor.name(), tensor.data(), raw)?;
                let size = Value::from(raw.len() - start);
                (Some(("binary_data_size", size)), None)
            }
        };
        let datatype = datatype_name(tensor.datatype());
        Ok(Self {
            name: tensor.name(),
            datatype,
            shape: tensor.shape(),
            parameters: WriteParameters {
                of_encoding,
                for_model,
            },
            data,
        })
    }
}

/// The raw tensors of a message, taken from the front one by one. None: there is no raw part.
struct Raw<'a>(Option<&'a [u8]>);

impl Raw<'_> {
    fn tensor(&mut self, read: ReadTensor<'_>) -> Result<Tensor, OipError> {
        let name = read.name.as_str();
        let Some(datatype) = datatype_from_name(&read.datatype) else {
            let known = ALL_TYPES.map(datatype_name).join(", ");
            let why = format!("datatype `{}` is not one of {known}", read.datatype);
            return Err(OipError::tensor(name, why));
        };
        check_parameters(read.parameters.names())?;
        let count = element_count(name, &read.shape)?;
        let size = match read.parameters.get("binary_data_size") {
            None => None,
            Some(size) => Some(serde_json::from_str(size).map_err(|_| {
                OipError::tensor(name, "binary_data_size is not a number of bytes")
            })?),
        };
        let data = match (size, read.data) {
            (Some(size), None) => binary::read(name, datatype, count, self.take(name, size)?)?,
            (None, Some(data)) => json::read(name, datatype, &read.shape, count, data)?,
            (None, None) => return Err(OipError::tensor(name, "it has no data")),
            (Some(_), Some(_)) => {
                return Err(OipError::tensor(
                    name,
                    "it has both data and binary_data_size",
                ))
            }
        };
        Tensor::new(read.name, read.shape, data)
    }

    fn take(&mut self, name: &str, size: usize) -> Result<&[u8], OipError> {
        let Some(rest) = self.0 else {
            let why = format!("it has binary_data_size, but the header {HEADER_LENGTH} is missing");
            return Err(OipError::tensor(name, why));
        };
        let (bytes, behind) = rest.split_at_checked(size).ok_or_else(|| {
            let why = format!(
                "binary_data_size is {size}, but {} bytes are left",
                rest.len()
            );
            OipError::tensor(name, why)
        })?;
        self.0 = Some(behind);
        Ok(bytes)
    }

    fn finish(self) -> Result<(), OipError> {
        match self.0 {
            Some(rest) if !rest.is_empty() => Err(OipError::LeftOver(rest.len())),
            _ => Ok(()),
        }
    }
}

fn split(body: &[u8], header_length: Option<usize>) -> Result<(&[u8], Raw<'_>), OipError> {
    let Some(length) = header_length else {
        return Ok((body, Raw(None)));
    };
    let (head, raw) = body.split_at_checked(length).ok_or_else(|| {
        OipError::HeaderLength(format!(
            "is {length}, but the body has {} bytes",
            body.len()
        ))
    })?;
    Ok((head, Raw(Some(raw))))
}

fn parse<'a, T: Deserialize<'a>>(head: &'a [u8]) -> Result<T, OipError> {
    serde_json::from_slice(head).map_err(|why| OipError::Json(why.to_string()))
}

fn join(head: &impl Serialize, raw: Vec<u8>, binary: bool) -> Result<Encoded, OipError> {
    let mut body = serde_json::to_vec(head).map_err(|why| OipError::Json(why.to_string()))?;
    let header_length = binary.then_some(body.len());
    body.extend(raw);
    Ok(Encoded {
        body,
        header_length,
    })
}

fn flag(name: &'static str, encoding: Encoding) -> (&'static str, Value) {
    (name, Value::Bool(encoding == Encoding::Binary))
}

fn encoding(parameters: &Parameters<'_>, name: &str) -> Result<Option<Encoding>, OipError> {
    match parameters.get(name) {
        None => Ok(None),
        Some("true") => Ok(Some(Encoding::Binary)),
        Some("false") => Ok(Some(Encoding::Json)),
        Some(_) => Err(OipError::Json(format!(
            "parameter `{name}` must be true or false"
        ))),
    }
}
