use super::*;
use proptest::prelude::*;

proptest! {
    #[test]
    fn no_bytes_make_it_panic(bytes in prop::collection::vec(any::<u8>(), 0..300), header in "[ -~]{0,100}") {
        prop_assert!(decode(&bytes).is_err());
        let mut whole = [header.as_bytes(), b"\n", &bytes].concat();
        let sum = Sha256::digest(&whole);
        whole.extend_from_slice(&sum[..CHECKSUM_BYTES]);
        prop_assert!(decode(&whole).is_err());
    }
}
