//! Whether a point is on its curve. Neither tier says so apart from "not verified",
//! and a slip in a key should be told before its tokens are refused.
//!
//! Slow and short: numbers are big-endian bytes, and a product is doublings and sums.
//! A key is checked once, and nothing in it is secret.

use crate::algorithm::KeyType;

/// A curve y² = x³ - 3x + b over the field of p (FIPS 186-4 appendix D.1.2).
struct Curve {
    p: &'static [u8],
    b: &'static [u8],
}

const P256: Curve = Curve {
    p: b"\xff\xff\xff\xff\0\0\0\x01\0\0\0\0\0\0\0\0\
         \0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    b: b"\x5a\xc6\x35\xd8\xaa\x3a\x93\xe7\xb3\xeb\xbd\x55\x76\x98\x86\xbc\
         \x65\x1d\x06\xb0\xcc\x53\xb0\xf6\x3b\xce\x3c\x3e\x27\xd2\x60\x4b",
};

const P384: Curve = Curve {
    p: b"\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
         \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe\
         \xff\xff\xff\xff\0\0\0\0\0\0\0\0\xff\xff\xff\xff",
    b: b"\xb3\x31\x2f\xa7\xe2\x3e\xe7\xe4\x98\x8e\x05\x6b\xe3\xf8\x2d\x19\
         \x18\x1d\x9c\x6e\xfe\x81\x41\x12\x03\x14\x08\x8f\x50\x13\x87\x5a\
         \xc6\x56\x39\x8d\x8a\x2e\xd1\x9d\x2a\x85\xc8\xed\xd3\xec\x2a\xef",
};

const P521: Curve = Curve {
    p: b"\x01\xff\
         \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
         \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
         \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\
         \xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    b: b"\x00\x51\
         \x95\x3e\xb9\x61\x8e\x1c\x9a\x1f\x92\x9a\x21\xa0\xb6\x85\x40\xee\
         \xa2\xda\x72\x5b\x99\xb3\x15\xf3\xb8\xb4\x89\x91\x8e\xf1\x09\xe1\
         \x56\x19\x39\x51\xec\x7e\x93\x7b\x16\x52\xc0\xbd\x3b\xb1\xbf\x07\
         \x35\x73\xdf\x88\x3d\x2c\x34\xf1\xef\x45\x1f\xd4\x6b\x50\x3f\x00",
};

/// Whether the coordinates, in full length, are those of a point on the curve.
pub fn has_point(curve: KeyType, x: &[u8], y: &[u8]) -> bool {
    let Curve { p, b } = match curve {
        KeyType::P256 => P256,
        KeyType::P384 => P384,
        KeyType::P521 => P521,
        KeyType::Rsa | KeyType::Ed25519 | KeyType::Symmetric => return false,
    };
    let is_reduced = |number: &[u8]| number.len() == p.len() && number < p;
    if !is_reduced(x) || !is_reduced(y) {
        return false;
    }
    // y² + 3x = x³ + b needs no subtraction.
    let left = sum(&product(y, y, p), &sum(&sum(x, x, p), x, p), p);
    let right = sum(&product(&product(x, x, p), x, p), b, p);
    left == right
}

/// a + b modulo p, of which both are below.
fn sum(a: &[u8], b: &[u8], p: &[u8]) -> Vec<u8> {
    let mut sum = vec![0; p.len()];
    let mut carry = 0;
    for ((digit, a), b) in sum.iter_mut().zip(a).zip(b).rev() {
        let [high, low] = (u16::from(*a) + u16::from(*b) + carry).to_be_bytes();
        *digit = low;
        carry = u16::from(high);
    }
    if carry > 0 || sum.as_slice() >= p {
        subtract(&mut sum, p);
    }
    sum
}

/// Takes b away; what it is too large by is the carry that the caller dropped.
fn subtract(a: &mut [u8], b: &[u8]) {
    let mut borrow = false;
    for (digit, b) in a.iter_mut().zip(b).rev() {
        (*digit, borrow) = digit.borrowing_sub(*b, borrow);
    }
}

/// a * b modulo p, of which both are below.
fn product(a: &[u8], b: &[u8], p: &[u8]) -> Vec<u8> {
    let mut product = vec![0; p.len()];
    for bit in b
        .iter()
        .flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1))
    {
        product = sum(&product, &product, p);
        if bit == 1 {
            product = sum(&product, a, p);
        }
    }
    product
}

#[cfg(test)]
mod tests {
    use super::*;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    /// The base points (FIPS 186-4 appendix D.1.2).
    const POINTS: [(KeyType, &str, &str); 3] = [
        (
            KeyType::P256,
            "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296",
            "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5",
        ),
        (
            KeyType::P384,
            "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a38\
             5502f25dbf55296c3a545e3872760ab7",
            "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c0\
             0a60b1ce1d7e819d7a431d7c90ea0e5f",
        ),
        (
            KeyType::P521,
            "00c6858e06b70404e9cd9e3ecb662395b4429c648139053fb521f828af606b4d\
             3dbaa14b5e77efe75928fe1dc127a2ffa8de3348b3c1856a429bf97e7e31c2e5bd66",
            "011839296a789a3bc0045c8a5fb42c7d1bd998f54449579b446817afbd17273e\
             662c97ee72995ef42640c550b9013fad0761353c7086a272c24088be94769fd16650",
        ),
    ];

    fn bytes(hex: &str) -> Vec<u8> {
        let digits = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).unwrap(), 16);
        let bytes = hex.as_bytes().chunks(2).map(digits);
        bytes.collect::<Result<_, _>>().unwrap()
    }

    #[test]
    fn base_points_are_on_their_curves_alone() {
        for (curve, x, y) in POINTS {
            let (x, y) = (bytes(x), bytes(y));
            for other in [KeyType::P256, KeyType::P384, KeyType::P521] {
                assert_eq!(
                    has_point(other, &x, &y),
                    other == curve,
                    "{curve:?} {other:?}"
                );
            }
            assert!(!has_point(curve, &y, &x), "{curve:?}");
            assert!(!has_point(KeyType::Ed25519, &x, &y));
        }
    }

    #[test]
    fn no_flipped_bit_leaves_a_point_on_its_curve() {
        for (curve, x, y) in POINTS {
            let (x, y) = (bytes(x), bytes(y));
            for bit in (0..x.len() * 8).step_by(11) {
                let mut flipped = x.clone();
                flipped[bit / 8] ^= 1 << (bit % 8);
                assert!(!has_point(curve, &flipped, &y), "{curve:?} x {bit}");
            }
        }
    }

    #[test]
    fn coordinates_are_below_p() {
        let Curve { p, .. } = P256;
        // y² = b has a solution on P-256, and p is as good as 0 for x, if it may be.
        let root = "66485c780e2f83d72433bd5d84a06bb6541c2af31dae871728bf856a174f93f4";
        assert!(has_point(KeyType::P256, &[0; 32], &bytes(root)));
        assert!(!has_point(KeyType::P256, p, &bytes(root)));
    }
}
