//! `%RESPONSE_FLAGS%` as the bits of Envoy's attribute `response.flags`.

/// Short names in the order of `StreamInfo::CoreResponseFlag`: the first is bit 0.
const FLAGS: [&str; 30] = [
    "LH", "UH", "UT", "LR", "UR", "UF", "UC", "UO", "NR", "DI", "FI", "RL", "UAEX", "RLSE", "DC",
    "URX", "SI", "IH", "DPE", "UMSDR", "RFCF", "NFCF", "DT", "UPE", "NC", "OM", "DF", "DO", "DR",
    "UDO",
];

/// The bits of a list such as `UF,URX`; nothing if a flag is none of Envoy's own.
pub(super) fn bits(text: &str) -> Option<i64> {
    text.split(',').try_fold(0, |bits, name| {
        let bit = FLAGS.iter().position(|flag| *flag == name)?;
        Some(bits | (1_i64 << bit))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_are_bits() {
        assert_eq!(bits("LH"), Some(1));
        assert_eq!(bits("UF,URX"), Some(1 << 5 | 1 << 15));
        assert_eq!(bits("XYZ"), None);
    }
}
