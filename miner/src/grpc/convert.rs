//! Messages between gRPC and the protocol's own types.

use super::inference::{
    infer_parameter::ParameterChoice, model_infer_request::InferInputTensor,
    model_infer_response::InferOutputTensor, InferParameter, InferTensorContents,
    ModelInferRequest, ModelInferResponse,
};
use assay_protocol::oip::{
    check_parameters, datatype_from_name, datatype_name, DataType, Encoding, InferRequest,
    InferResponse, ModelParameters, OipError, ParameterText, RequestedOutput, Tensor, TensorData,
};
use bytes::Bytes;
use serde_json::Value;
use std::collections::HashMap;

/// The query that a message holds.
pub(super) fn to_query(message: ModelInferRequest) -> Result<InferRequest, OipError> {
    let mut parameters = ModelParameters {
        query: for_model(&message.parameters)?,
        ..ModelParameters::default()
    };
    let raw = message.raw_input_contents;
    if !raw.is_empty() && raw.len() != message.inputs.len() {
        return Err(OipError::RawContents {
            inputs: message.inputs.len(),
            raw: raw.len(),
        });
    }
    let mut raw = raw.into_iter();
    let inputs = message.inputs.into_iter();
    let inputs = inputs.map(|input| {
        parameters.add_input(&input.name, for_model(&input.parameters)?);
        to_tensor(input, raw.next())
    });
    let inputs = inputs.collect::<Result<_, _>>()?;
    let outputs = message.outputs.into_iter().map(|output| {
        parameters.add_output(&output.name, for_model(&output.parameters)?);
        Ok(RequestedOutput {
            name: output.name,
            encoding: None,
        })
    });
    let outputs = outputs.collect::<Result<_, _>>()?;
    Ok(InferRequest {
        id: Some(message.id).filter(|id| !id.is_empty()),
        inputs,
        outputs,
        output_encoding: Encoding::Binary,
        parameters,
    })
}

/// What a part's parameters tell whoever runs the model, as REST has it.
fn for_model(
    parameters: &HashMap<String, InferParameter>,
) -> Result<Option<ParameterText>, OipError> {
    check_parameters(parameters.keys())?;
    let said = parameters.iter().filter_map(|(name, parameter)| {
        let said = parameter.parameter_choice.as_ref()?;
        Some((name.as_str(), said))
    });
    let endless = |said: &ParameterChoice| matches!(said, ParameterChoice::DoubleParam(number) if !number.is_finite());
    if let Some((name, _)) = said.clone().find(|(_, said)| endless(said)) {
        let why = format!("parameter `{name}`, which is no finite number,");
        return Err(OipError::Unsupported(why));
    }
    ParameterText::of(said.map(|(name, said)| (name, to_json(said))))
}

fn to_json(said: &ParameterChoice) -> Value {
    match said {
        ParameterChoice::BoolParam(flag) => (*flag).into(),
        ParameterChoice::Int64Param(number) => (*number).into(),
        ParameterChoice::Uint64Param(number) => (*number).into(),
        ParameterChoice::DoubleParam(number) => (*number).into(),
        ParameterChoice::StringParam(text) => text.as_str().into(),
    }
}

fn to_tensor(input: InferInputTensor, raw: Option<Bytes>) -> Result<Tensor, OipError> {
    let name = input.name;
    let wrong = |why: String| OipError::Tensor {
        name: name.clone(),
        why,
    };
    let datatype = datatype_from_name(&input.datatype)
        .ok_or_else(|| wrong(format!("datatype `{}` is not known here", input.datatype)))?;
    let shape = input.shape.iter().map(|length| usize::try_from(*length));
    let shape = shape
        .collect::<Result<Vec<_>, _>>()
        .map_err(|_| wrong("a length of its shape is negative".into()))?;
    match (raw, input.contents) {
        (Some(_), Some(_)) => Err(wrong(
            "it has contents although there are raw_input_contents".into(),
        )),
        (Some(bytes), None) => Tensor::from_raw(name, datatype, shape, &bytes),
        (None, contents) => {
            let data = typed(datatype, contents.unwrap_or_default()).map_err(wrong)?;
            Tensor::new(name, shape, data)
        }
    }
}

/// The values of one datatype. Values in a place of another datatype are a mistake.
fn typed(datatype: DataType, contents: InferTensorContents) -> Result<TensorData, String> {
    let filled = [
        ("bool_contents", contents.bool_contents.is_empty()),
        ("int_contents", contents.int_contents.is_empty()),
        ("int64_contents", contents.int64_contents.is_empty()),
        ("uint_contents", contents.uint_contents.is_empty()),
        ("uint64_contents", contents.uint64_contents.is_empty()),
        ("fp32_contents", contents.fp32_contents.is_empty()),
        ("fp64_contents", contents.fp64_contents.is_empty()),
        ("bytes_contents", contents.bytes_contents.is_empty()),
    ];
    let (place, data): (_, TensorData) = match datatype {
        DataType::Bool => ("bool_contents", contents.bool_contents.into()),
        DataType::Int8 => ("int_contents", narrow::<_, i8>(contents.int_contents)?),
        DataType::Int16 => ("int_contents", narrow::<_, i16>(contents.int_contents)?),
        DataType::Int32 => ("int_contents", contents.int_contents.into()),
        DataType::Int64 => ("int64_contents", contents.int64_contents.into()),
        DataType::Uint8 => ("uint_contents", narrow::<_, u8>(contents.uint_contents)?),
        DataType::Uint16 => ("uint_contents", narrow::<_, u16>(contents.uint_contents)?),
        DataType::Uint32 => ("uint_contents", contents.uint_contents.into()),
        DataType::Uint64 => ("uint64_contents", contents.uint64_contents.into()),
        DataType::Fp32 => ("fp32_contents", contents.fp32_contents.into()),
        DataType::Fp64 => ("fp64_contents", contents.fp64_contents.into()),
        DataType::Bytes => {
            let strings = contents.bytes_contents.into_iter().map(Vec::from);
            ("bytes_contents", strings.collect::<Vec<Vec<u8>>>().into())
        }
        DataType::Fp16 | DataType::Bf16 => {
            let name = datatype_name(datatype);
            return Err(format!("{name} comes in raw_input_contents"));
        }
    };
    let stray = filled.iter().find(|(name, empty)| !empty && *name != place);
    match stray {
        Some((stray, _)) => {
            let name = datatype_name(datatype);
            Err(format!(
                "{name} belongs into {place}, here are values in {stray}"
            ))
        }
        None => Ok(data),
    }
}

fn narrow<Wide, T>(values: Vec<Wide>) -> Result<TensorData, String>
where
    Wide: Copy + std::fmt::Display,
    T: TryFrom<Wide>,
    TensorData: From<Vec<T>>,
{
    let narrowed = values
        .into_iter()
        .map(|value| T::try_from(value).map_err(|_| format!("{value} is not of its datatype")));
    Ok(narrowed.collect::<Result<Vec<T>, _>>()?.into())
}

/// The message that holds an answer. Values always come raw: it is the form that every type has,
/// and the one that need not be taken apart again.
pub(super) fn to_answer(answer: InferResponse) -> Result<ModelInferResponse, OipError> {
    let raw = answer.outputs.iter().map(Tensor::to_raw);
    let raw = raw.map(|bytes| bytes.map(Bytes::from));
    let raw_output_contents = raw.collect::<Result<_, _>>()?;
    let outputs = answer.outputs.iter().map(|tensor| InferOutputTensor {
        name: tensor.name().into(),
        datatype: datatype_name(tensor.datatype()).into(),
        // A length in memory fits 63 bits.
        shape: tensor.shape().iter().map(|it| *it as i64).collect(),
        ..InferOutputTensor::default()
    });
    Ok(ModelInferResponse {
        model_version: answer.model_version.unwrap_or_default(),
        id: answer.id.unwrap_or_default(),
        outputs: outputs.collect(),
        model_name: answer.model_name,
        raw_output_contents,
        ..ModelInferResponse::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grpc::inference::model_infer_request::InferRequestedOutputTensor;
    use proptest::prelude::*;
    use prost::Message as _;

    fn input(datatype: &str, shape: Vec<i64>, contents: InferTensorContents) -> InferInputTensor {
        InferInputTensor {
            name: "x".into(),
            datatype: datatype.into(),
            shape,
            contents: Some(contents),
            ..InferInputTensor::default()
        }
    }

    fn why(message: ModelInferRequest) -> String {
        to_query(message).unwrap_err().to_string()
    }

    fn asking(inputs: Vec<InferInputTensor>) -> ModelInferRequest {
        ModelInferRequest {
            inputs,
            ..ModelInferRequest::default()
        }
    }

    #[test]
    fn to_query_reads_values_in_the_place_of_their_type() {
        let contents = InferTensorContents {
            int_contents: vec![-128, 127],
            ..InferTensorContents::default()
        };
        let query = to_query(asking(vec![input("INT8", vec![2], contents)])).unwrap();
        assert_eq!(query.inputs[0].data(), &TensorData::Int8(vec![-128, 127]));
        let empty = input("FP32", vec![0, 4], InferTensorContents::default());
        assert!(to_query(asking(vec![empty])).unwrap().inputs[0]
            .data()
            .is_empty());
    }

    #[test]
    fn to_query_is_refused_when_values_do_not_fit() {
        let ints = |value| InferTensorContents {
            int_contents: vec![value],
            ..InferTensorContents::default()
        };
        for (tensor, says) in [
            (input("INT8", vec![1], ints(128)), "128 is not of its"),
            (
                input("FP32", vec![1], ints(1)),
                "belongs into fp32_contents",
            ),
            (input("FP16", vec![1], ints(1)), "raw_input_contents"),
            (input("INT32", vec![2], ints(1)), "takes 2 values"),
            (input("INT32", vec![-1], ints(1)), "negative"),
            (input("INT31", vec![1], ints(1)), "`INT31`"),
        ] {
            let error = why(asking(vec![tensor]));
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn to_query_is_refused_when_raw_contents_do_not_fit() {
        let raw = |inputs, raw: &[&'static [u8]]| ModelInferRequest {
            raw_input_contents: raw.iter().map(|it| Bytes::from_static(it)).collect(),
            ..asking(inputs)
        };
        let bare = || InferInputTensor {
            contents: None,
            ..input("FP16", vec![1], InferTensorContents::default())
        };
        to_query(raw(vec![bare()], &[b"\0\0"])).unwrap();
        for (message, says) in [
            (raw(vec![bare()], &[b"\0"]), "1 bytes are there"),
            (raw(vec![bare()], &[b"\0\0", b"\0\0"]), "1 inputs and 2"),
            (
                raw(
                    vec![input("FP16", vec![1], InferTensorContents::default())],
                    &[b"\0\0"],
                ),
                "has contents although",
            ),
        ] {
            let error = why(message);
            assert!(error.contains(says), "{error}");
        }
    }

    fn parameter(said: ParameterChoice) -> InferParameter {
        InferParameter {
            parameter_choice: Some(said),
        }
    }

    #[test]
    fn to_query_keeps_what_is_for_the_model_as_rest_has_it() {
        let one = |name: &str, said| HashMap::from([(name.to_owned(), parameter(said))]);
        let contents = InferTensorContents {
            int_contents: vec![1],
            ..InferTensorContents::default()
        };
        let mut message = asking(vec![InferInputTensor {
            parameters: one(
                "content_type",
                ParameterChoice::StringParam("\"np\"".into()),
            ),
            ..input("INT8", vec![1], contents)
        }]);
        message.outputs = vec![InferRequestedOutputTensor {
            name: "y".into(),
            parameters: one("top", ParameterChoice::Uint64Param(u64::MAX)),
        }];
        for (said, written) in [
            (ParameterChoice::DoubleParam(0.2), "0.2"),
            (ParameterChoice::DoubleParam(1.0), "1.0"),
            (
                ParameterChoice::Int64Param(i64::MIN),
                "-9223372036854775808",
            ),
            (ParameterChoice::BoolParam(true), "true"),
        ] {
            message.parameters = one("t", said);
            let unsaid = InferParameter::default();
            message.parameters.insert("nothing".into(), unsaid);
            let flag = parameter(ParameterChoice::BoolParam(true));
            message.parameters.insert("binary_data_output".into(), flag);
            let over_rest = format!(
                r#"{{"parameters":{{"t":{written}}},
                    "inputs":[{{"name":"x","datatype":"INT8","shape":[1],"data":[1],
                        "parameters":{{"content_type":"\"np\""}}}}],
                    "outputs":[{{"name":"y","parameters":{{"top":18446744073709551615}}}}]}}"#
            );
            let over_rest = InferRequest::decode(over_rest.as_bytes(), None).unwrap();
            assert!(over_rest.parameters.query.is_some());
            let query = to_query(message.clone()).unwrap();
            assert_eq!(query.parameters, over_rest.parameters);
        }
        message.parameters = HashMap::new();
        assert_eq!(to_query(message).unwrap().parameters.query, None);
    }

    #[test]
    fn to_query_is_refused_when_parameters_can_not_be_kept() {
        let many = (0..257).map(|it| (it.to_string(), ParameterChoice::Int64Param(it)));
        for (parameters, says) in [
            (many.collect(), "more than 256 parameters"),
            (
                vec![("t".to_owned(), ParameterChoice::DoubleParam(f64::NAN))],
                "`t`, which is no finite",
            ),
            (
                vec![("sequence_id".to_owned(), ParameterChoice::Int64Param(1))],
                "`sequence_id`",
            ),
        ] {
            let parameters = parameters.into_iter();
            let message = ModelInferRequest {
                parameters: parameters
                    .map(|(name, said)| (name, parameter(said)))
                    .collect(),
                ..ModelInferRequest::default()
            };
            let error = why(message);
            assert!(error.contains(says), "{error}");
        }
    }

    /// A message of one raw tensor, whose length may fit its shape.
    fn raw_message() -> impl Strategy<Value = ModelInferRequest> {
        let datatype = proptest::sample::select(&[
            "BOOL", "INT8", "INT16", "INT64", "UINT32", "FP16", "BF16", "FP32", "FP64", "BYTES",
        ]);
        let length = prop_oneof![8 => 0..4_i64, 1 => any::<i64>()];
        let shape = proptest::collection::vec(length, 0..4);
        let zeros = proptest::collection::vec(0..2_u8, 0..40);
        let bytes = prop_oneof![zeros, any::<Vec<u8>>()];
        (datatype, shape, bytes).prop_map(|(datatype, shape, bytes)| ModelInferRequest {
            raw_input_contents: vec![bytes.into()],
            ..asking(vec![InferInputTensor {
                contents: None,
                ..input(datatype, shape, InferTensorContents::default())
            }])
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4096))]

        #[test]
        fn raw_tensors_come_out_as_they_came_or_are_refused(message in raw_message()) {
            let mut sent = message.raw_input_contents[0].to_vec();
            if message.inputs[0].datatype == "BOOL" {
                // Whatever is not 0 is true.
                sent.iter_mut().for_each(|byte| *byte = u8::from(*byte != 0));
            }
            if let Ok(query) = to_query(message) {
                prop_assert_eq!(query.inputs[0].to_raw().unwrap(), sent);
            }
        }

        #[test]
        fn messages_like_good_ones_break_nothing(
            message in raw_message(),
            changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..4),
        ) {
            let mut bytes = message.encode_to_vec();
            for (place, byte) in changes {
                let place = place.index(bytes.len());
                bytes[place] = byte;
            }
            if let Ok(message) = ModelInferRequest::decode(&*bytes) {
                let _ = to_query(message);
            }
        }
    }
}
