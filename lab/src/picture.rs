//! Pictures: as files hold them, and as light.

/// `height` rows of `width` pixels, RGB, 0..=255, sRGB. Without `Debug`, as frames are: it may show a person.
#[derive(Clone)]
pub struct Picture {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

impl Picture {
    /// A picture from `width * height * 3` bytes.
    ///
    /// # Errors
    /// A message when a side is outside `1..=4096` or the length does not match.
    pub fn new(width: u32, height: u32, rgb: Vec<u8>) -> Result<Self, String> {
        if !(1..=4096).contains(&width) || !(1..=4096).contains(&height) {
            return Err(format!("{width}x{height} pixels; each side must be 1 to 4096 pixels"));
        }
        if rgb.len() != width as usize * height as usize * 3 {
            return Err(format!("{} bytes are not {width}x{height} pixels of RGB", rgb.len()));
        }
        Ok(Self { width, height, rgb })
    }

    /// Pixels a row.
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    pub fn height(&self) -> u32 {
        self.height
    }

    /// R, G, B of each pixel.
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }
}

/// What a fixed camera learns of the background: the median of each value over (at most 15 of) these frames of one size.
pub fn learned(clip: &[Picture]) -> Option<Picture> {
    let first = clip.first()?;
    let step = clip.len().div_ceil(15);
    let frames: Vec<&Picture> =
        clip.iter().step_by(step).filter(|p| (p.width, p.height) == (first.width, first.height)).collect();
    let median = |at: usize| {
        let mut values: Vec<u8> = frames.iter().map(|frame| frame.rgb[at]).collect();
        values.sort_unstable();
        values[values.len() / 2]
    };
    Some(Picture { rgb: (0..first.rgb.len()).map(median).collect(), ..*first })
}

/// A part of a picture: left, top, width, height, in its pixels.
pub(crate) type Part = [f32; 4];

/// The largest part of a picture of this size that has the given shape (width by height), about its middle.
pub(crate) fn middle_part(size: (u32, u32), shape: f32) -> Part {
    let (width, height) = (size.0 as f32, size.1 as f32);
    let (w, h) = (width.min(height * shape), height.min(width / shape));
    [(width - w) / 2.0, (height - h) / 2.0, w, h]
}

/// Linear light: red, green and blue of each pixel, 1 for white.
pub(crate) struct Light {
    pub(crate) width: usize,
    pub(crate) height: usize,
    pub(crate) values: Vec<[f32; 3]>,
}

impl Light {
    pub(crate) fn from_fn(width: usize, height: usize, value: impl Fn(usize, usize) -> [f32; 3]) -> Self {
        let values = (0..width * height).map(|i| value(i % width, i / width)).collect();
        Self { width, height, values }
    }

    /// A part of a picture, scaled: each level becomes light through `curve`.
    pub(crate) fn of(picture: &Picture, part: Part, size: (usize, usize), curve: &[f32; 256]) -> Self {
        let columns = Taps::new(part[0], part[2], size.0, picture.width as usize);
        let rows = Taps::new(part[1], part[3], size.1, picture.height as usize);
        let wide = Self::from_fn(size.0, picture.height as usize, |x, y| {
            columns.sum(x, |from| {
                let at = (y * picture.width as usize + from) * 3;
                [0, 1, 2].map(|c| curve[usize::from(picture.rgb[at + c])])
            })
        });
        Self::from_fn(size.0, size.1, |x, y| rows.sum(y, |from| wide.values[from * wide.width + x]))
    }

    /// One colour between four pixels; the edge goes on for ever. Whole numbers are the middles of pixels.
    pub(crate) fn at(&self, x: f32, y: f32, colour: usize) -> f32 {
        let (x, y) = (x.clamp(0.0, (self.width - 1) as f32), y.clamp(0.0, (self.height - 1) as f32));
        let (left, top) = (x as usize, y as usize);
        let (right, bottom) = ((left + 1).min(self.width - 1), (top + 1).min(self.height - 1));
        let (across, down) = (x - left as f32, y - top as f32);
        let value = |x: usize, y: usize| self.values[y * self.width + x][colour];
        let upper = value(left, top) + across * (value(right, top) - value(left, top));
        let lower = value(left, bottom) + across * (value(right, bottom) - value(left, bottom));
        upper + down * (lower - upper)
    }

    /// Out of focus: a Gaussian of this standard deviation in pixels.
    pub(crate) fn blurred(self, sigma: f32) -> Self {
        if sigma < 0.2 {
            return self;
        }
        let reach = (2.5 * sigma).ceil() as usize;
        let weights: Vec<f32> =
            (0..=2 * reach).map(|i| (-0.5 * ((i as f32 - reach as f32) / sigma).powi(2)).exp()).collect();
        let all: f32 = weights.iter().sum();
        let mean = |last: usize, at: usize, value: &dyn Fn(usize) -> [f32; 3]| {
            let mut sum = [0.0; 3];
            for (i, weight) in weights.iter().enumerate() {
                add(&mut sum, weight / all, value((at + i).saturating_sub(reach).min(last)));
            }
            sum
        };
        let (width, height) = (self.width, self.height);
        let wide =
            Self::from_fn(width, height, |x, y| mean(width - 1, x, &|from| self.values[y * width + from]));
        Self::from_fn(width, height, |x, y| mean(height - 1, y, &|from| wide.values[from * width + x]))
    }
}

/// Which pixels each scaled one is made of, and by which weights: a triangle as wide as the scaled pixel, at least one pixel.
struct Taps(Vec<(usize, Vec<f32>)>);

impl Taps {
    fn new(from: f32, length: f32, count: usize, available: usize) -> Self {
        let step = length / count as f32;
        let reach = step.max(1.0);
        let tap = |i: usize| {
            let middle = from + (i as f32 + 0.5) * step - 0.5;
            let first = (middle - reach).ceil().clamp(0.0, (available - 1) as f32) as usize;
            let last = (middle + reach).floor().clamp(first as f32, (available - 1) as f32) as usize;
            let weight = |at: usize| (1.0 - (at as f32 - middle).abs() / reach).max(1e-6);
            let all: f32 = (first..=last).map(weight).sum();
            (first, (first..=last).map(|at| weight(at) / all).collect())
        };
        Self((0..count).map(tap).collect())
    }

    fn sum(&self, at: usize, value: impl Fn(usize) -> [f32; 3]) -> [f32; 3] {
        let (first, weights) = &self.0[at];
        let mut sum = [0.0; 3];
        for (i, weight) in weights.iter().enumerate() {
            add(&mut sum, *weight, value(first + i));
        }
        sum
    }
}

fn add(sum: &mut [f32; 3], weight: f32, value: [f32; 3]) {
    for (sum, value) in sum.iter_mut().zip(value) {
        *sum += weight * value;
    }
}

/// Level to light: a power, on a base of black light.
pub(crate) fn curve(gamma: f32, black: f32) -> [f32; 256] {
    std::array::from_fn(|level| black + (1.0 - black) * (level as f32 / 255.0).powf(gamma))
}
