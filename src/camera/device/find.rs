//! Resolves a camera's path or name to its current device node (`/dev/videoN`, where N may change on replugging).

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use super::super::CameraError;

/// Prefixes of the names of nodes that belong to a board's own camera or codec, one a line.
const NO_CAMERAS: &str = include_str!("no_cameras.txt");

/// Which camera is meant.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Choice {
    /// `auto`: the first one that can capture and is not part of a board.
    #[default]
    Auto,
    /// `name:...`: the first one whose card name contains this, ignoring case.
    Name(String),
    /// `/dev/v4l/by-id/...` or `by-path/...` (which survive replugging), or `/dev/videoN`.
    Path(PathBuf),
}

impl FromStr for Choice {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text.strip_prefix("name:").map(str::trim) {
            Some("") => Err("camera `name:` needs a part of the card's name after it".to_owned()),
            Some(part) => Ok(Self::Name(part.to_owned())),
            None if text == "auto" => Ok(Self::Auto),
            None if text.starts_with("/dev/") => Ok(Self::Path(text.into())),
            None => Err(format!(
                "camera `{text}` is neither `auto` nor `name:PART` nor a path such as /dev/v4l/by-id/NAME"
            )),
        }
    }
}

impl fmt::Display for Choice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Auto => f.write_str("auto"),
            Self::Name(part) => write!(f, "name:{part}"),
            Self::Path(path) => path.display().fmt(f),
        }
    }
}

/// A camera as listed for a person to choose from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CameraInfo {
    /// `/dev/videoN`, which may be another camera after the next boot.
    pub path: PathBuf,
    /// What the driver calls the card.
    pub name: String,
    /// The path below `/dev/v4l` to use in the configuration, where udev created one.
    pub stable_path: Option<PathBuf>,
}

/// What a device node is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum NodeKind {
    /// Frames can be captured from it.
    Camera,
    /// Frames could be captured from it only through the multi-planar interface, which neither nokhwa nor v4l reads.
    MultiPlanar,
    /// A metadata node, an output, a converter, or no node at all.
    Other,
}

/// Says what a node is.
type Classify<'a> = &'a dyn Fn(&Path) -> NodeKind;

/// The folders in which device nodes and their names are found.
///
/// nokhwa's own list does not distinguish cameras from metadata nodes and codecs, takes `/dev/video-enc0` for number
/// 0, and panics on `/dev/video`.
pub(super) struct Nodes {
    dev: PathBuf,
    sys: PathBuf,
}

impl Nodes {
    pub(super) fn system() -> Self {
        Self { dev: "/dev".into(), sys: "/sys/class/video4linux".into() }
    }

    /// All cameras by number. `classify` distinguishes them from metadata nodes and converters.
    pub(super) fn list(&self, classify: Classify<'_>) -> Vec<CameraInfo> {
        self.all(classify, NodeKind::Camera).into_iter().filter(|camera| !is_part(&camera.name)).collect()
    }

    /// All nodes of one kind, and parts of a board that claim to be of it.
    fn all(&self, classify: Classify<'_>, wanted: NodeKind) -> Vec<CameraInfo> {
        let stable = self.stable_paths();
        let info = |number: u32| {
            let path = self.dev.join(format!("video{number}"));
            let target = path.canonicalize().unwrap_or_else(|_| path.clone());
            let stable_path = stable.iter().find(|(_, node)| *node == target).map(|(path, _)| path.clone());
            CameraInfo { name: self.card(number), stable_path, path }
        };
        let all = self.numbers().into_iter().map(info);
        all.filter(|camera| classify(&camera.path) == wanted).collect()
    }

    /// The node that `choice` names now.
    ///
    /// # Errors
    /// [`CameraError::Missing`]; [`CameraError::MultiPlanar`] when only such a node is there.
    pub(super) fn resolve(&self, choice: &Choice, classify: Classify<'_>) -> Result<PathBuf, CameraError> {
        let find = |fits: &dyn Fn(&CameraInfo) -> bool| {
            let [cameras, others] = [NodeKind::Camera, NodeKind::MultiPlanar]
                .map(|kind| self.all(classify, kind).into_iter().find(fits).map(|camera| camera.path));
            cameras.or(others)
        };
        let found = match choice {
            Choice::Path(path) => path.canonicalize().ok().filter(|node| number(node).is_some()),
            Choice::Auto => find(&|camera| !is_part(&camera.name)),
            Choice::Name(part) => {
                let part = part.to_lowercase();
                find(&|camera| camera.name.to_lowercase().contains(&part))
            }
        };
        let found = found
            .ok_or_else(|| CameraError::Missing { camera: choice.to_string(), fix: self.fix(classify) })?;
        if classify(&found) == NodeKind::MultiPlanar {
            return Err(CameraError::MultiPlanar { camera: found.display().to_string() });
        }
        Ok(found)
    }

    fn fix(&self, classify: Classify<'_>) -> String {
        let there: Vec<String> = self.list(classify).iter().map(describe).collect();
        if !there.is_empty() {
            return format!("plug it in, or choose one that is there: {}", there.join(", "));
        }
        if self.all(classify, NodeKind::Camera).is_empty() {
            return "plug one in; `ls -l /dev/v4l/by-id` shows it then".to_owned();
        }
        // A board has these even with nothing on its CSI connector.
        "plug a USB camera in, or set camera.exec for one on the CSI connector \
         (/usr/share/doc/facelatch/docs/cameras.md)"
            .to_owned()
    }

    /// The node's name, if it is part of a board and gives no picture by itself.
    pub(super) fn part(&self, node: &Path) -> Option<String> {
        number(node).map(|number| self.card(number)).filter(|name| is_part(name))
    }

    fn card(&self, number: u32) -> String {
        let name = fs::read_to_string(self.sys.join(format!("video{number}/name")));
        name.map(|name| name.trim().to_owned()).unwrap_or_default()
    }

    fn numbers(&self) -> Vec<u32> {
        let entries = fs::read_dir(&self.dev).into_iter().flatten().flatten();
        let mut numbers: Vec<u32> = entries.filter_map(|entry| number(&entry.path())).collect();
        numbers.sort_unstable();
        numbers
    }

    /// Links below `/dev/v4l` and the nodes they lead to; by-id first, since it identifies the camera itself.
    fn stable_paths(&self) -> Vec<(PathBuf, PathBuf)> {
        let links = ["v4l/by-id", "v4l/by-path"].map(|folder| self.dev.join(folder));
        let links = links.iter().flat_map(|folder| {
            let mut links: Vec<PathBuf> =
                fs::read_dir(folder).into_iter().flatten().flatten().map(|link| link.path()).collect();
            links.sort();
            links
        });
        links.filter_map(|link| Some((link.clone(), link.canonicalize().ok()?))).collect()
    }
}

fn describe(camera: &CameraInfo) -> String {
    let path = camera.stable_path.as_ref().unwrap_or(&camera.path);
    format!("{} ({})", path.display(), camera.name)
}

fn is_part(name: &str) -> bool {
    NO_CAMERAS.lines().any(|start| name.starts_with(start))
}

/// N of `.../videoN`.
pub(super) fn number(node: &Path) -> Option<u32> {
    node.file_name()?.to_str()?.strip_prefix("video")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    /// A machine with one camera, its metadata node, and a second camera.
    fn machine() -> (tempfile::TempDir, Nodes) {
        let root = tempfile::tempdir().expect("temporary folder");
        let (dev, sys) = (root.path().join("dev"), root.path().join("sys"));
        fs::create_dir_all(dev.join("v4l/by-id")).expect("made");
        for (number, name) in [(1, "HD Webcam"), (2, "HD Webcam"), (10, "IR Camera")] {
            fs::write(dev.join(format!("video{number}")), "").expect("written");
            let card = sys.join(format!("video{number}"));
            fs::create_dir_all(&card).expect("made");
            fs::write(card.join("name"), format!("{name}\n")).expect("written");
        }
        symlink("../../video10", dev.join("v4l/by-id/usb-IR-index0")).expect("linked");
        fs::write(dev.join("vcs"), "").expect("written");
        let nodes = Nodes { dev: dev.canonicalize().expect("is there"), sys };
        (root, nodes)
    }

    /// video1 is the metadata node.
    fn kind(node: &Path) -> NodeKind {
        if number(node).is_some_and(|number| number != 1) { NodeKind::Camera } else { NodeKind::Other }
    }

    fn resolved(nodes: &Nodes, choice: &Choice) -> Result<u32, String> {
        let node = nodes.resolve(choice, &kind).map_err(|why| why.to_string())?;
        number(&node).ok_or_else(|| "no number".to_owned())
    }

    #[test]
    fn a_camera_is_found_by_path_by_name_and_by_itself() {
        let (_root, nodes) = machine();
        assert_eq!(resolved(&nodes, &Choice::Auto), Ok(2));
        assert_eq!(resolved(&nodes, &Choice::Name("ir cam".into())), Ok(10));
        assert_eq!(resolved(&nodes, &Choice::Path(nodes.dev.join("v4l/by-id/usb-IR-index0"))), Ok(10));
        assert_eq!(resolved(&nodes, &Choice::Path(nodes.dev.join("video1"))), Ok(1));
    }

    #[test]
    fn a_stable_path_follows_its_camera_to_another_number() {
        let (_root, nodes) = machine();
        let link = nodes.dev.join("v4l/by-id/usb-IR-index0");
        fs::remove_file(&link).expect("removed");
        assert!(resolved(&nodes, &Choice::Path(link.clone())).is_err());
        symlink("../../video2", &link).expect("linked");
        assert_eq!(resolved(&nodes, &Choice::Path(link)), Ok(2));
    }

    #[test]
    fn a_missing_camera_is_named_with_those_that_are_there() {
        let (_root, nodes) = machine();
        let text = resolved(&nodes, &Choice::Name("Kinect".into())).unwrap_err();
        assert!(text.starts_with("camera name:Kinect: not found; plug it in, or choose"), "{text}");
        assert!(text.contains("video2 (HD Webcam)") && text.contains("usb-IR-index0 (IR Camera)"), "{text}");
        let nothing = Nodes { dev: "/nowhere".into(), sys: "/nowhere".into() };
        assert!(resolved(&nothing, &Choice::Auto).unwrap_err().contains("plug one in"));
    }

    #[test]
    fn parts_of_a_board_are_no_cameras_unless_they_are_named() {
        let (_root, nodes) = machine();
        let rename = |number: u32, name: &str| {
            fs::write(nodes.sys.join(format!("video{number}/name")), name).expect("written");
        };
        for name in ["bcm2835-isp0-capture1", "unicam-image", "rp1-cfe-csi2_ch0", "pispbe-output0", "rpivid"]
        {
            rename(2, name);
            assert_eq!(resolved(&nodes, &Choice::Auto), Ok(10), "{name}");
            assert_eq!(resolved(&nodes, &Choice::Name(name.into())), Ok(2));
            let path = nodes.dev.join("video2");
            assert_eq!(nodes.part(&path).as_deref(), Some(name));
            assert_eq!(resolved(&nodes, &Choice::Path(path)), Ok(2));
        }
        assert_eq!(nodes.part(&nodes.dev.join("video10")), None);
        rename(10, "unicam-image");
        let text = resolved(&nodes, &Choice::Auto).unwrap_err();
        assert!(
            text.contains("plug a USB camera in, or set camera.exec") && text.contains("cameras.md"),
            "{text}"
        );
    }

    #[test]
    fn a_multi_planar_node_is_named_as_such_unless_a_camera_is_there() {
        let (_root, nodes) = machine();
        let planes = |node: &Path| match number(node) {
            Some(2) => NodeKind::MultiPlanar,
            _ => NodeKind::Other,
        };
        let path = nodes.dev.join("video2");
        for choice in [Choice::Auto, Choice::Name("webcam".into()), Choice::Path(path)] {
            let text = nodes.resolve(&choice, &planes).expect_err("cannot be read").to_string();
            assert!(
                text.contains("video2: it gives pictures in separate planes only (multi-planar)"),
                "{text}"
            );
            assert!(text.contains("set camera.exec") && text.contains("cameras.md"), "{text}");
        }
        let both = |node: &Path| match number(node) {
            Some(10) => NodeKind::Camera,
            _ => planes(node),
        };
        assert_eq!(nodes.resolve(&Choice::Auto, &both).ok(), Some(nodes.dev.join("video10")));
        fs::write(nodes.sys.join("video2/name"), "pispbe-output0").expect("written");
        let text = nodes.resolve(&Choice::Auto, &planes).expect_err("a part of the board").to_string();
        assert!(text.contains("not found"), "{text}");
    }

    #[test]
    fn what_is_no_video_node_is_no_camera() {
        let (_root, nodes) = machine();
        assert!(resolved(&nodes, &Choice::Path(nodes.dev.join("vcs"))).is_err());
        assert!(resolved(&nodes, &Choice::Path("/dev/null".into())).is_err());
    }

    #[test]
    fn choices_are_written_as_they_are_read() {
        for text in ["auto", "name:HD Webcam", "/dev/v4l/by-id/usb-IR-index0"] {
            assert_eq!(text.parse::<Choice>().map(|choice| choice.to_string()), Ok(text.to_owned()));
        }
        assert!("0".parse::<Choice>().is_err() && "name: ".parse::<Choice>().is_err());
    }
}
