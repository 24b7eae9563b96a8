//! The command line of `facelatch-rates lab`.

use std::path::PathBuf;

use clap::Args as ClapArgs;

/// A value that the command line knows by its name.
#[derive(Clone, Copy)]
pub(crate) struct Named<T>(pub(crate) T);

#[derive(ClapArgs)]
pub(crate) struct Lab {
    /// A folder with the frames of a live clip, in order of their names (a file `fps` may give their rate), or one picture.
    #[arg(value_name = "CLIP")]
    pub(crate) clip: PathBuf,
    /// live, print, bent-print, cut-print (holes for the eyes), phone, tablet or monitor. `live` is the clip itself through the
    /// same camera.
    #[arg(long, value_name = "NAME")]
    pub(crate) species: Named<facelatch_lab::Species>,
    /// What is done with it: still, swaying, tilting or bending.
    #[arg(long, default_value = "still", value_name = "NAME")]
    pub(crate) motion: Named<facelatch_lab::Motion>,
    /// A screen shows all frames of the clip at their own rate, not only the first.
    #[arg(long)]
    pub(crate) film: bool,
    /// A picture of what stands behind it, or `learned`: what a fixed camera learns from the clip (default: a drawn room).
    #[arg(long, value_name = "FILE")]
    pub(crate) background: Option<PathBuf>,
    /// Frames to write (default: as many as the clip has, 45 for one picture).
    #[arg(long, value_name = "N")]
    pub(crate) frames: Option<usize>,
    /// Frames a second of the camera (default: those of the clip).
    #[arg(long, value_name = "FPS")]
    pub(crate) fps: Option<f32>,
    /// Seed of everything random: camera, light, object, path.
    #[arg(long, default_value_t = 5, value_name = "SEED")]
    pub(crate) seed: u64,
    /// The folder with MODELS.toml, for the eyes of cut-print.
    #[arg(long, default_value = "models", value_name = "DIR")]
    pub(crate) models: PathBuf,
    /// The folder to write, new or empty: NNNN.jpg, fps, and truth.toml with what is true of each frame.
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,
}
