use assay_protocol::oip::{
    header_length, DataType, Encoding, InferRequest, InferResponse, OipError, RequestedOutput,
    Tensor, TensorData, HEADER_LENGTH,
};
use half::{bf16, f16};
use http::HeaderMap;
use proptest::prelude::*;

fn decode(json: &str) -> Result<InferRequest, OipError> {
    InferRequest::decode(json.as_bytes(), None)
}

fn one_input(tensor: &str) -> Result<InferRequest, OipError> {
    decode(&format!(r#"{{"inputs":[{tensor}]}}"#))
}

fn tensor(tensor: &str) -> Tensor {
    one_input(tensor).unwrap().inputs.remove(0)
}

fn refusal(tensor: &str) -> String {
    one_input(tensor).unwrap_err().to_string()
}

fn every_type() -> Vec<Tensor> {
    let of = |name: &str, data: TensorData| Tensor::new(name, vec![2, 1], data).unwrap();
    vec![
        of("BOOL", TensorData::Bool(vec![true, false])),
        of("UINT8", TensorData::Uint8(vec![0, u8::MAX])),
        of("UINT16", TensorData::Uint16(vec![0, u16::MAX])),
        of("UINT32", TensorData::Uint32(vec![0, u32::MAX])),
        of("UINT64", TensorData::Uint64(vec![0, u64::MAX])),
        of("INT8", TensorData::Int8(vec![i8::MIN, i8::MAX])),
        of("INT16", TensorData::Int16(vec![i16::MIN, i16::MAX])),
        of("INT32", TensorData::Int32(vec![i32::MIN, i32::MAX])),
        of("INT64", TensorData::Int64(vec![i64::MIN, i64::MAX])),
        of(
            "FP16",
            TensorData::Fp16(vec![f16::from_f32(-0.5), f16::MAX]),
        ),
        of(
            "BF16",
            TensorData::Bf16(vec![bf16::from_f32(-0.5), bf16::MAX]),
        ),
        of("FP32", TensorData::Fp32(vec![0.1, f32::MIN_POSITIVE])),
        of("FP64", TensorData::Fp64(vec![0.1, f64::MAX])),
        of(
            "BYTES",
            TensorData::Bytes(vec![b"ink".to_vec(), "é\"\n".into()]),
        ),
    ]
}

#[test]
fn encode_and_decode_agree_on_every_type_in_both_encodings() {
    let request = InferRequest {
        id: Some("7".into()),
        inputs: every_type(),
        outputs: vec![
            RequestedOutput {
                name: "label".into(),
                encoding: Some(Encoding::Json),
            },
            RequestedOutput {
                name: "probabilities".into(),
                encoding: None,
            },
        ],
        output_encoding: Encoding::Binary,
        parameters: decode(
            r#"{"parameters":{"temperature":0.2,"binary_data_output":true},
                "inputs":[{"name":"FP32","shape":[],"datatype":"FP32","data":[0],
                    "parameters":{"content_type":"np"}}],
                "outputs":[{"name":"label","parameters":{"binary_data":false,"top":[1,{}]}}]}"#,
        )
        .unwrap()
        .parameters,
    };
    for encoding in [Encoding::Json, Encoding::Binary] {
        let encoded = request.encode(encoding).unwrap();
        assert_eq!(
            encoded.header_length.is_some(),
            encoding == Encoding::Binary
        );
        assert_eq!(
            InferRequest::decode(&encoded.body, encoded.header_length).unwrap(),
            request
        );
    }
    let json = String::from_utf8(request.encode(Encoding::Json).unwrap().body).unwrap();
    for part in [
        r#""parameters":{"binary_data_output":true,"temperature":0.2}"#,
        r#""parameters":{"content_type":"np"}"#,
        r#""parameters":{"binary_data":false,"top":[1,{}]}"#,
    ] {
        assert_eq!(json.matches(part).count(), 1, "{json}");
    }
    assert_eq!(request.encoding_of("label"), Encoding::Json);
    assert_eq!(request.encoding_of("probabilities"), Encoding::Binary);
    assert_eq!(request.encoding_of("anything else"), Encoding::Binary);
}

#[test]
fn response_holds_each_output_as_the_request_wants_it() {
    let outputs = every_type();
    let response = InferResponse {
        model_name: "digits".into(),
        model_version: Some("1".into()),
        id: None,
        outputs: outputs.clone(),
    };
    let request = InferRequest {
        outputs: vec![RequestedOutput {
            name: "FP32".into(),
            encoding: Some(Encoding::Binary),
        }],
        ..InferRequest::default()
    };
    let encoded = response.encode(&request).unwrap();
    let head = &encoded.body[..encoded.header_length.unwrap()];
    let head: serde_json::Value = serde_json::from_slice(head).unwrap();
    let sizes = head["outputs"].as_array().unwrap().iter();
    let sizes =
        sizes.filter(|it| it["parameters"]["binary_data_size"] == 8 && it["data"].is_null());
    assert_eq!(sizes.count(), 1);
    let read = InferResponse::decode(&encoded.body, encoded.header_length).unwrap();
    assert_eq!(read, response);
    assert_eq!(read.output("INT8"), Some(&outputs[5]));
}

#[test]
fn decode_reads_what_encode_wrote_when_a_part_has_all_the_parameters_that_it_may() {
    let all: Vec<_> = (0..256).map(|it| format!(r#""{it}":0"#)).collect();
    let all = all.join(",");
    let tensor = format!(
        r#"{{"name":"x","shape":[1],"datatype":"FP32","data":[1],"parameters":{{{all}}}}}"#
    );
    let request = one_input(&tensor).unwrap();
    assert_eq!(request.parameters.inputs.len(), 1);
    // Raw, the tensor's size stands there as well.
    let encoded = request.encode(Encoding::Binary).unwrap();
    assert_eq!(
        InferRequest::decode(&encoded.body, encoded.header_length).unwrap(),
        request
    );
}

#[test]
fn decode_reads_binary_tensors_to_the_byte() {
    let head = br#"{"inputs":[
        {"name":"a","shape":[2],"datatype":"INT16","parameters":{"binary_data_size":4}},
        {"name":"b","shape":[1],"datatype":"FP32","data":[1]},
        {"name":"c","shape":[2],"datatype":"BYTES","parameters":{"binary_data_size":11}}]}"#;
    let mut body = head.to_vec();
    body.extend([1, 0, 255, 255]);
    body.extend([3, 0, 0, 0, b'i', b'n', b'k', 0, 0, 0, 0]);
    let request = InferRequest::decode(&body, Some(head.len())).unwrap();
    assert_eq!(request.inputs[0].data(), &TensorData::Int16(vec![1, -1]));
    assert_eq!(request.inputs[1].data(), &TensorData::Fp32(vec![1.0]));
    assert_eq!(
        request.inputs[2].data(),
        &TensorData::Bytes(vec![b"ink".to_vec(), vec![]])
    );
}

#[test]
fn decode_reads_flat_and_nested_data_alike() {
    let flat = tensor(r#"{"name":"x","shape":[2,2],"datatype":"INT32","data":[1,2,3,4]}"#);
    let nested = tensor(r#"{"data":[[1,2],[3,4]],"name":"x","shape":[2,2],"datatype":"INT32"}"#);
    assert_eq!(flat, nested);
    let empty = tensor(r#"{"name":"x","shape":[0,4],"datatype":"FP32","data":[]}"#);
    assert!(empty.data().is_empty());
    let scalar = tensor(r#"{"name":"x","shape":[],"datatype":"INT64","data":[16000]}"#);
    assert_eq!(scalar.shape(), &[] as &[usize]);
}

#[test]
fn decode_is_refused_when_json_is_malformed_or_truncated() {
    for text in [
        "",
        "{",
        "[]",
        "null",
        r#"{"inputs":1}"#,
        r#"{"outputs":[]}"#,
        "\u{1F600}",
    ] {
        assert!(matches!(decode(text), Err(OipError::Json(_))), "{text}");
    }
    let flag = r#"{"inputs":[],"parameters":{"binary_data_output":"yes"}}"#;
    assert!(decode(flag)
        .unwrap_err()
        .to_string()
        .contains("true or false"));
    let classification =
        r#"{"inputs":[],"outputs":[{"name":"y","parameters":{"classification":3}}]}"#;
    assert!(matches!(
        decode(classification),
        Err(OipError::Unsupported(_))
    ));
}

#[test]
fn decode_is_refused_when_a_tensors_data_does_not_fit() {
    for (what, says) in [
        (
            r#""shape":[3],"datatype":"FP32","data":[1,2]"#,
            "takes 3 values, here are 2",
        ),
        (
            r#""shape":[1],"datatype":"FP32","data":[1,2]"#,
            "more than 1 values",
        ),
        (
            r#""shape":[2],"datatype":"FP32","data":[[1,2]]"#,
            "deeper than the shape",
        ),
        (
            r#""shape":[2],"datatype":"FP32","data":1"#,
            "must be an array",
        ),
        (
            r#""shape":[1],"datatype":"FP32","data":["1"]"#,
            "a string` is not of its datatype",
        ),
        (
            r#""shape":[1],"datatype":"FP32","data":[1e39]"#,
            "not of its datatype",
        ),
        (
            r#""shape":[1],"datatype":"FP32","data":[null]"#,
            "can't be read",
        ),
        (
            r#""shape":[1],"datatype":"INT8","data":[128]"#,
            "`128` is not of its datatype",
        ),
        (
            r#""shape":[1],"datatype":"INT8","data":[1.5]"#,
            "`1.5` is not of its datatype",
        ),
        (
            r#""shape":[1],"datatype":"UINT8","data":[-1]"#,
            "`-1` is not of its datatype",
        ),
        (
            r#""shape":[1],"datatype":"BOOL","data":[1]"#,
            "not of its datatype",
        ),
        (
            r#""shape":[1],"datatype":"BYTES","data":[1]"#,
            "not of its datatype",
        ),
        (
            r#""shape":[1],"datatype":"COMPLEX","data":[1]"#,
            "`COMPLEX` is not one of BOOL",
        ),
        (r#""shape":[1],"datatype":"FP32""#, "no data"),
        (
            r#""shape":[9999999999,9999999999],"datatype":"FP32","data":[]"#,
            "larger than memory",
        ),
        (
            r#""shape":[99999999999],"datatype":"FP64","data":[]"#,
            "takes 99999999999 values",
        ),
        (
            r#""shape":[1],"datatype":"FP32","parameters":{"binary_data_size":4}"#,
            "inference-header-content-length is missing",
        ),
    ] {
        let error = refusal(&format!(r#"{{"name":"x",{what}}}"#));
        assert!(
            error.contains(says) && error.contains("`x`"),
            "{what}: {error}"
        );
    }
    assert!(refusal(r#"{"name":"x","shape":[-1],"datatype":"FP32","data":[]}"#).contains("JSON"));
}

#[test]
fn decode_is_refused_when_binary_lengths_lie() {
    let decode = |size: i64, shape: &str, raw: &[u8], datatype: &str| {
        let head = format!(
            r#"{{"inputs":[{{"name":"x","shape":{shape},"datatype":"{datatype}","parameters":{{"binary_data_size":{size}}}}}]}}"#
        );
        let mut body = head.clone().into_bytes();
        body.extend(raw);
        InferRequest::decode(&body, Some(head.len()))
            .map(|_| ())
            .unwrap_err()
            .to_string()
    };
    assert!(decode(8, "[2]", &[0; 4], "FP32").contains("4 bytes are left"));
    assert!(decode(4, "[2]", &[0; 4], "FP32").contains("4 bytes are there"));
    assert!(decode(4, "[1]", &[0; 6], "FP32").contains("2 bytes follow"));
    assert!(decode(-4, "[1]", &[0; 4], "FP32").contains("not a number of bytes"));
    assert!(decode(4, "[1]", &[9, 0, 0, 0], "BYTES").contains("longer than its bytes"));
    assert!(decode(2, "[1]", &[0, 0], "BYTES").contains("longer than its bytes"));
    assert!(decode(4, "[2]", &[0; 4], "BYTES").contains("2 strings are stated"));
    let error = InferRequest::decode(b"{}", Some(3)).unwrap_err();
    assert!(matches!(error, OipError::HeaderLength(_)));
}

#[test]
fn encode_is_refused_when_json_cannot_state_a_value() {
    let of = |data| InferResponse {
        outputs: vec![Tensor::new("y", vec![1], data).unwrap()],
        ..InferResponse::default()
    };
    for data in [
        TensorData::Fp32(vec![f32::NAN]),
        TensorData::Fp64(vec![f64::INFINITY]),
        TensorData::Fp16(vec![f16::NEG_INFINITY]),
        TensorData::Bytes(vec![vec![0xff]]),
    ] {
        let error = of(data.clone())
            .encode(&InferRequest::default())
            .unwrap_err();
        assert!(error.to_string().contains("binary"), "{error}");
        let binary = InferRequest {
            output_encoding: Encoding::Binary,
            ..InferRequest::default()
        };
        of(data).encode(&binary).unwrap();
    }
}

#[test]
fn new_is_refused_when_values_do_not_fill_the_shape() {
    let error = Tensor::new("x", vec![2, 3], TensorData::Int8(vec![0; 5])).unwrap_err();
    assert!(
        error.to_string().contains("takes 6 values, here are 5"),
        "{error}"
    );
}

#[test]
fn header_length_is_refused_when_it_is_no_number_or_twofold() {
    let mut headers = HeaderMap::new();
    assert_eq!(header_length(&headers), Ok(None));
    headers.insert(HEADER_LENGTH, "12".parse().unwrap());
    assert_eq!(header_length(&headers), Ok(Some(12)));
    headers.append(HEADER_LENGTH, "12".parse().unwrap());
    assert!(header_length(&headers).is_err());
    headers.insert(HEADER_LENGTH, "-1".parse().unwrap());
    assert!(header_length(&headers)
        .unwrap_err()
        .to_string()
        .contains("`-1`"));
}

#[test]
fn datatypes_are_named_as_they_are_serialised() {
    for tensor in every_type() {
        let name = assay_protocol::oip::datatype_name(tensor.datatype());
        assert_eq!(serde_json::to_value(tensor.datatype()).unwrap(), name);
        assert_eq!(name, tensor.name());
    }
    assert_eq!(
        assay_protocol::oip::datatype_from_name("FP32"),
        Some(DataType::Fp32)
    );
}

#[test]
fn from_raw_reads_what_to_raw_wrote() {
    for tensor in every_type() {
        let bytes = tensor.to_raw().unwrap();
        let shape = tensor.shape().to_vec();
        let again = Tensor::from_raw(tensor.name(), tensor.datatype(), shape, &bytes).unwrap();
        assert_eq!(again, tensor);
        let short = &bytes[1..];
        Tensor::from_raw("x", tensor.datatype(), vec![2, 1], short).unwrap_err();
    }
}

proptest! {
    #[test]
    fn decode_never_panics(body in proptest::collection::vec(any::<u8>(), 0..200), head in 0usize..250) {
        let _ = InferRequest::decode(&body, Some(head));
        let _ = InferRequest::decode(&body, None);
    }

    #[test]
    fn decode_never_panics_on_almost_good_messages(
        at in 0usize..400, byte in any::<u8>(), head in 0usize..400,
    ) {
        let request = InferRequest { inputs: every_type(), ..InferRequest::default() };
        let encoded = request.encode(Encoding::Binary).unwrap();
        let mut body = encoded.body;
        let at = at % body.len();
        body[at] = byte;
        let _ = InferRequest::decode(&body, encoded.header_length);
        let _ = InferRequest::decode(&body, Some(head));
    }

    #[test]
    fn floats_survive_json(values in proptest::collection::vec(any::<f32>().prop_filter("finite", |it| it.is_finite()), 0..20)) {
        let data = TensorData::Fp32(values);
        let tensor = Tensor::new("x", vec![data.len()], data).unwrap();
        let request = InferRequest { inputs: vec![tensor], ..InferRequest::default() };
        let encoded = request.encode(Encoding::Json).unwrap();
        prop_assert_eq!(InferRequest::decode(&encoded.body, None).unwrap(), request);
    }
}
