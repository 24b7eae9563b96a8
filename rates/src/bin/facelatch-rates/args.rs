//! The command line.

mod adapt;
mod children;
mod groups;
mod lab;
mod live;
mod search;
mod turns;
mod walkup;

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};

pub(crate) use adapt::Adapt;
pub(crate) use children::Children;
pub(crate) use groups::{Change, Groups};
pub(crate) use lab::{Lab, Named};
pub(crate) use live::Live;
pub(crate) use search::{Search, Threshold};
pub(crate) use turns::Turns;
pub(crate) use walkup::Walkup;

/// Error rates and heads from labelled pictures.
#[derive(Parser)]
#[command(name = "facelatch-rates", version)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

#[derive(Subcommand)]
pub(crate) enum Verb {
    /// Fit a head on labelled pictures, choose its threshold, write it.
    Fit(Fit),
    /// What adapted templates are worth, and whether an impostor can make them their own, as Markdown tables.
    Adapt(Adapt),
    /// Ablate the formula: a table of heads with and without bias.
    Ablate(Ablate),
    /// Error rates of presentation attack detection on clips of live faces, prints and screens, as Markdown tables.
    Attack(Attack),
    /// Write the aligned faces the embedder would see, to train your own network on.
    Chips(Chips),
    /// Turn the last layer of a Keras or PyTorch network into a head, or a whole siamese network into embedder and head.
    Import(Import),
    /// Error rates of a head on labelled pictures.
    Measure(Measure),
    /// Error rates by what differs between two pictures of one person, as glasses or years, as a Markdown table.
    Change(Change),
    /// Error rates and failure to acquire within groups of people, as Markdown tables.
    Groups(Groups),
    /// The pair protocol of Labeled Faces in the Wild, in ten folds, then the error rates over all its people.
    Lfw(Lfw),
    /// Searches among many people enrolled (1:N), of users and of strangers, as Markdown tables.
    Search(Search),
    /// Error rates of whole decisions on clips: frames that follow each other, against templates of one enrolment, as Markdown
    /// tables.
    Live(Live),
    /// How alike children are to the embedder, by age, and what tells them from adults, as Markdown tables. Prints the direction for
    /// MODELS.toml.
    Children(Children),
    /// What the product does with faces it cannot judge: twenty kinds of fault in five strengths, as a Markdown table.
    Stress(Stress),
    /// Render a presentation attack: the frames of a live clip, shown as a print or on a screen before a camera. A test
    /// generator: no rate is measured on its frames alone.
    Lab(Lab),
    /// Whole decisions over thresholds, and thresholds judged on people whom they were not chosen on, as Markdown tables.
    Threshold(Threshold),
    /// Which turns of heads, and of bent and turned pictures, the challenge takes for an answer, as a Markdown table.
    Turns(Turns),
    /// Other ways to make a decision (mirrored faces, fusion of templates, normalised scores, a learned metric), each with its
    /// cost, as a Markdown table.
    Variants(Variants),
    /// For whom a door opens, and how soon: films of people who walk up to it, pass, or hold up a poster, as a Markdown table.
    Walkup(Walkup),
}

/// Which networks.
#[derive(ClapArgs, Clone)]
pub(crate) struct Networks {
    /// The folder with MODELS.toml.
    #[arg(long, default_value = "models", value_name = "DIR")]
    pub(crate) models: PathBuf,
    /// Embedder, by its name in MODELS.toml.
    #[arg(long, default_value = "sface", value_name = "NAME")]
    pub(crate) embedder: String,
    /// Detector, by its name in MODELS.toml.
    #[arg(long, default_value = "yunet", value_name = "NAME")]
    pub(crate) detector: String,
}

impl Networks {
    /// The head that is shipped beside the embedder.
    pub(crate) fn head_path(&self) -> PathBuf {
        self.models.join(format!("{}.head.toml", self.embedder))
    }
}

/// How pictures become embeddings.
#[derive(ClapArgs, Clone)]
pub(crate) struct Pictures {
    /// A folder with one folder per person, or a list of `PATH<tab>PERSON` lines.
    #[arg(value_name = "DIR|LIST")]
    pub(crate) source: PathBuf,
    #[command(flatten)]
    pub(crate) networks: Networks,
    /// Pictures are aligned faces of 112x112 pixels; use them as they are.
    #[arg(long)]
    pub(crate) aligned: bool,
    /// Of several faces in a picture, take the one nearest to its middle instead of the largest: pictures were cut out around
    /// the person, as in LFW.
    #[arg(long)]
    pub(crate) central: bool,
    /// Where embeddings are kept between runs. They are biometric data: delete the folder afterwards.
    #[arg(long, default_value = "facelatch-rates-cache", value_name = "DIR")]
    pub(crate) cache: PathBuf,
}

#[derive(ClapArgs)]
pub(crate) struct Fit {
    #[command(flatten)]
    pub(crate) pictures: Pictures,
    /// The head file to write.
    #[arg(long, default_value = "head.toml", value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// A description of the pictures, for the head file.
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub(crate) description: String,
    /// Target false match rate of a decision; the threshold keeps it with 95 % confidence over the people in DIR.
    #[arg(long, default_value_t = 1e-4, value_name = "RATE")]
    pub(crate) target_fmr: f64,
    /// Target rate of strangers who match someone among --enrolled people, instead of --target-fmr: each decision gets its
    /// share of the rate, and the daemon is stricter still in a search.
    #[arg(long, value_name = "RATE", requires = "enrolled", conflicts_with = "target_fmr")]
    pub(crate) target_fpir: Option<f64>,
    /// People enrolled, for --target-fpir.
    #[arg(long, value_name = "N")]
    pub(crate) enrolled: Option<usize>,
    /// Templates in a decision.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub(crate) templates: usize,
    /// Frames in a decision.
    #[arg(long, default_value_t = 3, value_name = "M")]
    pub(crate) frames: usize,
    /// Share of genuine pairs for which p is calibrated.
    #[arg(long, default_value_t = 0.5, value_name = "SHARE")]
    pub(crate) prior: f64,
    /// Random rotations stacked in the projection.
    #[arg(long, default_value_t = 64, value_name = "N")]
    pub(crate) rotations: usize,
    /// Use this plan instead of comparing all.
    #[arg(long, value_name = "NAME")]
    pub(crate) plan: Option<String>,
    /// Folds of the cross-validation over people.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub(crate) folds: usize,
    /// Seed of everything random.
    #[arg(long, default_value_t = 5, value_name = "SEED")]
    pub(crate) seed: u64,
    /// Write the report as JSON to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) report: Option<PathBuf>,
    /// Date written into the head (default: today).
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) date: Option<String>,
}

#[derive(ClapArgs)]
pub(crate) struct Ablate {
    #[command(flatten)]
    pub(crate) pictures: Pictures,
    /// Fit on everyone in this set and measure on DIR, instead of halving the people of DIR.
    #[arg(long, value_name = "DIR")]
    pub(crate) fit_on: Option<PathBuf>,
    /// The pictures of --fit-on are aligned faces of 112x112 pixels.
    #[arg(long, requires = "fit_on")]
    pub(crate) fit_on_aligned: bool,
    /// How often the people are halved.
    #[arg(long, default_value_t = 3, value_name = "N")]
    pub(crate) rounds: u64,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
pub(crate) struct Variants {
    #[command(flatten)]
    pub(crate) pictures: Pictures,
    /// Other people: an impostor background that scores are normalised by, and whom a metric is learned from.
    #[arg(long, value_name = "DIR|LIST")]
    pub(crate) background: Option<PathBuf>,
    /// Templates in a decision.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub(crate) templates: usize,
    /// Frames in a decision.
    #[arg(long, default_value_t = 3, value_name = "M")]
    pub(crate) frames: usize,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
pub(crate) struct Measure {
    #[command(flatten)]
    pub(crate) rates: Rates,
    /// Pairs to compare instead of all: lines of file_x,file_y,Yes|No, or of two files and 1|0, or LFW's pairs.txt. DIR may
    /// then hold all pictures side by side.
    #[arg(long, value_name = "FILE")]
    pub(crate) pairs: Option<PathBuf>,
}

#[derive(ClapArgs)]
pub(crate) struct Lfw {
    #[command(flatten)]
    pub(crate) rates: Rates,
    /// The pairs of the protocol, in its order (default: pairs.txt in DIR).
    #[arg(long, value_name = "FILE")]
    pub(crate) pairs: Option<PathBuf>,
}

/// What is measured, and how it is shown.
#[derive(ClapArgs)]
pub(crate) struct Rates {
    #[command(flatten)]
    pub(crate) pictures: Pictures,
    /// Head file (default: the one beside the embedder).
    #[arg(long, value_name = "FILE")]
    pub(crate) head: Option<PathBuf>,
    /// Templates in a decision.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub(crate) templates: usize,
    /// Frames in a decision.
    #[arg(long, default_value_t = 3, value_name = "M")]
    pub(crate) frames: usize,
    /// Decide as the daemon does: pictures below the embedder's limits in MODELS.toml take no part in decisions.
    #[arg(long)]
    pub(crate) limits: bool,
    /// Groups of people: lines of person,group.
    #[arg(long, value_name = "FILE")]
    pub(crate) groups: Option<PathBuf>,
    /// Print JSON instead of text.
    #[arg(long)]
    pub(crate) json: bool,
    /// Write det.svg, scores.svg and reliability.svg into this folder.
    #[arg(long, value_name = "DIR")]
    pub(crate) svg: Option<PathBuf>,
}

#[derive(ClapArgs)]
pub(crate) struct Attack {
    /// A folder of clips, SOURCE/SPECIES/CLIP/NNNN.jpg with a file `fps` in each CLIP; SPECIES is live, or a kind of attack.
    #[arg(value_name = "DIR")]
    pub(crate) source: PathBuf,
    #[command(flatten)]
    pub(crate) networks: Networks,
    /// The folder that `facelatch models add` wrote; it need not be there.
    #[arg(long, default_value = "/usr/local/share/facelatch/models", value_name = "DIR")]
    pub(crate) own_models: PathBuf,
    /// The network that tells live faces from attacks, by its name in MODELS.toml (default: the daemon's).
    #[arg(long, value_name = "NAME")]
    pub(crate) model: Option<String>,
    /// The share of live presentations that may be refused (default: the daemon's).
    #[arg(long, value_name = "SHARE")]
    pub(crate) bpcer: Option<f32>,
    /// How far from the threshold the first frames must score to decide alone (default: as MODELS.toml says).
    #[arg(long, value_name = "SCORE")]
    pub(crate) margin: Option<f32>,
    /// Leave out this source; may be given again.
    #[arg(long, value_name = "SOURCE")]
    pub(crate) without: Vec<String>,
    /// Templates of an enrolment, from the first live frames; those frames are not judged.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub(crate) templates: usize,
    /// Good frames of a decision, as `decision.frames` of the daemon (default: the daemon's).
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10))]
    pub(crate) frames: Option<u32>,
    /// Least time from one try to the next.
    #[arg(long, default_value_t = 1.0, value_name = "SECONDS")]
    pub(crate) every: f64,
    /// Then once more with questions to turn the head. A live clip answers with its own turns, an attack plays on, forth and
    /// back.
    #[arg(long)]
    pub(crate) challenge: bool,
    /// Tries of each attack, at random moments, for --challenge.
    #[arg(long, default_value_t = 8, value_name = "N")]
    pub(crate) tries: usize,
    /// Seed of everything random.
    #[arg(long, default_value_t = 5, value_name = "SEED")]
    pub(crate) seed: u64,
    /// Where scores are kept between runs. They are about the people in the clips: delete the folder afterwards.
    #[arg(long, default_value = "facelatch-rates-cache", value_name = "DIR")]
    pub(crate) cache: PathBuf,
    /// Write the DET curve to this file.
    #[arg(long, value_name = "FILE")]
    pub(crate) svg: Option<PathBuf>,
    /// Print JSON instead of tables.
    #[arg(long)]
    pub(crate) json: bool,
}

#[derive(ClapArgs)]
pub(crate) struct Stress {
    /// A folder with one folder per person, or a list of `PATH<tab>PERSON` lines. People with one picture are left out.
    #[arg(value_name = "DIR|LIST")]
    pub(crate) source: PathBuf,
    #[command(flatten)]
    pub(crate) networks: Networks,
    /// Only this kind of fault, by its name in the table; may be given again.
    #[arg(long = "kind", value_name = "NAME")]
    pub(crate) kinds: Vec<String>,
    /// People measured at most, in the order of their names.
    #[arg(long, default_value_t = 120, value_name = "N")]
    pub(crate) people: usize,
    /// Pass over the first N people, such as those that limits were chosen on.
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) skip: usize,
    /// Templates in a decision.
    #[arg(long, default_value_t = 5, value_name = "N")]
    pub(crate) templates: usize,
    /// Frames in a decision.
    #[arg(long, default_value_t = 3, value_name = "M")]
    pub(crate) frames: usize,
    /// Seed of everything random.
    #[arg(long, default_value_t = 5, value_name = "SEED")]
    pub(crate) seed: u64,
    /// Print JSON instead of a table.
    #[arg(long)]
    pub(crate) json: bool,
}

/// Range of pixel values.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum PixelValues {
    /// 0 to 255.
    Bytes,
    /// 0 to 1.
    Unit,
    /// -1 to 1.
    Signed,
}

/// Order of colour channels.
#[derive(Clone, Copy, ValueEnum)]
pub(crate) enum Colours {
    /// Red first; also for grey pictures.
    Rgb,
    /// Blue first, as OpenCV reads them.
    Bgr,
}

#[derive(ClapArgs)]
pub(crate) struct Chips {
    #[command(flatten)]
    pub(crate) pictures: Pictures,
    /// The folder to write: one folder per person, PNG of 112x112 pixels. These are biometric data.
    #[arg(long, value_name = "DIR")]
    pub(crate) output: PathBuf,
}

#[derive(ClapArgs)]
pub(crate) struct Import {
    /// A .npz or .json with `kernel` (or `weight`) and `bias`, or a siamese network as .onnx.
    #[arg(value_name = "FILE")]
    pub(crate) source: PathBuf,
    /// The folder with MODELS.toml, where a layer's embedder is looked up and a network is added.
    #[arg(long, default_value = "models", value_name = "DIR")]
    pub(crate) models: PathBuf,
    /// Embedder the layer was trained on, by its name in MODELS.toml; for a network, the name to give it there.
    #[arg(long, default_value = "sface", value_name = "NAME")]
    pub(crate) embedder: String,
    /// The head file to write; for a network it is always NAME.head.toml beside it.
    #[arg(long, default_value = "head.toml", value_name = "FILE")]
    pub(crate) output: PathBuf,
    /// Range of the pixel values the network takes.
    #[arg(long, value_enum, default_value_t = PixelValues::Unit, value_name = "VALUES")]
    pub(crate) pixels: PixelValues,
    /// Order of colour channels the network takes.
    #[arg(long, value_enum, default_value_t = Colours::Rgb, value_name = "ORDER")]
    pub(crate) colours: Colours,
    /// Threshold of a decision, `0..1`. Measure before you trust it.
    #[arg(long, default_value_t = 0.5, value_name = "P")]
    pub(crate) threshold: f64,
    /// Date written into the head (default: today).
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) date: Option<String>,
}
