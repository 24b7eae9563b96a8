//! A folder or list of picture files as a camera, for the demo and for tests.
//!
//! Each call returns the next picture as if it had just been taken, starting over after the last; or the pictures are those of
//! a film that plays at its own rate, whoever looks. That is a replay attack by definition: use it for demos and tests only.

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

/// Pictures instead of a camera: each is a new frame, in order of name, starting over after the last.
pub struct Replay {
    pictures: Pictures,
    clock: Arc<dyn Clock>,
    /// The next picture, counted since it was opened.
    next: usize,
    film: Option<Film>,
}

/// Pictures that have their time.
struct Film {
    interval: Duration,
    /// When the first one was shown; `None` while it is closed.
    began: Option<BootTime>,
}

enum Pictures {
    Folder(PathBuf),
    Files(Vec<PathBuf>),
}

impl Replay {
    /// All `.jpg`, `.jpeg` and `.png` files in `folder`, sorted by name; other files are ignored.
    ///
    /// The folder is read again for each frame, so its pictures can be changed while the daemon runs.
    pub fn folder(folder: impl Into<PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self::new(Pictures::Folder(folder.into()), clock)
    }

    /// These files in this order, whatever their extensions.
    pub fn files(files: impl IntoIterator<Item = PathBuf>, clock: Arc<dyn Clock>) -> Self {
        Self::new(Pictures::Files(files.into_iter().collect()), clock)
    }

    fn new(pictures: Pictures, clock: Arc<dyn Clock>) -> Self {
        Self { pictures, clock, next: 0, film: None }
    }

    /// Plays the pictures as a film of so many a second: one whose time has passed is left out. 0, like the default, means
    /// each in turn, as fast as the caller asks.
    pub fn with_frames_per_second(mut self, frames_per_second: u32) -> Self {
        let film = |rate| Film { interval: Duration::from_secs(1) / rate, began: None };
        self.film = (frames_per_second > 0).then(|| film(frames_per_second));
        self
    }

    /// The next picture; after the last one the first again.
    fn next_path(&mut self) -> Result<PathBuf, CameraError> {
        let mut files = self.list()?;
        let path = files.swap_remove(self.next % files.len());
        self.next += 1;
        Ok(path)
    }

    /// The pictures that exist now, at least one.
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

    /// Waits until a picture of the film is due, and makes it the next one.
    fn wait_until_due(&mut self, deadline: BootTime) -> Result<(), CameraError> {
        let now = self.clock.now();
        let Some(Film { interval, began }) = &mut self.film else { return Ok(()) };
        let began = *began.get_or_insert(now);
        let passed = now.since(began).as_nanos().div_ceil(interval.as_nanos());
        self.next = self.next.max(usize::try_from(passed).unwrap_or(usize::MAX));
        let due = began.after(interval.saturating_mul(u32::try_from(self.next).unwrap_or(u32::MAX)));
        let late = due > deadline;
        wait_until(self.clock.as_ref(), due.min(deadline));
        if late {
            return Err(CameraError::Silent { camera: self.name(), waited: deadline.since(now) });
        }
        Ok(())
    }
}

impl FrameSource for Replay {
    fn next_frame(&mut self, deadline: BootTime) -> Result<Frame, CameraError> {
        if self.clock.now() >= deadline {
            return Err(CameraError::Silent { camera: self.name(), waited: Duration::ZERO });
        }
        self.wait_until_due(deadline)?;
        let path = self.next_path()?;
        let taken_at = self.clock.now();
        read(&path, taken_at).map_err(|why| CameraError::Picture { path, why })
    }

    fn close(&mut self) {
        self.next = 0;
        if let Some(film) = &mut self.film {
            film.began = None;
        }
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
