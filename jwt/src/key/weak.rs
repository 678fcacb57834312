//! RSA keys whose private half can be computed.

/// Primes by which such moduli are told from others. Together they take one of about
/// 134 million others for such a one.
const PRIMES: [u32; 17] = [
    11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157,
];

/// Whether the modulus is of the generator of Infineon's chips before 2017
/// (CVE-2017-15361, "ROCA"): it makes primes that are powers of 65537 modulo small
/// primes, and so is their product.
pub fn is_roca(modulus: &[u8]) -> bool {
    PRIMES
        .iter()
        .all(|prime| is_power_of_65537(remainder(modulus, *prime), *prime))
}

/// What is left of the number modulo a small prime.
fn remainder(big_endian: &[u8], prime: u32) -> u32 {
    let digit = |rest: u32, digit: &u8| (rest * 256 + u32::from(*digit)) % prime;
    big_endian.iter().fold(0, digit)
}

fn is_power_of_65537(number: u32, prime: u32) -> bool {
    let mut power = 1;
    for _ in 0..prime {
        if power == number {
            return true;
        }
        power = power * 65_537 % prime;
    }
    false
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn powers_of_65537_are_told_by_all_primes() {
        let power = 65_537_u128.pow(7);
        assert!(is_roca(&power.to_be_bytes()));
        assert!(is_roca(&65_537_u32.to_be_bytes()));
        for other in [power + 2, power - 2, power + 4, power * 3] {
            assert!(!is_roca(&other.to_be_bytes()), "{other}");
        }
    }

    #[test]
    fn each_prime_leaves_some_remainders_out() {
        for prime in PRIMES {
            let is_left_out = |number: &u32| !is_power_of_65537(*number, prime);
            assert!((1..prime).any(|number| is_left_out(&number)), "{prime}");
            assert!(is_left_out(&0), "{prime}");
        }
    }

    #[test]
    fn remainders_are_those_of_the_whole_number() {
        let number = 0x0123_4567_89ab_cdef_u64;
        for prime in PRIMES {
            let expected = number % u64::from(prime);
            assert_eq!(u64::from(remainder(&number.to_be_bytes(), prime)), expected);
        }
    }
}
