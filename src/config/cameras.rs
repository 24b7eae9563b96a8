//! One camera, or several: `[camera]` is one table, `[[camera]]` one for each. The first is the default.

use std::fmt;
use std::path::Path;

use serde::de::value::MapAccessDeserializer;
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::check::{Refused, holds};
use super::{Attack, AttackLevel, Camera, Config};

/// Cameras that one daemon serves.
const MAX_CAMERAS: usize = 8;

/// Longest name of a camera, in bytes.
const MAX_NAME: usize = 32;

/// Frames a second that a head's turn can be followed in.
const MIN_CHALLENGE_FPS: u32 = 5;

/// Whether a camera may be called this.
fn is_name(name: &str) -> bool {
    let plain = |c: u8| c.is_ascii_lowercase() || c.is_ascii_digit() || c == b'-' || c == b'_';
    (1..=MAX_NAME).contains(&name.len()) && name.bytes().all(plain)
}

impl Config {
    /// All cameras, the default one first.
    pub fn cameras(&self) -> impl Iterator<Item = &Camera> {
        std::iter::once(&self.camera).chain(&self.other_cameras)
    }

    /// Checks each camera, then that no two are one.
    pub(super) fn check_cameras(&self) -> Result<(), Refused> {
        let count = self.cameras().count();
        holds(count <= MAX_CAMERAS, "camera", count, &format!("at most {MAX_CAMERAS} cameras"))?;
        for (at, camera) in self.cameras().enumerate() {
            let checked = camera
                .check_ranges()
                .and_then(|()| camera.check(&self.attack))
                .and_then(|()| self.cameras().take(at).try_for_each(|earlier| camera.is_apart_from(earlier)));
            checked.map_err(|refused| match count {
                1 => refused,
                _ => refused.of_camera(&camera.name),
            })?;
        }
        self.check_infrared()
    }

    fn check_infrared(&self) -> Result<(), Refused> {
        let infrared = &self.attack.infrared;
        holds(
            infrared.as_os_str().is_empty() || infrared.starts_with("/dev/"),
            "attack.infrared",
            infrared,
            "the path of a device, such as \"/dev/video2\", or \"\"",
        )?;
        holds(
            infrared.as_os_str().is_empty()
                || self.cameras().all(|camera| infrared != Path::new(&camera.device)),
            "attack.infrared",
            infrared,
            "another camera than camera.device",
        )
    }
}

impl Camera {
    /// What a range cannot say.
    fn check(&self, attack: &Attack) -> Result<(), Refused> {
        let name = "1 to 32 of the characters a to z, 0 to 9, - and _";
        holds(is_name(&self.name), "camera.name", &self.name, name)?;
        holds(
            self.exec.first().is_none_or(|command| command.starts_with('/')),
            "camera.exec",
            &self.exec,
            "the absolute path of a command, then its arguments",
        )?;
        holds(self.rotate.is_multiple_of(90), "camera.rotate", self.rotate, "0, 90, 180 or 270")?;
        holds(
            attack.level != AttackLevel::Challenge || !(1..MIN_CHALLENGE_FPS).contains(&self.replay_fps),
            "camera.replay_fps",
            self.replay_fps,
            "0, or at least 5 with attack.level = \"challenge\": in fewer frames no answer can be seen, and everybody would be \
             turned away",
        )
    }

    /// Two cameras have two names, and read two devices.
    fn is_apart_from(&self, earlier: &Self) -> Result<(), Refused> {
        holds(
            self.name != earlier.name,
            "camera.name",
            &self.name,
            "a name for each camera that no other has",
        )?;
        let another = format!("another than that of camera {:?}", earlier.name);
        match (self.device(), earlier.device()) {
            (Some(own), Some(other)) => {
                holds(own != other, "camera.device", own, &another)?;
                holds(
                    own != "auto" && other != "auto",
                    "camera.device",
                    own,
                    &format!(
                        "a path or \"name:TEXT\" for it and for camera {:?}: with \"auto\" both may get the same",
                        earlier.name
                    ),
                )
            }
            _ => {
                holds(self.exec.is_empty() || self.exec != earlier.exec, "camera.exec", &self.exec, &another)
            }
        }
    }

    /// The device, unless frames come from elsewhere.
    pub fn device(&self) -> Option<&str> {
        (self.replay.as_os_str().is_empty() && self.exec.is_empty()).then_some(&*self.device)
    }
}

/// The cameras in a file.
#[derive(Default)]
struct Cameras(Vec<Camera>);

impl<'de> Deserialize<'de> for Cameras {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(OneOrMore).map(Self)
    }
}

struct OneOrMore;

impl<'de> Visitor<'de> for OneOrMore {
    type Value = Vec<Camera>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[camera], or [[camera]] for each of several")
    }

    fn visit_map<A: MapAccess<'de>>(self, one: A) -> Result<Self::Value, A::Error> {
        Camera::deserialize(MapAccessDeserializer::new(one)).map(|camera| vec![camera])
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut more: A) -> Result<Self::Value, A::Error> {
        let mut cameras = Vec::new();
        while let Some(camera) = more.next_element()? {
            cameras.push(camera);
        }
        Ok(cameras)
    }
}

/// The default camera of a file that names some.
pub(super) fn first<'de, D: Deserializer<'de>>(from: D) -> Result<Camera, D::Error> {
    let Cameras(cameras) = Cameras::deserialize(from)?;
    cameras.into_iter().next().ok_or_else(|| D::Error::custom("camera: at least one is needed"))
}

/// The cameras of a file beside the default one.
pub(super) fn others(text: &str) -> Result<Vec<Camera>, toml::de::Error> {
    /// The rest of the file is read elsewhere.
    #[derive(Deserialize)]
    struct File {
        #[serde(default)]
        camera: Cameras,
    }
    Ok(toml::from_str::<File>(text)?.camera.0.into_iter().skip(1).collect())
}

/// What to write instead of a second `[camera]`; empty for any other error.
pub(super) fn hint(error: &toml::de::Error, text: &str) -> &'static str {
    let is_camera = error.span().and_then(|span| text.get(span)).is_some_and(|at| at.trim() == "camera");
    if is_camera && error.message().contains("duplicate key") { "; write [[camera]] for each" } else { "" }
}

#[cfg(test)]
mod tests;
