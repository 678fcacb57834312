//! Seeded randomness. Nothing secret comes out of it: it stands in for the
//! host's random numbers so that a run can be repeated.

/// SplitMix64 (Steele, Lea and Flood, 2014).
#[derive(Debug, Clone, Default)]
pub(crate) struct Random {
    state: u64,
}

impl Random {
    pub(crate) fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    pub(crate) fn next_u64(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub(crate) fn fill(&mut self, out: &mut [u8]) {
        for chunk in out.chunks_mut(8) {
            let bytes = self.next_u64().to_le_bytes();
            for (to, from) in chunk.iter_mut().zip(bytes) {
                *to = from;
            }
        }
    }

    /// A version 4 UUID (RFC 9562 §5.4), as Envoy's `x-request-id`.
    pub(crate) fn uuid(&mut self) -> [u8; 36] {
        const DIGITS: &[u8; 16] = b"0123456789abcdef";
        let mut bytes = [0; 16];
        self.fill(&mut bytes);
        bytes[6] = bytes[6] & 0x0f | 0x40;
        bytes[8] = bytes[8] & 0x3f | 0x80;
        let mut nibbles = bytes.iter().flat_map(|byte| [byte >> 4, byte & 0x0f]);
        let mut text = [b'-'; 36];
        for (position, place) in text.iter_mut().enumerate() {
            if matches!(position, 8 | 13 | 18 | 23) {
                continue;
            }
            let nibble = usize::from(nibbles.next().unwrap_or_default());
            *place = DIGITS.get(nibble).copied().unwrap_or(b'0');
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_numbers() {
        let (mut one, mut two, mut other) = (Random::new(7), Random::new(7), Random::new(8));
        assert_eq!(one.uuid(), two.uuid());
        assert_ne!(one.next_u64(), other.next_u64());
    }

    #[test]
    fn a_uuid_has_its_version_and_variant() {
        let text = String::from_utf8(Random::new(1).uuid().to_vec()).unwrap();
        assert_eq!(
            text.split('-').map(str::len).collect::<Vec<_>>(),
            [8, 4, 4, 4, 12]
        );
        assert_eq!(text.as_bytes()[14], b'4');
        assert!(matches!(text.as_bytes()[19], b'8' | b'9' | b'a' | b'b'));
    }
}
