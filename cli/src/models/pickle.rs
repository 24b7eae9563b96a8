//! A pickle to a [`Value`]: the few operations that a PyTorch state dict is written with (protocol 2). Nothing is imported
//! and nothing is called: a name that a pickle would call stays a name, and what it would make is recognised by it.
//!
//! Operations and depth are bounded, and only words may be used twice, so a value is a tree that is no larger than the file.
//! The operations are those of the module `pickletools` of Python.

use std::collections::HashMap;
use std::rc::Rc;

/// Most operations of one pickle; a state dict takes some forty a tensor.
const MAX_OPERATIONS: usize = 1 << 16;

/// How deep lists may be in each other.
const MAX_DEPTH: usize = 8;

/// Longest name of a module or of something in it.
const MAX_NAME_BYTES: usize = 256;

/// What a pickle says.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    /// Nothing.
    None,
    /// Yes or no.
    Bool(bool),
    /// A number; one that does not fit 64 bits is [`Value::Long`].
    Int(i64),
    /// A larger number: its bytes, the lowest first.
    Long(Vec<u8>),
    /// Text.
    Text(Rc<str>),
    /// A name that something is called by: module and name.
    Name(Rc<str>),
    /// A tuple or a list.
    List(Vec<Value>),
    /// Keys and values in their order.
    Dict(Vec<(Value, Value)>),
    /// What is kept outside: the description of a storage.
    Outside(Vec<Value>),
    /// What this name would make of these values.
    Made(Rc<str>, Vec<Value>),
}

impl Value {
    pub(super) fn text(&self) -> Option<&str> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }

    pub(super) fn list(&self) -> Option<&[Value]> {
        if let Self::List(list) = self { Some(list) } else { None }
    }

    /// A number that counts something.
    pub(super) fn count(&self) -> Option<usize> {
        if let Self::Int(number) = self { usize::try_from(*number).ok() } else { None }
    }

    /// How deep its lists are in each other.
    fn depth(&self) -> usize {
        let deepest = |list: &[Value]| list.iter().map(Value::depth).max().unwrap_or(0);
        1 + match self {
            Self::List(list) | Self::Outside(list) | Self::Made(_, list) => deepest(list),
            Self::Dict(pairs) => {
                pairs.iter().map(|(key, value)| key.depth().max(value.depth())).max().unwrap_or(0)
            }
            _ => 0,
        }
    }
}

/// Reads one pickle from the front of `bytes` and leaves what follows it.
///
/// # Errors
/// Text that says what was not expected.
pub(super) fn read(bytes: &mut &[u8]) -> Result<Value, String> {
    let mut machine = Machine { bytes, stack: Vec::new(), marks: Vec::new(), memo: HashMap::new() };
    for _ in 0..MAX_OPERATIONS {
        if let Some(value) = machine.step()? {
            return Ok(value);
        }
    }
    Err("a pickle that is too long".to_owned())
}

struct Machine<'a, 'b> {
    bytes: &'a mut &'b [u8],
    stack: Vec<Value>,
    marks: Vec<usize>,
    memo: HashMap<u32, Value>,
}

impl Machine<'_, '_> {
    /// One operation; the value where it was the last.
    fn step(&mut self) -> Result<Option<Value>, String> {
        let operation = self.array::<1>()?[0];
        let value = match operation {
            b'.' => return self.pop().map(Some),
            0x80 => return self.version(),
            b'(' => {
                self.marks.push(self.stack.len());
                return Ok(None);
            }
            b'q' | b'r' => return self.remember(operation),
            b's' | b'u' | b'a' | b'e' | b'b' => return self.fill(operation),
            b'h' | b'j' => self.recall(operation)?,
            b'N' => Value::None,
            0x88 => Value::Bool(true),
            0x89 => Value::Bool(false),
            b'K' => Value::Int(self.array::<1>()?[0].into()),
            b'M' => Value::Int(u16::from_le_bytes(self.array()?).into()),
            b'J' => Value::Int(i32::from_le_bytes(self.array()?).into()),
            0x8a => self.long()?,
            b'X' => {
                let length = u32::from_le_bytes(self.array()?);
                Value::Text(utf8(self.take(length as usize)?)?.into())
            }
            b'c' => Value::Name(format!("{}.{}", self.line()?, self.line()?).into()),
            b'}' => Value::Dict(Vec::new()),
            b']' | b')' => Value::List(Vec::new()),
            b't' => Value::List(self.marked()?),
            0x85..=0x87 => Value::List(self.top(usize::from(operation - 0x84))?),
            b'Q' => match self.pop()? {
                Value::List(list) => Value::Outside(list),
                _ => return Err("a storage without a description".to_owned()),
            },
            b'R' => self.made()?,
            other => return Err(format!("operation {other:#04x} of a pickle, which no state dict needs")),
        };
        self.stack.push(value);
        Ok(None)
    }

    fn version(&mut self) -> Result<Option<Value>, String> {
        match self.array::<1>()?[0] {
            2 => Ok(None),
            other => Err(format!("a pickle of protocol {other}, not 2")),
        }
    }

    /// What a name makes of a tuple; an ordered dict of nothing is a dict.
    fn made(&mut self) -> Result<Value, String> {
        match (self.pop()?, self.pop()?) {
            (Value::List(of), Value::Name(name)) if of.is_empty() && &*name == "collections.OrderedDict" => {
                Ok(Value::Dict(Vec::new()))
            }
            (Value::List(of), Value::Name(name)) => Ok(Value::Made(name, of)),
            _ => Err("a call of what is not a name".to_owned()),
        }
    }

    /// Puts what is on the top into the list or dict below it.
    fn fill(&mut self, operation: u8) -> Result<Option<Value>, String> {
        let items = match operation {
            b'u' | b'e' => self.marked()?,
            b's' => self.top(2)?,
            _ => self.top(1)?,
        };
        match (self.stack.last_mut(), operation) {
            // Attributes of a dict: `_metadata`, which says versions of layers.
            (Some(Value::Dict(_)), b'b') => {}
            (Some(Value::Dict(pairs)), b's' | b'u') if items.len().is_multiple_of(2) => {
                let mut items = items.into_iter();
                while let (Some(key), Some(value)) = (items.next(), items.next()) {
                    pairs.push((key, value));
                }
            }
            (Some(Value::List(list)), b'a' | b'e') => list.extend(items),
            _ => return Err("values for what is neither a list nor a dict".to_owned()),
        }
        Ok(None)
    }

    fn remember(&mut self, operation: u8) -> Result<Option<Value>, String> {
        let at = self.place(operation == b'q')?;
        // No state dict uses a list twice.
        if let value @ (Value::Text(_) | Value::Name(_)) = self.stack.last().ok_or_else(short)? {
            self.memo.insert(at, value.clone());
        }
        Ok(None)
    }

    fn recall(&mut self, operation: u8) -> Result<Value, String> {
        let at = self.place(operation == b'h')?;
        self.memo
            .get(&at)
            .cloned()
            .ok_or_else(|| format!("a pickle that uses value {at} twice, which is no word"))
    }

    fn place(&mut self, short: bool) -> Result<u32, String> {
        Ok(if short { self.array::<1>()?[0].into() } else { u32::from_le_bytes(self.array()?) })
    }

    fn long(&mut self) -> Result<Value, String> {
        let length = self.array::<1>()?[0];
        let bytes = self.take(length.into())?;
        // Sign and order as in two's complement.
        let sign = if bytes.last().is_some_and(|byte| byte & 0x80 != 0) { 0xff } else { 0 };
        let mut all = [sign; 8];
        if bytes.len() > all.len() {
            return Ok(Value::Long(bytes.to_owned()));
        }
        all[..bytes.len()].copy_from_slice(bytes);
        Ok(Value::Int(i64::from_le_bytes(all)))
    }

    fn pop(&mut self) -> Result<Value, String> {
        self.stack.pop().ok_or_else(short)
    }

    /// What was pushed since the last mark.
    fn marked(&mut self) -> Result<Vec<Value>, String> {
        let mark = self.marks.pop().ok_or_else(short)?;
        self.top(self.stack.len().checked_sub(mark).ok_or_else(short)?)
    }

    /// The last `count` values, to be put into a list.
    fn top(&mut self, count: usize) -> Result<Vec<Value>, String> {
        let from = self.stack.len().checked_sub(count).ok_or_else(short)?;
        let values = self.stack.split_off(from);
        if values.iter().any(|value| value.depth() >= MAX_DEPTH) {
            return Err("a pickle with lists that are too deep in each other".to_owned());
        }
        Ok(values)
    }

    fn line(&mut self) -> Result<String, String> {
        let length =
            self.bytes.iter().take(MAX_NAME_BYTES).position(|byte| *byte == b'\n').ok_or_else(short)?;
        let line = utf8(self.take(length)?)?.to_owned();
        self.take(1)?;
        Ok(line)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], String> {
        self.take(N)?.try_into().map_err(|_| short())
    }

    fn take(&mut self, length: usize) -> Result<&[u8], String> {
        let (taken, rest) = self.bytes.split_at_checked(length).ok_or_else(short)?;
        *self.bytes = rest;
        Ok(taken)
    }
}

fn utf8(bytes: &[u8]) -> Result<&str, String> {
    std::str::from_utf8(bytes).map_err(|_| "a name that is not UTF-8".to_owned())
}

fn short() -> String {
    "a pickle that ends too early".to_owned()
}
