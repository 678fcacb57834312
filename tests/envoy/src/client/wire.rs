//! HTTP/1.1 byte for byte, to send what a well-behaved client would not.

use httparse::Status;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{
    message::{HeaderLines, Request, Response},
    stream::Stream,
};
use crate::{LabError, error::Doing};

const MAX_HEADER_LINES: usize = 200;

pub(super) async fn send(stream: &mut Stream, request: &Request) -> Result<Response, LabError> {
    stream
        .write_all(&encode(request))
        .await
        .doing("send a request")?;
    stream.flush().await.doing("send a request")?;
    let mut received = Vec::new();
    loop {
        let read = stream
            .read_buf(&mut received)
            .await
            .doing("read a response")?;
        let end = read == 0;
        if let Some(response) = decode(&received, end, request.method == "HEAD")? {
            return Ok(response);
        }
        if end {
            return Err(LabError::new(
                "read a response",
                "the connection ended first",
            ));
        }
    }
}

fn encode(request: &Request) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(request.method.as_bytes());
    bytes.push(b' ');
    bytes.extend_from_slice(&request.path);
    bytes.extend_from_slice(b" HTTP/1.1\r\n");
    if let Some(authority) = &request.authority {
        write_line(&mut bytes, b"host", authority.as_bytes());
    }
    for (name, value) in &request.headers {
        write_line(&mut bytes, name, value);
    }
    write_body(&mut bytes, request);
    bytes
}

fn write_body(bytes: &mut Vec<u8>, request: &Request) {
    if request.trailers.is_empty() {
        if !request.body.is_empty() {
            write_line(
                bytes,
                b"content-length",
                request.body.len().to_string().as_bytes(),
            );
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&request.body);
        return;
    }
    write_line(bytes, b"transfer-encoding", b"chunked");
    bytes.extend_from_slice(b"\r\n");
    if !request.body.is_empty() {
        bytes.extend_from_slice(format!("{:x}\r\n", request.body.len()).as_bytes());
        bytes.extend_from_slice(&request.body);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"0\r\n");
    for (name, value) in &request.trailers {
        write_line(bytes, name, value);
    }
    bytes.extend_from_slice(b"\r\n");
}

fn write_line(bytes: &mut Vec<u8>, name: &[u8], value: &[u8]) {
    bytes.extend_from_slice(name);
    bytes.extend_from_slice(b": ");
    bytes.extend_from_slice(value);
    bytes.extend_from_slice(b"\r\n");
}

/// The response that `received` holds, on a connection that has been closed after it.
///
/// # Errors
/// When it is not a whole HTTP/1.1 response.
pub fn response(received: &[u8]) -> Result<Response, LabError> {
    decode(received, true, false)?
        .ok_or_else(|| LabError::new("read a response", "the connection ended first"))
}

/// Nothing while the response is not whole yet.
fn decode(received: &[u8], ended: bool, of_head: bool) -> Result<Option<Response>, LabError> {
    let mut lines = [httparse::EMPTY_HEADER; MAX_HEADER_LINES];
    let mut head = httparse::Response::new(&mut lines);
    let Status::Complete(length) = head.parse(received).doing("read a response")? else {
        return Ok(None);
    };
    let mut response = Response {
        status: head.code.unwrap_or_default(),
        headers: owned(head.headers),
        ..Response::default()
    };
    let rest = received.get(length..).unwrap_or_default();
    let framing = Framing::of(&response, of_head)?;
    let whole = framing.read_into(&mut response, rest, ended)?;
    Ok(whole.then_some(response))
}

fn owned(lines: &[httparse::Header<'_>]) -> HeaderLines {
    lines
        .iter()
        .map(|line| {
            (
                line.name.to_ascii_lowercase().into_bytes(),
                line.value.to_vec(),
            )
        })
        .collect()
}

/// Where a body ends (RFC 9112 §6.3).
enum Framing {
    Nothing,
    Length(usize),
    Chunked,
    UntilClose,
}

impl Framing {
    fn of(response: &Response, of_head: bool) -> Result<Self, LabError> {
        if of_head || matches!(response.status, 100..=199 | 204 | 304) {
            return Ok(Self::Nothing);
        }
        if response.header("transfer-encoding").is_some() {
            return Ok(Self::Chunked);
        }
        let Some(length) = response.header("content-length") else {
            return Ok(Self::UntilClose);
        };
        let length = str::from_utf8(length).doing("read content-length")?;
        length
            .parse()
            .map(Self::Length)
            .doing("read content-length")
    }

    fn read_into(
        self,
        response: &mut Response,
        rest: &[u8],
        ended: bool,
    ) -> Result<bool, LabError> {
        match self {
            Self::Nothing => Ok(true),
            Self::UntilClose => {
                response.body = rest.to_vec();
                Ok(ended)
            }
            Self::Length(length) => {
                let body = rest.get(..length);
                response.body = body.unwrap_or_default().to_vec();
                Ok(body.is_some())
            }
            Self::Chunked => read_chunks(response, rest),
        }
    }
}

fn read_chunks(response: &mut Response, mut rest: &[u8]) -> Result<bool, LabError> {
    let mut body = Vec::new();
    loop {
        let size = httparse::parse_chunk_size(rest)
            .map_err(|_| LabError::new("read a response", "bad chunk size"))?;
        let Status::Complete((start, size)) = size else {
            return Ok(false);
        };
        let size = usize::try_from(size).doing("read a chunk")?;
        let after = rest.get(start..).unwrap_or_default();
        if size == 0 {
            response.body = body;
            return read_trailers(response, after);
        }
        let (Some(chunk), Some(next)) = (after.get(..size), after.get(size + 2..)) else {
            return Ok(false);
        };
        body.extend_from_slice(chunk);
        rest = next;
    }
}

fn read_trailers(response: &mut Response, rest: &[u8]) -> Result<bool, LabError> {
    let mut lines = [httparse::EMPTY_HEADER; MAX_HEADER_LINES];
    let parsed = httparse::parse_headers(rest, &mut lines).doing("read trailers")?;
    let Status::Complete((_, lines)) = parsed else {
        return Ok(false);
    };
    response.trailers = owned(lines);
    Ok(true)
}

#[cfg(test)]
mod tests {
    use super::{decode, encode};
    use crate::client::Request;

    #[test]
    fn a_chunked_response_is_whole_with_its_last_trailer() {
        let whole = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nx-sum: 5\r\n\r\n";
        for cut in 0..whole.len() {
            assert_eq!(
                decode(&whole[..cut], false, false).unwrap(),
                None,
                "cut at {cut}"
            );
        }
        let response = decode(whole, false, false).unwrap().unwrap();
        assert_eq!(response.body, b"abcde");
        assert_eq!(response.trailers, [(b"x-sum".to_vec(), b"5".to_vec())]);
    }

    #[test]
    fn a_body_without_length_ends_with_the_connection() {
        let bytes = b"HTTP/1.1 200 OK\r\n\r\nabc";
        assert_eq!(decode(bytes, false, false).unwrap(), None);
        assert_eq!(decode(bytes, true, false).unwrap().unwrap().body, b"abc");
    }

    #[test]
    fn the_target_is_written_as_it_is() {
        let request = Request::new("GET", "a", b"/x#\\\xff");
        assert_eq!(
            encode(&request),
            b"GET /x#\\\xff HTTP/1.1\r\nhost: a\r\n\r\n"
        );
    }
}
