//! A file that `torch.save` wrote before version 1.6 to its tensors.
//!
//! It is a row of pickles (a magic number, the version, sizes of C's types, the state dict, the names of the storages) and
//! then each storage: its length as 64 bits, and its numbers, the lowest byte first.

use std::collections::BTreeMap;

use super::pickle::{self, Value};

/// The first pickle of such a file.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];

/// The second one.
const VERSION: i64 = 1001;

/// A row of numbers and its shape.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Tensor {
    /// The lengths of its sides, the outermost first.
    pub(super) shape: Vec<usize>,
    /// Row by row.
    pub(super) values: Vec<f32>,
}

/// The tensors of a state dict by their names; without those of whole numbers, which count batches.
///
/// # Errors
/// Text that says what was not expected.
pub(super) fn read(mut bytes: &[u8]) -> Result<BTreeMap<String, Tensor>, String> {
    let bytes = &mut bytes;
    let magic = pickle::read(bytes)?;
    if magic != Value::Long(MAGIC.to_vec()) || pickle::read(bytes)? != Value::Int(VERSION) {
        return Err("not what torch.save wrote before version 1.6".to_owned());
    }
    let (_sizes, state, names) = (pickle::read(bytes)?, pickle::read(bytes)?, pickle::read(bytes)?);
    let Value::Dict(state) = state else { return Err("not a state dict".to_owned()) };
    let views: Vec<(&str, View<'_>)> = state
        .iter()
        .filter_map(|(name, tensor)| named(name, tensor).transpose())
        .collect::<Result<_, _>>()?;
    let storages = storages(bytes, names.list().unwrap_or_default(), &state)?;
    let mut tensors = BTreeMap::new();
    for (name, view) in views {
        let values = storages.get(view.storage).and_then(|all| view.of(all));
        let values = values.ok_or_else(|| format!("{name}: outside its storage"))?;
        tensors.insert(name.to_owned(), Tensor { shape: view.shape, values });
    }
    Ok(tensors)
}

/// Where a tensor lies.
struct View<'a> {
    storage: &'a str,
    from: usize,
    shape: Vec<usize>,
}

impl View<'_> {
    fn of(&self, storage: &[u8]) -> Option<Vec<f32>> {
        let length = self.shape.iter().try_fold(4_usize, |bytes, side| bytes.checked_mul(*side))?;
        let from = self.from.checked_mul(4)?;
        let bytes = storage.get(from..from.checked_add(length)?)?;
        Some(
            bytes
                .chunks_exact(4)
                .filter_map(|four| Some(f32::from_le_bytes(four.try_into().ok()?)))
                .collect(),
        )
    }
}

/// A tensor of floats; `None` for one of whole numbers.
fn named<'a>(name: &'a Value, tensor: &'a Value) -> Result<Option<(&'a str, View<'a>)>, String> {
    let name = name.text().ok_or("a tensor without a name")?;
    let odd = || format!("{name}: not a tensor of floats in one piece");
    let Value::Made(maker, parts) = tensor else { return Err(odd()) };
    let [Value::Outside(storage), from, shape, strides, ..] = parts.as_slice() else { return Err(odd()) };
    let (kind, storage, _) = described(storage).ok_or_else(odd)?;
    if kind == LONGS {
        return Ok(None);
    }
    let counts = |list: &Value| list.list()?.iter().map(Value::count).collect::<Option<Vec<_>>>();
    let (from, shape, strides) =
        from.count().zip(counts(shape)).zip(counts(strides)).map(|((a, b), c)| (a, b, c)).ok_or_else(odd)?;
    if &**maker != "torch._utils._rebuild_tensor_v2" || kind != FLOATS || !in_one_piece(&shape, &strides) {
        return Err(odd());
    }
    Ok(Some((name, View { storage, from, shape })))
}

const FLOATS: &str = "torch.FloatStorage";
const LONGS: &str = "torch.LongStorage";

/// Kind, name and length of a storage.
fn described(storage: &[Value]) -> Option<(&str, &str, usize)> {
    match storage {
        [Value::Text(word), Value::Name(kind), Value::Text(name), _, length, Value::None]
            if &**word == "storage" && matches!(&**kind, FLOATS | LONGS) =>
        {
            Some((kind, name, length.count()?))
        }
        _ => None,
    }
}

/// Whether the numbers follow each other row by row.
fn in_one_piece(shape: &[usize], strides: &[usize]) -> bool {
    let mut step = Some(1_usize);
    shape.len() == strides.len()
        && shape.iter().zip(strides).rev().all(|(side, stride)| {
            let fits = *side == 1 || step == Some(*stride);
            step = step.and_then(|step| step.checked_mul(*side));
            fits
        })
}

/// The bytes of each storage, in the order of `names`.
fn storages<'a, 'n>(
    bytes: &mut &'a [u8],
    names: &'n [Value],
    state: &'n [(Value, Value)],
) -> Result<BTreeMap<&'n str, &'a [u8]>, String> {
    let described: BTreeMap<&str, (&str, usize)> = state
        .iter()
        .filter_map(|(_, tensor)| match tensor {
            Value::Made(_, parts) => match parts.first() {
                Some(Value::Outside(storage)) => described(storage),
                _ => None,
            },
            _ => None,
        })
        .map(|(kind, name, length)| (name, (kind, length)))
        .collect();
    let mut found = BTreeMap::new();
    for name in names {
        let name = name.text().ok_or("a storage without a name")?;
        let (kind, length) = described.get(name).ok_or_else(|| format!("storage {name}: of no tensor"))?;
        let width = if *kind == LONGS { 8 } else { 4 };
        let taken = bytes.split_first_chunk::<8>().and_then(|(count, rest)| {
            let same = u64::from_le_bytes(*count) == *length as u64;
            same.then_some(rest)?.split_at_checked(length.checked_mul(width)?)
        });
        let (values, rest) = taken.ok_or_else(|| format!("storage {name}: not {length} numbers long"))?;
        found.insert(name, values);
        *bytes = rest;
    }
    Ok(found)
}
