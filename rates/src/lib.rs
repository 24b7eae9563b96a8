//! Fits heads and measures error rates on labelled pictures: the library of `facelatch-rates`. Not part of the daemon.
//!
//! [`people`] (a folder to people) -> [`acquire`] (pictures to a [`set`] of embeddings, kept in a [`cache`]) -> [`table`]
//! (the scores of all pairs) -> [`trials`] (pairs, listed in a [`list`] or all, and decisions) -> [`curve`], [`rate`] (rates
//! and how sure they are: [`count`]ed in a [`tally`] by people, with [`bound`] and [`bootstrap`]) -> [`measure`],
//! [`protocol`], [`search`] (1:N), [`held`] (a threshold on people it was not chosen on). Besides: [`fit`] makes heads with
//! [`newton`], [`ablate`] compares variants of the formula, [`variants`] of the decision, [`import`] reads last layers trained
//! elsewhere, [`network`] whole networks, [`stress`] spoils pictures, [`attack`] puts clips before the daemon, [`live`] compares
//! frames that follow each other, [`turns`] turns heads and pictures, [`adapt`] has templates change, [`walkup`] has
//! people come to a door, [`lab`] renders attacks, [`groups`] compares groups of people, [`change`] pictures of one by what differs, [`children`] finds
//! what tells children, [`svg`] draws; [`cores`] spreads
//! work over threads.
//!
//! Terms (ISO/IEC 2382-37, 19795-1): a genuine trial compares two pictures of one person, an impostor trial two people.
//! FMR: share of impostor trials that match. FNMR: share of genuine trials that do not. TAR = 1 - FNMR.
//! FPIR, FNIR: the same for a search among everyone enrolled.

pub mod ablate;
pub mod acquire;
pub mod adapt;
pub mod alike;
pub mod attack;
pub mod bench;
pub mod bootstrap;
pub mod bound;
pub mod cache;
pub mod change;
pub mod children;
pub mod cores;
pub mod count;
pub mod curve;
pub mod fit;
pub mod groups;
pub mod held;
pub mod import;
pub mod lab;
pub mod learn;
pub mod list;
pub mod live;
pub mod measure;
pub mod network;
pub mod newton;
pub mod people;
pub mod picture;
pub mod protocol;
pub mod rate;
pub mod report;
pub mod search;
pub mod set;
pub mod siamese;
pub mod stress;
pub mod svg;
pub mod table;
pub mod tally;
pub mod trials;
pub mod turns;
pub mod variants;
pub mod vector;
pub mod walkup;
pub mod write;

use std::path::PathBuf;

use facelatch::head::HeadError;
use facelatch::model::ModelError;

/// Why rates or a head could not be produced.
#[derive(Debug, thiserror::Error)]
pub enum RatesError {
    /// A file or folder could not be read or written.
    #[error("{}: cannot be read or written", .path.display())]
    #[expect(missing_docs, reason = "the message names each field")]
    File {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    /// The labelled pictures cannot be used.
    #[error("{}: {why}", .path.display())]
    #[expect(missing_docs, reason = "the message names each field")]
    Data { path: PathBuf, why: String },
    /// A network failed.
    #[error(transparent)]
    Model(#[from] ModelError),
    /// The head is refused.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// The options given make no sense together.
    #[error("{0}")]
    Asked(String),
}

impl RatesError {
    pub(crate) fn file(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::File { path, source }
    }

    pub(crate) fn data(path: impl Into<PathBuf>, why: impl Into<String>) -> Self {
        Self::Data { path: path.into(), why: why.into() }
    }
}
