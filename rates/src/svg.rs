//! Draws rates as pictures: DET curve, score histogram, reliability diagram. Plain SVG, black on white, a few kilobytes.

use std::fmt::Write as _;

use super::curve::Point;
use super::measure::Measured;

const WIDTH: f64 = 560.0;
const HEIGHT: f64 = 400.0;
const LEFT: f64 = 70.0;
const RIGHT: f64 = 20.0;
const TOP: f64 = 40.0;
const BOTTOM: f64 = 55.0;

/// An axis: its title, its ends, and its ticks with their labels.
struct Axis {
    title: &'static str,
    from: f64,
    to: f64,
    ticks: Vec<(f64, String)>,
}

/// A picture being drawn.
struct Plot {
    x: Axis,
    y: Axis,
    body: String,
    keys: usize,
}

impl Plot {
    fn new(title: &str, x: Axis, y: Axis) -> Self {
        let mut plot = Self { x, y, body: String::new(), keys: 0 };
        let _ = writeln!(
            plot.body,
            r#"<text x="{}" y="22" text-anchor="middle" font-size="15">{title}</text>"#,
            WIDTH / 2.0
        );
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        for (at, label) in std::mem::take(&mut plot.x.ticks) {
            let x = plot.at((at, plot.y.from)).0;
            let _ = writeln!(
                plot.body,
                r##"<path d="M{x:.1} {TOP}V{bottom}" stroke="#ddd"/><text x="{x:.1}" y="{}" text-anchor="middle">{label}</text>"##,
                bottom + 18.0
            );
        }
        for (at, label) in std::mem::take(&mut plot.y.ticks) {
            let y = plot.at((plot.x.from, at)).1;
            let _ = writeln!(
                plot.body,
                r##"<path d="M{LEFT} {y:.1}H{right}" stroke="#ddd"/><text x="{}" y="{:.1}" text-anchor="end">{label}</text>"##,
                LEFT - 6.0,
                y + 4.0
            );
        }
        let _ =
            writeln!(plot.body, r##"<path d="M{LEFT} {TOP}V{bottom}H{right}" fill="none" stroke="#000"/>"##);
        let _ = writeln!(
            plot.body,
            r#"<text x="{}" y="{}" text-anchor="middle">{}</text>"#,
            (LEFT + right) / 2.0,
            HEIGHT - 12.0,
            plot.x.title
        );
        let middle = (TOP + bottom) / 2.0;
        let _ = writeln!(
            plot.body,
            r#"<text x="16" y="{middle}" text-anchor="middle" transform="rotate(-90 16 {middle})">{}</text>"#,
            plot.y.title
        );
        plot
    }

    fn at(&self, (x, y): (f64, f64)) -> (f64, f64) {
        let part = |axis: &Axis, v: f64| ((v - axis.from) / (axis.to - axis.from)).clamp(0.0, 1.0);
        let (wide, high) = (WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM);
        (LEFT + part(&self.x, x) * wide, HEIGHT - BOTTOM - part(&self.y, y) * high)
    }

    fn line(&mut self, points: impl Iterator<Item = (f64, f64)>, colour: &str, key: &str) {
        let mut path = String::new();
        for point in points {
            let (x, y) = self.at(point);
            let _ = write!(path, "{}{x:.1} {y:.1}", if path.is_empty() { 'M' } else { 'L' });
        }
        let dash = if key.is_empty() { r#" stroke-dasharray="4 4""# } else { "" };
        let _ = writeln!(
            self.body,
            r#"<path d="{path}" fill="none" stroke="{colour}" stroke-width="1.6"{dash}/>"#
        );
        if !key.is_empty() {
            let y = TOP + 16.0 + 18.0 * self.keys as f64;
            let x = WIDTH - RIGHT - 170.0;
            let _ = writeln!(
                self.body,
                r#"<path d="M{x} {y}h22" stroke="{colour}" stroke-width="2.5"/><text x="{}" y="{}">{key}</text>"#,
                x + 28.0,
                y + 4.0
            );
            self.keys += 1;
        }
    }

    fn finish(self) -> String {
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{WIDTH}\" height=\"{HEIGHT}\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" fill=\"#fff\"/>\n{}</svg>\n",
            self.body
        )
    }
}

/// Rates from 1e-5 to 1 on logarithmic axes.
fn logarithmic(title: &'static str) -> Axis {
    logarithmic_from(title, -5)
}

/// Rates from this power of ten to 1.
fn logarithmic_from(title: &'static str, lowest: i32) -> Axis {
    let label = |power: i32| if power == 0 { "1".to_owned() } else { format!("1e{power}") };
    let ticks = (lowest..=0).map(|p| (f64::from(p), label(p))).collect();
    Axis { title, from: f64::from(lowest), to: 0.0, ticks }
}

fn shares(title: &'static str, to: f64) -> Axis {
    let ticks = (0..=5).map(|i| f64::from(i) * to / 5.0).map(|v| (v, format!("{v:.2}"))).collect();
    Axis { title, from: 0.0, to, ticks }
}

/// FNMR against FMR, both logarithmic; a rate of 0 is drawn at the edge.
pub fn det(m: &Measured) -> String {
    let mut plot = Plot::new(
        "DET: the two errors at every threshold",
        logarithmic("false match rate"),
        logarithmic("false non-match rate"),
    );
    let log = |p: &Point| (p.fmr.max(1e-5).log10(), p.fnmr.max(1e-5).log10());
    plot.line(m.det.iter().map(log), "#1f5fa8", "one picture, one template");
    if let Some(d) = &m.decision {
        let key = format!("{} frames, {} templates", d.shape.frames, d.shape.templates);
        plot.line(m.decision_det.iter().map(log), "#c0392b", &key);
    }
    plot.finish()
}

/// BPCER against APCER, all species together; a rate of 0 is drawn at the edge.
pub fn attack_det(points: &[Point]) -> String {
    let axis = |title| logarithmic_from(title, -3);
    let mut plot = Plot::new("DET of presentation attack detection", axis("APCER"), axis("BPCER"));
    let log = |rate: f64| rate.max(1e-3).log10();
    plot.line(points.iter().map(|p| (log(p.fmr), log(p.fnmr))), "#1f5fa8", "decisions");
    plot.finish()
}

/// Shares of genuine and impostor pairs by log-odds, and the threshold.
pub fn histogram(m: &Measured) -> String {
    let h = &m.histogram;
    let (from, step) = (f64::from(h.from), f64::from(h.step));
    let to = from + step * h.genuine.len() as f64;
    let top = h.genuine.iter().chain(&h.impostor).fold(0.0_f64, |a, b| a.max(*b)) * 1.05;
    let ticks =
        (0..=6).map(|i| from + (to - from) * f64::from(i) / 6.0).map(|v| (v, format!("{v:.1}"))).collect();
    let x = Axis { title: "log-odds z", from, to, ticks };
    let mut plot = Plot::new("Scores of pairs", x, shares("share of pairs", top));
    let bars = |shares: &[f64]| -> Vec<(f64, f64)> {
        let edge = |i: usize| from + step * i as f64;
        shares.iter().enumerate().flat_map(|(i, s)| [(edge(i), *s), (edge(i + 1), *s)]).collect()
    };
    plot.line(bars(&h.genuine).into_iter(), "#1f5fa8", "one person");
    plot.line(bars(&h.impostor).into_iter(), "#c0392b", "two people");
    let threshold = (m.threshold / (1.0 - m.threshold)).ln();
    plot.line([(threshold, 0.0), (threshold, top)].into_iter(), "#000", "threshold of decisions");
    plot.finish()
}

/// Observed share against predicted probability; the diagonal is perfect calibration.
pub fn reliability(m: &Measured) -> String {
    let title = format!("Reliability of pairs, calibration error {:.4}", m.ece);
    let mut plot =
        Plot::new(&title, shares("predicted probability", 1.0), shares("share that was genuine", 1.0));
    plot.line([(0.0, 0.0), (1.0, 1.0)].into_iter(), "#888", "");
    plot.line(m.reliability.iter().map(|bin| (bin.said, bin.seen)), "#1f5fa8", "pairs, both kinds alike");
    plot.finish()
}
