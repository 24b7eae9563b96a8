//! With a MiniFASNetV2 of few channels and random weights, which the tests write themselves.

mod file;

use std::collections::BTreeMap;
use std::path::Path;

use facelatch::model::Manifest;
use proptest::prelude::*;

use super::folder::{Found, OperatingPoints};
use super::onnx::Scale;
use super::torch::Tensor;
use super::*;
use file::{Random, state, torch_file};

const POINTS: OperatingPoints = OperatingPoints { bpcer: &[0.05], threshold: &[0.5], live_median: 2.0 };

/// The made-up file, and what knows it.
fn made_up(folder: &Path) -> (std::path::PathBuf, Known) {
    let bytes = torch_file(&state());
    let path = folder.join("made-up.pth");
    std::fs::write(&path, &bytes).expect("written");
    let known = Known {
        name: "made-up",
        sha256: sha256(&bytes).leak(),
        source: "a test",
        path: "made-up.pth",
        licence: "none",
        scales: &[Scale { scale: 0.05, zero: 128 }; 48],
        points: POINTS,
        float_points: POINTS,
    };
    (path, known)
}

/// Its three outputs, as the daemon computes them.
fn outputs(folder: &Path, planes: &[f32]) -> Vec<f32> {
    let network = Manifest::load(folder).and_then(|list| list.attack("made-up")).expect("loads");
    assert_eq!(network.input_size(), (SIDE_PX, SIDE_PX));
    // The planes are blue, green and red.
    let [blue, green, red] = [0, 1, 2].map(|plane| &planes[plane * SIDE_PX * SIDE_PX..]);
    let rgb: Vec<u8> =
        (0..SIDE_PX * SIDE_PX).flat_map(|at| [red[at] as u8, green[at] as u8, blue[at] as u8]).collect();
    network.run(&rgb, SIDE_PX).expect("runs").remove(0)
}

fn picture() -> Vec<f32> {
    let mut random = Random(7);
    (0..3 * SIDE_PX * SIDE_PX).map(|_| (random.unit() * 255.0).round() as f32).collect()
}

#[test]
fn a_converted_network_gives_what_its_layers_give_one_by_one() {
    let folder = tempfile::tempdir().expect("folder");
    let (path, known) = made_up(folder.path());
    let own = folder.path().join("own");
    assert_eq!(convert(&[known], &path, &own, true).expect("converted"), "made-up");
    let expected = file::forward(&state(), &picture());
    let got = outputs(&own, &picture());
    assert!(expected.iter().any(|value| value.abs() > 0.1), "{expected:?}");
    for (got, expected) in got.iter().zip(&expected) {
        assert!((got - expected).abs() < 1e-4, "{got} {expected}");
    }
}

#[test]
fn a_quantised_network_runs_on_the_kernels_and_is_about_the_same() {
    let folder = tempfile::tempdir().expect("folder");
    let (path, known) = made_up(folder.path());
    let own = folder.path().join("own");
    convert(&[known], &path, &own, false).expect("converted");
    let got = outputs(&own, &picture());
    let network = Manifest::load(&own).and_then(|list| list.attack("made-up")).expect("loads");
    assert_eq!(network.notes(), [""; 0]);
    for (got, expected) in got.iter().zip(file::forward(&state(), &picture())) {
        assert!((got - expected).abs() < 0.05, "{got} {expected}");
    }
}

#[test]
fn a_file_that_is_not_known_is_refused_with_its_sum_and_what_is_known() {
    let folder = tempfile::tempdir().expect("folder");
    let (path, _) = made_up(folder.path());
    let own = folder.path().join("own");
    let why = convert(&KNOWN, &path, &own, false).expect_err("refused").to_string();
    let sum = sha256(&std::fs::read(&path).expect("read"));
    assert!(why.contains(&sum) && why.contains(KNOWN[0].sha256) && why.contains("made-up.pth"), "{why}");
    assert!(!own.exists());
    let why = format!("{:#}", convert(&KNOWN, &own, &own, false).expect_err("missing"));
    assert!(why.contains("own: cannot be read"), "{why}");
    let why = convert(&KNOWN, Path::new("/dev/zero"), &own, false).expect_err("endless").to_string();
    assert!(why.contains("longer than"), "{why}");
}

#[test]
fn a_model_is_listed_noticed_when_it_changes_and_removed() {
    use std::os::unix::fs::PermissionsExt;

    let folder = tempfile::tempdir().expect("folder");
    let (path, known) = made_up(folder.path());
    let at = folder.path().join("share/models");
    let (own, known) = (Folder(&at), [known]);
    assert_eq!(own.models().expect("none"), []);
    assert!(own.remove("made-up").expect_err("none").to_string().contains("lists nothing"));
    for _ in 0..2 {
        convert(&known, &path, &at, false).expect("converted, again in its own place");
    }
    let found =
        |fault| Found { name: "made-up".into(), kind: "attack".into(), source: "a test".into(), fault };
    assert_eq!(own.models().expect("one"), [found(None)]);
    let model = at.join("made-up.onnx");
    let mode = |path: &Path| path.metadata().expect("there").permissions().mode() & 0o777;
    assert_eq!((mode(&at), mode(&model), mode(&at.join("MODELS.toml"))), (0o755, 0o644, 0o644));

    std::fs::write(&model, b"another").expect("written");
    let fault = format!("{}: not what was added", model.display());
    assert_eq!(own.models().expect("one"), [found(Some(fault))]);
    own.remove("made-up").expect("removed");
    assert!(!model.exists() && own.models().expect("none").is_empty());
}

#[test]
fn a_list_that_names_a_file_elsewhere_removes_nothing_there() {
    let folder = tempfile::tempdir().expect("folder");
    let at = folder.path().join("own");
    std::fs::create_dir(&at).expect("made");
    let other = folder.path().join("other");
    std::fs::write(&other, b"mine").expect("written");
    std::fs::write(at.join("MODELS.toml"), "[a]\nfile = \"../other\"\n").expect("written");
    assert!(Folder(&at).models().expect("listed")[0].fault.is_some());
    let why = Folder(&at).remove("a").expect_err("refused").to_string();
    assert!(why.contains("../other") && other.exists(), "{why}");
}

#[test]
fn files_without_an_end_are_not_read_to_it() {
    let folder = tempfile::tempdir().expect("folder");
    let endless =
        |name: &str| std::os::unix::fs::symlink("/dev/zero", folder.path().join(name)).expect("linked");
    endless("a.onnx");
    std::fs::write(folder.path().join("MODELS.toml"), "[a]\nfile = \"a.onnx\"\n").expect("written");
    let found = Folder(folder.path()).models().expect("listed").remove(0);
    assert!(found.fault.is_some_and(|why| why.contains("longer than")));
    std::fs::remove_file(folder.path().join("MODELS.toml")).expect("removed");
    endless("MODELS.toml");
    assert!(Folder(folder.path()).models().expect_err("endless").to_string().contains("longer than"));
}

#[test]
fn a_list_that_names_itself_keeps_its_other_entries() {
    let folder = tempfile::tempdir().expect("folder");
    let list = folder.path().join("MODELS.toml");
    std::fs::write(&list, "[a]\nfile = \"MODELS.toml\"\n[b]\nfile = \"b.onnx\"\n").expect("written");
    Folder(folder.path()).remove("a").expect_err("no model");
    assert!(std::fs::read_to_string(&list).expect("still there").contains("[b]"));
}

#[test]
fn tensors_are_read_with_their_shapes_and_numbers_of_batches_are_left_out() {
    let tensors = torch::read(&torch_file(&state())).expect("reads");
    let expected: BTreeMap<String, Tensor> =
        state().into_iter().map(|(name, tensor)| (format!("module.{name}"), tensor)).collect();
    assert!(tensors == expected);
}

#[test]
fn tensors_that_are_missing_or_do_not_fit_are_named() {
    let all: BTreeMap<String, Tensor> =
        state().into_iter().map(|(name, tensor)| (format!("module.{name}"), tensor)).collect();
    for (name, change) in [
        ("conv1.conv.weight", None),
        ("conv_4.model.5.project.bn.running_var", Some(Tensor { shape: vec![3], values: vec![1.0; 3] })),
        ("conv_34.conv.conv.weight", Some(Tensor { shape: vec![4, 9, 1, 1], values: vec![1.0; 36] })),
        ("linear.weight", Some(Tensor { shape: vec![6, 9], values: vec![1.0; 54] })),
        ("conv_6_dw.bn.weight", Some(Tensor { shape: vec![10], values: vec![f32::NAN; 10] })),
        ("prob.weight", Some(Tensor { shape: vec![1; 5], values: vec![1.0] })),
    ] {
        let mut tensors = all.clone();
        match change {
            Some(tensor) => drop(tensors.insert(format!("module.{name}"), tensor)),
            None => drop(tensors.remove(&format!("module.{name}"))),
        }
        let why = network::layers(&tensors).expect_err(name);
        let part = name.split('.').next().unwrap_or_default();
        assert!(why.contains(part) || why.contains("not finite"), "{name}: {why}");
    }
}

#[test]
fn what_a_state_dict_does_not_need_is_refused_by_name() {
    let read = |bytes: &[u8]| pickle::read(&mut &*bytes).expect_err("refused");
    assert!(read(b"\x80\x04N.").contains("protocol 4"));
    assert!(read(b"\x80\x02i").contains("0x69"));
    assert!(read(b"\x80\x02h\x05.").contains("value 5"));
    assert!(read(b"\x80\x02N\x85\x85\x85\x85\x85\x85\x85\x85\x85.").contains("deep"));
    assert!(read(&[b'N'; 1 << 17]).contains("too long"));
    // os.system is no more than a word.
    let harmless = pickle::read(&mut &b"\x80\x02cos\nsystem\nX\x02\0\0\0ls\x85R."[..]).expect("reads");
    assert_eq!(harmless, pickle::Value::Made("os.system".into(), vec![pickle::Value::Text("ls".into())]));
    let whole = torch_file(&state());
    for length in [0, 3, 20, whole.len() / 2, whole.len() - 1] {
        torch::read(&whole[..length]).expect_err("cut short");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_a_pickle_or_refused(
        bytes in prop::collection::vec(
            prop_oneof![prop::sample::select(&b"\x80\x02(qrsuaebhjNKMJX}])tQRc\x85\x86\x88\x8a.\n"[..]), 0_u8..4, any::<u8>()],
            0..300,
        ),
    ) {
        let mut rest = &bytes[..];
        if pickle::read(&mut rest).is_ok() {
            prop_assert!(rest.len() < bytes.len());
        }
    }

    #[test]
    fn a_damaged_file_is_a_network_or_refused(changes in prop::collection::vec((0.0..1.0, any::<u8>()), 1..8), cut in 0.5..1.0) {
        let mut bytes = file::SMALL.to_vec();
        // Most of a file are weights, so most changes go where the words are.
        for (at, value) in changes {
            let place = (at * bytes.len() as f64) as usize;
            bytes[place] = value;
        }
        let length = (cut * bytes.len() as f64) as usize;
        for bytes in [&bytes[..], &bytes[..length]] {
            if let Ok(tensors) = torch::read(bytes) {
                for tensor in tensors.values() {
                    prop_assert_eq!(tensor.values.len(), tensor.shape.iter().product::<usize>());
                }
                let _ = network::layers(&tensors);
            }
        }
    }
}
