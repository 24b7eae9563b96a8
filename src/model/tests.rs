use super::*;

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models")
}

/// A folder with the shipped detector, its list changed by `edit` and its bytes by `damage`.
fn folder(edit: impl Fn(String) -> String, damage: impl Fn(&mut Vec<u8>)) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("folder");
    let list = std::fs::read_to_string(shipped().join("MODELS.toml")).expect("list");
    std::fs::write(folder.path().join("MODELS.toml"), edit(list)).expect("written");
    let mut bytes = std::fs::read(shipped().join("yunet.onnx")).expect("model");
    damage(&mut bytes);
    std::fs::write(folder.path().join("yunet.onnx"), bytes).expect("written");
    folder
}

fn detector(folder: &Path) -> Result<Network, ModelError> {
    Manifest::load(folder)?.detector("yunet", 160)
}

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The error's text, which must name `file`.
fn refusal(result: Result<Network, ModelError>, file: &str) -> String {
    let text = result.map(|_| ()).expect_err("refused").to_string();
    assert!(text.contains(file), "{text}");
    text
}

#[test]
fn a_file_cut_in_half_is_refused_by_its_checksum() {
    let folder = folder(|list| list, |bytes| bytes.truncate(bytes.len() / 2));
    let text = refusal(detector(folder.path()), "yunet.onnx");
    assert!(text.contains("sha256") && text.contains("install the models again"), "{text}");
}

#[test]
fn bytes_that_are_no_network_are_refused_even_if_the_list_agrees() {
    let rubbish = b"no network".to_vec();
    let right = std::fs::read(shipped().join("yunet.onnx")).map(|bytes| sha256(&bytes)).expect("model");
    let edit = |list: String| list.replace(&right, &sha256(b"no network"));
    let folder = folder(edit, |bytes| bytes.clone_from(&rubbish));
    refusal(detector(folder.path()), "yunet.onnx");
}

#[test]
fn a_missing_file_list_or_name_says_what_to_do() {
    let empty = tempfile::tempdir().expect("folder");
    assert!(refusal(detector(empty.path()), "MODELS.toml").contains("models.folder"));
    let folder = folder(|list| list, |_| ());
    std::fs::remove_file(folder.path().join("yunet.onnx")).expect("removed");
    refusal(detector(folder.path()), "yunet.onnx");
    let unknown = Manifest::load(&shipped()).and_then(|list| list.embedder("sfaec"));
    assert!(refusal(unknown, "sfaec").contains("sface"));
    let detector_as_embedder = Manifest::load(&shipped()).and_then(|list| list.embedder("yunet"));
    refusal(detector_as_embedder, "yunet");
}

#[test]
fn a_list_with_a_hole_names_the_line() {
    let folder = folder(|list| list.replacen("kind = ", "knid = ", 1), |_| ());
    let text = refusal(detector(folder.path()), "MODELS.toml");
    assert!(text.contains("kind"), "{text}");
}

#[test]
fn outputs_that_the_network_does_not_have_are_refused() {
    let folder = folder(|list| list.replace("\"kps_32\"", "\"kps_64\""), |_| ());
    refusal(detector(folder.path()), "yunet.onnx");
}

#[test]
fn the_detector_runs_at_several_sizes() {
    for side in [160, 320] {
        let network =
            Manifest::load(&shipped()).and_then(|list| list.detector("yunet", side)).expect("loads");
        assert_eq!(network.input_size(), (side, side));
        let outputs = network.run(&[], side).expect("runs");
        assert_eq!(outputs[0].len(), (side / 8) * (side / 8));
    }
}

#[test]
fn of_the_networks_that_ship_none_has_slow_layers() {
    let list = Manifest::load(&shipped()).expect("loads");
    assert_eq!(list.detector("yunet", 160).expect("loads").notes(), [""; 0]);
    assert_eq!(list.embedder("sface").expect("loads").notes(), [""; 0]);
    assert_eq!(list.attack("attack").expect("loads").notes(), [""; 0]);
}

#[test]
fn a_network_says_which_slow_layers_the_kernels_do_not_run() {
    // The last sum becomes a maximum, which the kernels do not know, so they do not run the convolutions after it, either.
    let other = |bytes: &mut Vec<u8>| {
        let (add, max) = (b"\x22\x03Add", b"\x22\x03Max");
        let at = bytes.windows(add.len()).rposition(|w| w == add).expect("a node with op_type Add");
        bytes[at..at + max.len()].copy_from_slice(max);
    };
    let whole = std::fs::read(shipped().join("yunet.onnx")).expect("model");
    let mut changed = whole.clone();
    other(&mut changed);
    let folder = folder(|list| list.replace(&sha256(&whole), &sha256(&changed)), other);
    let notes = detector(folder.path()).expect("loads").notes().to_vec();
    let [note] = notes.as_slice() else { panic!("{notes:?}") };
    assert!(note.starts_with("model yunet: ") && note.contains(" Conv run in tract"), "{note}");
    assert!(note.contains("(first: Conv '") && !note.contains("Max") && !note.contains("Reshape"), "{note}");
}

#[test]
fn the_smaller_embedder_says_what_it_is_for() {
    let list = Manifest::load(&shipped()).expect("loads");
    let notes = list.embedder("mobilefacenet").expect("loads").notes().to_vec();
    let [note] = notes.as_slice() else { panic!("{notes:?}") };
    let (what, fix) = note.split_once("; ").expect("the fix");
    assert!(what.starts_with("mobilefacenet: misses people more often than sface"), "{note}");
    assert!(fix.starts_with("use it only where"), "{note}");
}

#[test]
fn pixels_are_in_the_order_of_the_network_and_the_rest_is_black() {
    let mut network = Manifest::load(&shipped()).and_then(|list| list.detector("yunet", 160)).expect("loads");
    let rgb = [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12];
    // YuNet takes BGR.
    let input = network.input(&rgb, 2).expect("input");
    let pixels = input.to_plain_array_view::<u8>().expect("u8");
    let row = |y: usize| pixels.iter().skip(y * 160 * 4).take(12).copied().collect::<Vec<u8>>();
    assert_eq!(row(0), [3, 2, 1, 0, 6, 5, 4, 0, 0, 0, 0, 0]);
    assert_eq!(row(1), [9, 8, 7, 0, 12, 11, 10, 0, 0, 0, 0, 0]);
    assert!(pixels.iter().skip(2 * 160 * 4).all(|byte| *byte == 0));
    network.takes_pixels = false;
    let input = network.input(&rgb, 2).expect("input");
    let planes = input.to_plain_array_view::<f32>().expect("f32");
    let row =
        |c: usize, y: usize| planes.iter().skip((c * 160 + y) * 160).take(3).copied().collect::<Vec<f32>>();
    assert_eq!([row(0, 0), row(1, 0), row(2, 1)], [[3.0, 6.0, 0.0], [2.0, 5.0, 0.0], [7.0, 10.0, 0.0]]);
    assert!(row(0, 2).iter().all(|value| *value == 0.0));
}

#[test]
fn a_list_and_a_model_that_never_end_are_refused() {
    let folder = folder(|list| list, |bytes| bytes.resize(MAX_MODEL_BYTES as usize + 1, 0));
    let text = |error: ModelError| format!("{:#}", anyhow::Error::from(error));
    let why = text(detector(folder.path()).map(|_| ()).expect_err("too large"));
    assert!(why.contains("yunet.onnx") && why.contains("larger than 67108864 bytes"), "{why}");
    let list = folder.path().join("MODELS.toml");
    std::fs::remove_file(&list).expect("removed");
    std::os::unix::fs::symlink("/dev/zero", &list).expect("linked");
    let why = text(Manifest::load(folder.path()).expect_err("endless"));
    assert!(why.contains("larger than 1048576 bytes"), "{why}");
}

#[test]
fn limits_of_quality_that_make_no_sense_are_refused_by_name() {
    for (limit, why) in [
        ("min_norm = 0.0", "min_norm: 0 is out of range; use a number above 0"),
        ("min_norm = nan", "min_norm: NaN is out of range"),
        ("min_norm = inf", "min_norm: inf is out of range"),
        ("min_norm = 9.0\nmin_confidence = 89", "min_confidence: 89 is out of range; use 0 to 1"),
        ("min_norms = 9.0", "unknown field `min_norms`"),
        ("min_confidence = 0.9", "missing field `min_norm`"),
    ] {
        let own = format!(
            "[own]\nkind = \"embedder\"\nfile = \"own.onnx\"\nsha256 = \"\"\ninput_shape = [1, 3, 112, 112]\n\
            colour = \"RGB\"\noutputs = []\n[own.quality]\n{limit}\n"
        );
        let folder = folder(|list| format!("{list}\n{own}"), |_| ());
        let got = Manifest::load(folder.path()).map(|_| ()).expect_err("refused").to_string();
        assert!(got.contains("MODELS.toml") && got.contains(why), "{limit}: {got}");
    }
}

#[test]
fn a_cue_for_children_that_makes_no_sense_is_refused_by_name() {
    for (min_cosine, direction, one_in, why) in [
        ("1.0", "[0.5, 0.5]", "3", "min_cosine: 1 is out of range; use a number between -1 and 1"),
        ("nan", "[0.5, 0.5]", "3", "min_cosine: NaN is out of range"),
        ("0.25", "[0.0, 0.0]", "3", "direction: its length is 0 or not finite"),
        ("0.25", "[0.5, nan]", "3", "direction: its length is 0 or not finite"),
        ("0.25", "[]", "3", "direction: its length is 0 or not finite"),
        ("0.25", "[0.5]", "0", "alike: one_in = 0 is out of range"),
        ("0.25", "[0.5]", "-1", "invalid value"),
    ] {
        let own = format!(
            "[own]\nkind = \"embedder\"\nfile = \"own.onnx\"\nsha256 = \"\"\ninput_shape = [1, 3, 112, 112]\n\
            colour = \"RGB\"\noutputs = []\n[own.child]\nmin_cosine = {min_cosine}\ndirection = {direction}\n\
            alike = [{{ to_age = 2, one_in = {one_in} }}]\n"
        );
        let folder = folder(|list| format!("{list}\n{own}"), |_| ());
        let got = Manifest::load(folder.path()).map(|_| ()).expect_err("refused").to_string();
        assert!(got.contains("MODELS.toml") && got.contains(why), "{min_cosine} {direction}: {got}");
    }
}

#[test]
fn a_direction_of_children_is_as_long_as_the_embeddings() {
    let folder = folder(|list| list.replace("direction = [\n", "direction = [\n    0.5,\n"), |_| ());
    std::fs::copy(shipped().join("sface.onnx"), folder.path().join("sface.onnx")).expect("copied");
    let why = Manifest::load(folder.path()).and_then(|list| list.embedder("sface"));
    let why = why.map(|_| ()).expect_err("too long").to_string();
    assert!(why.contains("direction in MODELS.toml has 129 values, its embeddings have 128"), "{why}");
}

#[test]
fn an_input_that_takes_all_memory_is_refused_before_it_is_made() {
    for side in ["0", "4097", "9223372036854775807"] {
        let shape = format!("input_shape = [1, 3, {side}, {side}]");
        let folder =
            folder(|list| list.replace("input_shape = [1, 3, \"height\", \"width\"]", &shape), |_| ());
        let why = refusal(detector(folder.path()), "MODELS.toml");
        assert!(why.contains("[yunet] input_shape: a side is out of range; use 1 to 4096"), "{side}: {why}");
    }
}

#[test]
fn models_of_ones_own_stand_beside_those_that_ship() {
    let package = folder(|list| list, |_| ());
    let own = folder(
        |list| {
            list.replace("[yunet]", "[mine]")
                .split("[mobilefacenet]")
                .next()
                .map(|list| list[list.find("[mine]").expect("there")..].to_owned())
                .expect("there")
        },
        |_| (),
    );
    let both = || Manifest::load(package.path()).and_then(|list| list.with_own(own.path()));
    let network = both().and_then(|list| list.detector("mine", 160)).expect("loads");
    assert_eq!(network.name(), "mine");
    both().and_then(|list| list.detector("yunet", 160)).expect("loads");
    std::fs::write(own.path().join("yunet.onnx"), b"another").expect("written");
    let text = refusal(both().and_then(|list| list.detector("mine", 160)), &own.path().display().to_string());
    assert!(text.contains("sha256"), "{text}");

    let twice = Manifest::load(package.path()).and_then(|list| list.with_own(package.path()));
    let text = twice.map(|_| ()).expect_err("refused").to_string();
    assert!(text.contains("] is in ") && text.contains("facelatch models remove"), "{text}");
    for none in ["", "/nowhere"] {
        Manifest::load(package.path())
            .and_then(|list| list.with_own(Path::new(none)))
            .expect("none is needed");
    }
}

#[test]
fn a_damaged_list_of_ones_own_is_not_the_packages_fault() {
    let package = folder(|list| list, |_| ());
    let own = tempfile::tempdir().expect("temporary folder");
    std::fs::write(own.path().join("MODELS.toml"), "x =\n").expect("written");
    let both = Manifest::load(package.path()).and_then(|list| list.with_own(own.path()));
    let text = both.map(|_| ()).expect_err("refused").to_string();
    assert!(text.contains("facelatch models add") && !text.contains("install"), "{text}");
}

#[test]
fn a_model_of_another_kind_is_not_said_to_be_missing() {
    let package = folder(|list| list.split("[attack]").next().unwrap_or_default().to_owned(), |_| ());
    let list = Manifest::load(package.path()).expect("loads");
    let text = list.attack("sface").map(|_| ()).expect_err("an embedder").to_string();
    assert!(
        text.contains("not in") && text.contains("as a network for attacks; it lists none; install"),
        "{text}"
    );
    let text = list.detector("sface", 320).map(|_| ()).expect_err("an embedder").to_string();
    assert!(text.contains("as a detector; it lists yunet;"), "{text}");
}
