use super::*;
use facelatch::head::Formula;

/// Made by rates/tests/data/import/make.py with real Keras and PyTorch.
fn recorded(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import").join(name)
}

fn numbers(value: &Value) -> Vec<f32> {
    value.as_array().expect("list").iter().map(|v| v.as_f64().expect("number") as f32).collect()
}

#[test]
fn keras_and_pytorch_layers_give_the_same_p() {
    let rows = std::fs::read(recorded("expected.json")).expect("file");
    let rows: Vec<Value> = serde_json::from_slice(&rows).expect("JSON");
    for (file, key) in [("keras.npz", "keras"), ("torch.npz", "torch"), ("torch.json", "torch")] {
        let layer = read(&recorded(file)).expect("a layer");
        assert_eq!(layer.bias, 4.25);
        let formula = Formula::new(layer.bias, &layer.alpha).expect("finite");
        for row in &rows {
            let got = formula.log_odds(&numbers(&row["h1"]), &numbers(&row["h2"])).probability().value();
            let wanted = row[key].as_f64().expect("number");
            assert!((got - wanted).abs() < 1e-6, "{file}: {got}, {wanted}");
        }
    }
}

fn refusal(name: &str, bytes: &[u8]) -> String {
    let folder = tempfile::tempdir().expect("folder");
    let path = folder.path().join(name);
    std::fs::write(&path, bytes).expect("file");
    let why = read(&path).expect_err("refused").to_string();
    assert!(why.contains(name), "the file is named: {why}");
    why
}

#[test]
fn what_is_no_last_layer_is_refused_with_the_reason() {
    let json = |text: &str| refusal("x.json", text.as_bytes());
    assert!(json("{").contains("not JSON"));
    assert!(json("[1]").contains("object"));
    assert!(json(r#"{"a": [1], "bias": 1}"#).contains("kernel or weight or alpha; it has: a, bias"));
    assert!(json(r#"{"kernel": [1, 2]}"#).contains("bias"));
    assert!(json(r#"{"kernel": [[1, 2], [3, 4]], "bias": 1}"#).contains("[2, 2]"));
    assert!(json(r#"{"kernel": [[1, 2], [3]], "bias": 1}"#).contains("different lengths"));
    assert!(json(r#"{"kernel": [1, 2], "bias": [1, 2]}"#).contains("one value"));
    assert!(json(r#"{"kernel": [1, 1e300], "bias": 1}"#).contains("not finite"));
    assert!(json(r#"{"kernel": [1, "x"], "bias": 1}"#).contains("numbers"));
    assert!(refusal("x.npz", b"PK").contains("not a .npz"));
    assert!(refusal("x.h5", b"").contains("neither"));
    let whole = std::fs::read(recorded("torch.npz")).expect("file");
    for cut in [10, 200, whole.len() - 30] {
        refusal("cut.npz", &whole[..cut]);
    }
}

#[test]
fn arrays_that_are_large_only_together_are_refused() {
    let mut archive = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let packed =
        zip::write::SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    let values = 3 << 20;
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({values},), }}");
    header.extend(std::iter::repeat_n(' ', 128 - 10 - 1 - header.len()));
    for name in ["one.npy", "two.npy"] {
        use std::io::Write as _;
        archive.start_file(name, packed).expect("begins");
        archive.write_all(b"\x93NUMPY\x01\x00\x76\x00").expect("written");
        archive.write_all(format!("{header}\n").as_bytes()).expect("written");
        archive.write_all(&vec![0; 4 * values]).expect("written");
    }
    let bytes = archive.finish().expect("ends").into_inner();
    assert!(bytes.len() < 100_000);
    let why = refusal("bomb.npz", &bytes);
    assert!(why.contains("two: unpacks to more than 16777216 bytes"), "{why}");
}
