//! Writes protobuf messages: numbers, and rows of bytes with their length before them.

/// A message that grows.
#[derive(Debug, Clone, Default)]
pub(super) struct Message {
    pub(super) bytes: Vec<u8>,
}

impl Message {
    /// A number.
    pub(super) fn number(&mut self, field: u64, value: u64) -> &mut Self {
        self.varint(field << 3);
        self.varint(value);
        self
    }

    /// Bytes.
    pub(super) fn field(&mut self, field: u64, bytes: &[u8]) -> &mut Self {
        self.varint(field << 3 | 2);
        self.varint(bytes.len() as u64);
        self.bytes.extend(bytes);
        self
    }

    /// Text.
    pub(super) fn text(&mut self, field: u64, text: &str) -> &mut Self {
        self.field(field, text.as_bytes())
    }

    /// A message in this one.
    pub(super) fn message(&mut self, field: u64, message: &Self) -> &mut Self {
        self.field(field, &message.bytes)
    }

    /// Seven bits a byte, the lowest first; the eighth says that more follow.
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.bytes.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.bytes.push(value as u8);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_rows_are_written_as_the_specification_says() {
        let mut inner = Message::default();
        inner.number(1, 150);
        let mut outer = Message::default();
        outer.message(3, &inner).text(2, "testing").number(2, u64::MAX);
        // The first two are the examples of the specification.
        let mut expected = vec![0x1a, 3, 0x08, 0x96, 0x01, 0x12, 7];
        expected.extend(b"testing");
        expected.push(0x10);
        expected.extend([0xff; 9]);
        expected.push(1);
        assert_eq!(outer.bytes, expected);
    }
}
