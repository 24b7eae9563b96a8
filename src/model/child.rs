//! What tells small children, who look alike to an embedder: `[NAME.child]` in `MODELS.toml`.

use serde::Deserialize;

/// The cue of one network, and how often small children match without it. Found by `facelatch-rates children`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChildLimits {
    /// An embedding with at least this cosine to the direction looks like a child's; above -1 and below 1.
    pub min_cosine: f32,
    /// From the mean embedding of adults to that of children; as long as an embedding, of any length but 0.
    pub direction: Vec<f32>,
    /// By age, the youngest first.
    pub alike: Vec<Alike>,
}

/// How alike children of an age are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Alike {
    /// Oldest, in years.
    pub to_age: u8,
    /// One in so many other children of that age matches; above 0.
    pub one_in: u32,
}

impl ChildLimits {
    pub(super) fn check(&self) -> Result<(), String> {
        if !(self.min_cosine > -1.0 && self.min_cosine < 1.0) {
            return Err(format!(
                "min_cosine: {} is out of range; use a number between -1 and 1",
                self.min_cosine
            ));
        }
        let norm = self.direction.iter().map(|v| f64::from(*v).powi(2)).sum::<f64>();
        if !(norm.is_finite() && norm > 1e-12) {
            return Err(
                "direction: its length is 0 or not finite; use the output of facelatch-rates children"
                    .to_owned(),
            );
        }
        if self.alike.iter().any(|alike| alike.one_in == 0) {
            return Err("alike: one_in = 0 is out of range; use 1 or more".to_owned());
        }
        Ok(())
    }

    /// `up to 2 years about one in 3 other children would open as well, up to 5 years one in 25`; empty if nothing was measured.
    pub fn rates(&self) -> String {
        let each = |(at, alike): (usize, &Alike)| {
            let Alike { to_age, one_in } = alike;
            let about = if at == 0 { "about one in" } else { "one in" };
            let others = if at == 0 { " other children would open as well" } else { "" };
            format!("up to {to_age} years {about} {one_in}{others}")
        };
        self.alike.iter().enumerate().map(each).collect::<Vec<_>>().join(", ")
    }
}
