//! A folder or list of picture files in, frames out: the camera of the demo and of tests.
//!
//! Every call gives the next picture as if it had just been taken, round and round. That is a replay
//! attack by definition, so nothing but a demo or a test should be pointed at one.

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::decode::decode_picture;
use super::wait::wait_until;
use super::{CameraError, Frame, FrameSource};
use crate::clock::{BootTime, Clock};

/// Largest picture file that is read, in bytes.
const MAX_FILE_BYTES: u64 = 64 << 20;

/// Pictures in the place of a camera, each a new frame, in the order of their names, then from the start.
pub struct Replay {
    pictures: Pictures,
    clock: Arc<dyn Clock>,
    /// Frames given since it was opened.
    given: usize,
    pace: Option<Duration>,
    due: BootTime,
}

enum Pictures {
    Folder(PathBuf),
    Files(Vec<PathBuf>),
}

impl Replay {
    /// All `.jpg`, `.jpeg` and `.png` files in `folder`, sorted by name; other files are ignored.
    ///
    /// The folder is read anew for each frame, so that its pictures can be changed while the daemon runs.
    pub fn folder(folder: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self::new(Pictures::Folder(folder.into()), clock)
    }

    /// These files in this order, whatever their names end in.
    pub fn files(files: impl IntoIterator<Item = PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self::new(Pictures::Files(files.into_iter().collect()), clock)
    }

    fn new(pictures: Pictures, clock: Arc<dyn Clock>) -> Self {
        Self { pictures, clock, given: 0, pace: None, due: BootTime::default() }
    }

    /// At most this many frames a second; without it, as fast as they are asked for. 0 means no limit.
    pub fn with_frames_per_second(mut self, frames_per_second: u32) -> Self {
        self.pace = (frames_per_second > 0).then(|| Duration::from_secs(1) / frames_per_second);
        self
    }

    /// The next picture; after the last one the first again.
    fn next_path(&mut self) -> Result<PathBuf, CameraError> {
        let mut files = self.list()?;
        let path = files.swap_remove(self.given % files.len());
        self.given += 1;
        Ok(path)
    }

    /// The pictures there are now, at least one.
    fn list(&self) -> Result<Vec<PathBuf>, CameraError> {
        let files = match &self.pictures {
            Pictures::Files(files) => files.clone(),
            Pictures::Folder(folder) => {
                let entries = folder.read_dir().map_err(|why| self.missing(&why.to_string()))?;
                let mut files: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
                files.retain(|path| is_picture(path));
                files.sort();
                files
            }
        };
        if files.is_empty() { Err(self.missing("no picture")) } else { Ok(files) }
    }

    fn missing(&self, why: &str) -> CameraError {
        let fix = match &self.pictures {
            Pictures::Folder(_) => format!("put .jpg, .jpeg or .png files into that folder ({why})"),
            Pictures::Files(_) => "name at least one picture file".to_owned(),
        };
        CameraError::Missing { camera: self.name(), fix }
    }

    /// Waits until the next frame is due.
    fn keep_pace(&mut self, deadline: BootTime) -> Result<(), CameraError> {
        let Some(pace) = self.pace else { return Ok(()) };
        let start = self.clock.now();
        let late = self.due > deadline;
        wait_until(self.clock.as_ref(), if late { deadline } else { self.due });
        if late {
            return Err(CameraError::Silent { camera: self.name(), waited: deadline.since(start) });
        }
        self.due = self.clock.now().after(pace);
        Ok(())
    }
}

impl FrameSource for Replay {
    fn next_frame(&mut self, deadline: BootTime) -> Result<Frame, CameraError> {
        if self.clock.now() >= deadline {
            return Err(CameraError::Silent { camera: self.name(), waited: Duration::ZERO });
        }
        self.keep_pace(deadline)?;
        let path = self.next_path()?;
        let taken_at = self.clock.now();
        read(&path, taken_at).map_err(|why| CameraError::Picture { path, why })
    }

    fn close(&mut self) {
        self.given = 0;
    }

    fn probe(&mut self) -> Result<(), CameraError> {
        self.list().map(|_| ())
    }

    fn name(&self) -> String {
        match &self.pictures {
            Pictures::Folder(folder) => format!("replay of {}", folder.display()),
            Pictures::Files(files) => format!("replay of {} pictures", files.len()),
        }
    }
}

fn is_picture(path: &Path) -> bool {
    let extension = path.extension().and_then(|extension| extension.to_str()).unwrap_or_default();
    ["jpg", "jpeg", "png"].iter().any(|known| extension.eq_ignore_ascii_case(known)) && path.is_file()
}

fn read(path: &Path, taken_at: BootTime) -> Result<Frame, String> {
    let bytes = path.metadata().map_err(|why| why.to_string())?.len();
    if bytes > MAX_FILE_BYTES {
        return Err(format!("{bytes} bytes; at most {MAX_FILE_BYTES} are read"));
    }
    let bytes = std::fs::read(path).map_err(|why| why.to_string())?;
    let (width, height, rgb) = decode_picture(&bytes).map_err(|why| why.to_string())?;
    let frame = Frame::new(width, height, rgb, taken_at).map_err(|refusal| match refusal {
        CameraError::BadFrame { why } => why,
        other => other.to_string(),
    })?;
    let name = path.file_name().unwrap_or(path.as_os_str());
    Ok(frame.with_origin(name.to_string_lossy().into_owned()))
}
