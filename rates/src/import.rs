//! Imports alpha and b from the last layer of a siamese network.
//!
//! Keras `Dense(1, activation="sigmoid")` and PyTorch `Linear(n, 1)` over |h1 - h2| are this product's formula; the script
//! in docs/rates.md writes their two arrays into a file. alpha is called `kernel` (Keras), `weight` (PyTorch) or
//! `alpha`, and has n values in any shape with one dimension longer than 1; b is called `bias`.

use std::io::{Cursor, Read};
use std::path::Path;

use npyz::NpyFile;
use serde_json::Value;

use super::RatesError;
use facelatch::bounded;

/// Largest layer file accepted, in bytes.
const MAX_FILE_BYTES: u64 = 16 << 20;

/// Array names tried for alpha, in this order.
const ALPHA_NAMES: [&str; 3] = ["kernel", "weight", "alpha"];

/// alpha and b as read from the file.
#[derive(Debug, Clone, PartialEq)]
pub struct Layer {
    /// One value for each coordinate of h.
    pub alpha: Vec<f32>,
    /// b.
    pub bias: f32,
}

/// Reads a `.npz` or `.json`.
///
/// # Errors
/// [`RatesError`] naming the file: unknown format, damaged, too large, an array missing or of the wrong shape, or a
/// value that is not finite.
pub fn read(path: &Path) -> Result<Layer, RatesError> {
    let bytes = bounded::read(path, MAX_FILE_BYTES).map_err(RatesError::file(path))?;
    let layer = match path.extension().and_then(|e| e.to_str()) {
        Some("npz") => arrays_of_npz(&bytes),
        Some("json") => arrays_of_json(&bytes),
        _ => Err("is neither .npz nor .json".to_owned()),
    };
    layer.and_then(Layer::of).map_err(|why| RatesError::data(path, why))
}

/// Arrays by name: shape and values.
type Array = (String, Vec<usize>, Vec<f64>);

impl Layer {
    fn of(arrays: Vec<Array>) -> Result<Self, String> {
        let find = |names: &[&str]| {
            let named = |name: &&str| arrays.iter().find(|(n, ..)| n == name);
            names.iter().find_map(named).ok_or_else(|| {
                let there: Vec<&str> = arrays.iter().map(|(name, ..)| name.as_str()).collect();
                format!("holds no array called {}; it has: {}", names.join(" or "), there.join(", "))
            })
        };
        let (name, shape, alpha) = find(&ALPHA_NAMES)?;
        if alpha.is_empty() || shape.iter().filter(|n| **n != 1).count() > 1 {
            return Err(format!(
                "{name} has shape {shape:?}; expected (n, 1), (1, n) or (n), since p is one number"
            ));
        }
        let (_, shape, bias) = find(&["bias"])?;
        let [bias] = bias.as_slice() else {
            return Err(format!("bias has shape {shape:?}; expected one value"));
        };
        let layer = Self { alpha: alpha.iter().map(|v| *v as f32).collect(), bias: *bias as f32 };
        if !layer.bias.is_finite() || layer.alpha.iter().any(|v| !v.is_finite()) {
            return Err("holds a value that is not finite".to_owned());
        }
        Ok(layer)
    }
}

fn arrays_of_npz(bytes: &[u8]) -> Result<Vec<Array>, String> {
    let text = |e: zip::result::ZipError| format!("is not a .npz: {e}");
    let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).map_err(text)?;
    // A small archive may unpack to a large one, so all arrays together unpack to no more than the limit.
    let (mut arrays, mut left) = (Vec::new(), MAX_FILE_BYTES);
    for number in 0..archive.len() {
        let file = archive.by_index(number).map_err(text)?;
        let name = file.name().map_err(text)?.trim_end_matches(".npy").to_owned();
        let mut npy = Vec::new();
        left -= file.take(left).read_to_end(&mut npy).map_err(|e| format!("{name}: {e}"))? as u64;
        if left == 0 {
            return Err(format!("{name}: unpacks to more than {MAX_FILE_BYTES} bytes with those before it"));
        }
        arrays.push(array_of_npy(&name, &npy).map_err(|why| format!("{name}: {why}"))?);
    }
    Ok(arrays)
}

fn array_of_npy(name: &str, npy: &[u8]) -> Result<Array, String> {
    let file = NpyFile::new(npy).map_err(|e| e.to_string())?;
    let shape: Vec<usize> = file.shape().iter().map(|n| *n as usize).collect();
    if file.len() > MAX_FILE_BYTES {
        return Err(format!("claims {} values", file.len()));
    }
    let file = match file.try_data::<f32>() {
        Ok(values) => {
            let values = values.map(|v| v.map(f64::from)).collect::<Result<_, _>>();
            return Ok((name.to_owned(), shape, values.map_err(|e| e.to_string())?));
        }
        Err(file) => file,
    };
    let descriptor = file.dtype().descr();
    let values = file
        .try_data::<f64>()
        .map_err(|_| format!("is of type {descriptor}; expected float32 or float64"))?;
    let values = values.collect::<Result<_, _>>().map_err(|e| e.to_string())?;
    Ok((name.to_owned(), shape, values))
}

fn arrays_of_json(bytes: &[u8]) -> Result<Vec<Array>, String> {
    let value: Value = serde_json::from_slice(bytes).map_err(|e| format!("is not JSON: {e}"))?;
    let object = value.as_object().ok_or("expected an object with kernel and bias")?;
    object
        .iter()
        .map(|(name, value)| {
            let mut values = Vec::new();
            let shape = flatten(value, &mut values).map_err(|why| format!("{name}: {why}"))?;
            Ok((name.clone(), shape, values))
        })
        .collect()
}

/// Flattens nested lists of numbers into `to` and returns the shape.
fn flatten(value: &Value, to: &mut Vec<f64>) -> Result<Vec<usize>, String> {
    let Value::Array(items) = value else {
        to.push(value.as_f64().ok_or("expected numbers, or lists of them")?);
        return Ok(Vec::new());
    };
    let mut inner = Vec::new();
    for (number, item) in items.iter().enumerate() {
        let shape = flatten(item, to)?;
        if number > 0 && shape != inner {
            return Err("has lists of different lengths".to_owned());
        }
        inner = shape;
    }
    inner.insert(0, items.len());
    Ok(inner)
}

#[cfg(test)]
mod tests;
