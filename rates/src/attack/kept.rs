//! Scores kept between runs, a file for each person: a stopped run goes on where it was, and other thresholds cost nothing.

use std::path::PathBuf;

use sha2::{Digest, Sha256};

use super::clips::Clip;
use super::tries::Person;
use crate::RatesError;

/// A folder of scores. They were made by one program with one set of networks; any other finds none.
pub struct Kept {
    folder: PathBuf,
    made_by: String,
}

impl Kept {
    /// Scores in this folder, made by this very program and `how`.
    ///
    /// # Errors
    /// [`RatesError::File`].
    pub fn open(folder: PathBuf, how: &str) -> Result<Self, RatesError> {
        std::fs::create_dir_all(&folder).map_err(RatesError::file(&folder))?;
        let program = std::env::current_exe().map_err(RatesError::file("this program"))?;
        let about = std::fs::metadata(&program).map_err(RatesError::file(&program))?;
        let built = about.modified().map_err(RatesError::file(&program))?;
        Ok(Self { folder, made_by: format!("{built:?} {} {how}", about.len()) })
    }

    /// What is known of the person in these clips.
    pub(super) fn find(&self, clips: &[Clip]) -> Option<Person> {
        serde_json::from_slice(&std::fs::read(self.path(clips)).ok()?).ok()
    }

    pub(super) fn keep(&self, clips: &[Clip], person: &Person) -> Result<(), RatesError> {
        let path = self.path(clips);
        let json = serde_json::to_vec(person).map_err(|e| RatesError::Asked(e.to_string()))?;
        std::fs::write(&path, json).map_err(RatesError::file(&path))
    }

    fn path(&self, clips: &[Clip]) -> PathBuf {
        let mut hash = Sha256::new();
        hash.update(&self.made_by);
        for clip in clips {
            hash.update(format!("{clip:?}"));
            // Pictures that were replaced have the same names.
            for frame in &clip.frames {
                let about = std::fs::metadata(frame).ok();
                hash.update(format!("{:?}", about.map(|about| (about.len(), about.modified().ok()))));
            }
        }
        let hex: String = hash.finalize().iter().take(8).map(|byte| format!("{byte:02x}")).collect();
        self.folder.join(format!("attack-{hex}.json"))
    }
}
