use serde_json::Value;

use super::*;
use crate::picture;
use facelatch::embed::Embedding;

/// Made by rates/tests/data/import/koch.py (PyTorch) and keras_siamese.py (Keras); p by onnxruntime.
fn recorded(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/import").join(name)
}

/// A folder of models with the shipped list but not its files.
fn models() -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    let list = Path::new(env!("CARGO_MANIFEST_DIR")).join("../models/MODELS.toml");
    std::fs::copy(list, folder.path().join("MODELS.toml")).expect("copied");
    folder
}

fn naming(name: &str, pixels: Pixels, threshold: f64) -> Naming<'_> {
    Naming { name, pixels, bgr: false, threshold, date: "2026-11-24".to_owned() }
}

fn same_p_as_recorded(network: &str, pairs: &str, pixels: Pixels, threshold: f64) -> usize {
    let models = models();
    let imported =
        import(&recorded(network), models.path(), &naming("own", pixels, threshold)).expect("siamese");
    let embedder = Manifest::load(models.path()).and_then(|list| list.embedder("own")).map(Embedder::new);
    let embedder = embedder.expect("the daemon loads it");
    let embed = |name: &Value| -> Embedding {
        let file = format!("../tests/data/golden/{}.chip.png", name.as_str().expect("a name"));
        let chip = picture::read(&Path::new(env!("CARGO_MANIFEST_DIR")).join(file)).expect("a picture");
        embedder.embed(&picture::chip(&chip).expect("112x112")).expect("embeds").embedding
    };
    let rows: Vec<Value> =
        serde_json::from_slice(&std::fs::read(recorded(pairs)).expect("file")).expect("JSON");
    for row in &rows {
        let got = imported.head.probability(&embed(&row["one"]), &embed(&row["other"])).value();
        let wanted = row["p"].as_f64().expect("number");
        assert!((got - wanted).abs() < 1e-6, "{network} {row}: {got}");
    }
    rows.len()
}

#[test]
fn a_whole_network_of_pytorch_gives_the_same_p() {
    assert_eq!(same_p_as_recorded("koch.onnx", "koch.json", Pixels::Unit, 0.6), 36);
}

#[test]
fn a_whole_network_of_keras_gives_the_same_p() {
    assert_eq!(same_p_as_recorded("keras.onnx", "keras-siamese.json", Pixels::Signed, 0.6), 16);
}

#[test]
fn what_cannot_be_added_leaves_the_folder_as_it_was() {
    let models = models();
    let before = std::fs::read_to_string(models.path().join("MODELS.toml")).expect("list");
    let refusal = |name: &str, threshold: f64| {
        let naming = naming(name, Pixels::Unit, threshold);
        let error = import(&recorded("koch.onnx"), models.path(), &naming).err().expect("refused");
        let left: Vec<_> = std::fs::read_dir(models.path()).expect("folder").collect();
        let after = std::fs::read_to_string(models.path().join("MODELS.toml")).expect("list");
        assert!(after == before && left.len() == 1, "{name}: {left:?}");
        error.to_string()
    };
    assert!(refusal("sface", 0.6).contains("already has a model sface"));
    assert!(refusal("../x", 0.6).contains("lower-case letters"));
    assert!(refusal("koch", 0.999_999).contains("identical pair scores"));
    assert!(refusal("koch", 1e-9).contains("unrelated pictures score"), "everyone would match");
    let typo = naming("koch", Pixels::Unit, 0.6);
    let missing = import(Path::new("nowhere.onnx"), models.path(), &typo).err().expect("no file");
    assert!(missing.to_string().contains("nowhere.onnx"));
}

#[test]
fn a_tower_that_has_collapsed_is_refused_and_leaves_nothing() {
    let models = models();
    let file = models.path().join("collapsed.network");
    std::fs::write(&file, crate::siamese::tests::collapsed()).expect("written");
    let error = import(&file, models.path(), &naming("koch", Pixels::Unit, 0.6)).err().expect("refused");
    assert!(error.to_string().contains("the same h for unrelated pictures"), "{error}");
    assert_eq!(std::fs::read_dir(models.path()).expect("folder").count(), 2, "the list and the file itself");
}

#[test]
fn blue_first_is_recorded_for_coloured_pictures_only() {
    let siamese =
        |colours| Siamese { tower: Vec::new(), colours, alpha: vec![-1.0], bias: 1.0, size_px: (8, 8) };
    let bgr = Naming { bgr: true, ..naming("x", Pixels::Unit, 0.6) };
    assert_eq!([1, 3].map(|colours| entry(&siamese(colours), &bgr, "x").colour), ["RGB", "BGR"]);
}
