//! `compress` and `uncompress`: the zlib format (RFC 1950).

use crate::status::Status;
use crate::worker::{Place, Worker};
use flate2::Compression;
use flate2::read::{ZlibDecoder, ZlibEncoder};
use std::io::Read;

/// Envoy has no limit here and would run out of memory; the harness stops
/// earlier.
const MAX_OUTPUT_BYTES: u64 = 256 << 20;

pub(super) fn compress(_: &mut Worker, _: Place, argument: &[u8]) -> Result<Vec<u8>, Status> {
    let mut out = Vec::new();
    let mut encoder = ZlibEncoder::new(argument, Compression::default());
    encoder
        .read_to_end(&mut out)
        .map_err(|_| Status::SerializationFailure)?;
    Ok(out)
}

pub(super) fn uncompress(_: &mut Worker, _: Place, argument: &[u8]) -> Result<Vec<u8>, Status> {
    let mut out = Vec::new();
    let mut decoder = ZlibDecoder::new(argument).take(MAX_OUTPUT_BYTES + 1);
    decoder
        .read_to_end(&mut out)
        .map_err(|_| Status::SerializationFailure)?;
    if out.len() as u64 > MAX_OUTPUT_BYTES {
        return Err(Status::SerializationFailure);
    }
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_compressed_comes_back() {
        let mut worker = Worker::default();
        let text = b"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa".as_slice();
        let packed = compress(&mut worker, Place::default(), text).unwrap();
        assert!(packed.len() < text.len());
        assert_eq!(
            uncompress(&mut worker, Place::default(), &packed).unwrap(),
            text
        );
    }

    #[test]
    fn what_is_not_zlib_is_refused() {
        let mut worker = Worker::default();
        let refused = Err(Status::SerializationFailure);
        assert_eq!(
            uncompress(&mut worker, Place::default(), b"plain text"),
            refused
        );
        assert_eq!(uncompress(&mut worker, Place::default(), b""), refused);
    }
}
