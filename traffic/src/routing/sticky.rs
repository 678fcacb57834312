//! StickySplit: a client stays with the destination that it was sent to.

use serde_json::Value;
use sluice_policy::json::Node;
use sluice_policy::{
    DiagnosticCode, Diagnostics, Fact, HeaderEdit, Request, Resource, duration, field,
};

use super::chance::Chance;
use super::ip_text;
use crate::route_table::{claim, first_line, header};

/// By what clients of a route are told apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StickySplit {
    /// `metadata.namespace`, also that of the VirtualService.
    pub namespace: Box<str>,
    /// `virtualService`.
    pub service: Box<str>,
    /// `route`: the name of one; all of the service's if there is none.
    pub route: Option<Box<str>>,
    /// `by`.
    pub key: StickyKey,
    /// Where it stands.
    pub path: Box<str>,
}

/// What tells clients apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StickyKey {
    /// `header`: the first line of it.
    Header(Box<str>),
    /// `cookie`, made for clients that have none.
    Cookie(SessionCookie),
    /// `claim` of a token: names from the outside in.
    Claim(Box<[Box<str>]>),
    /// `sourceAddress`: the client's address without its port.
    Address,
}

/// A cookie.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionCookie {
    /// `name`.
    pub name: Box<str>,
    /// `ttl`; without one the client forgets it when its session ends.
    pub ttl_s: Option<u32>,
    /// `path`, `/` by default.
    pub path: Box<str>,
}

/// Longest key that counts; of a longer one its beginning does.
const MOST_KEY_BYTES: usize = 4_096;

impl StickySplit {
    /// Reads the resource; nothing if a field that it needs is wrong.
    pub fn read(resource: &Resource<'_>, diagnostics: &mut Diagnostics) -> Option<Self> {
        let spec = resource.require_spec(diagnostics)?;
        let mut object = spec.object(diagnostics)?;
        let service = object.require("virtualService", diagnostics);
        let route = object.take("route");
        let by = object.require("by", diagnostics);
        object.finish(diagnostics);
        let service = service.and_then(|service| service.text(diagnostics));
        let route = route.map(|route| route.text(diagnostics));
        let key = by.and_then(|by| read_key(&by, diagnostics));
        Some(Self {
            namespace: resource.metadata.namespace.unwrap_or_default().into(),
            service: service?.into(),
            route: match route {
                Some(route) => Some(route?.into()),
                None => None,
            },
            key: key?,
            path: spec.path().into(),
        })
    }
}

fn read_key(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<StickyKey> {
    let mut object = node.object(diagnostics)?;
    let fields = ["header", "cookie", "claim", "sourceAddress"].map(|key| object.take(key));
    object.finish(diagnostics);
    if fields.iter().flatten().count() != 1 {
        let expected = "one of header, cookie, claim and sourceAddress";
        node.error(DiagnosticCode::ConflictingFields, expected, diagnostics);
        return None;
    }
    let [header, cookie, claim, address] = fields;
    let by_header = header.and_then(|node| header_name(&node, diagnostics));
    let by_cookie = cookie.and_then(|node| read_cookie(&node, diagnostics));
    let by_claim = claim.and_then(|node| claim_names(&node, diagnostics));
    let by_address = address.and_then(|node| read_address(&node, diagnostics));
    by_header
        .map(StickyKey::Header)
        .or(by_cookie.map(StickyKey::Cookie))
        .or(by_claim)
        .or(by_address)
}

fn claim_names(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<StickyKey> {
    let path = crate::config::claim_path(node.text(diagnostics)?);
    if path.is_none() {
        let expected = "the name of a claim, or names from the outside in: `a.b` or `[a][b]`";
        node.error(DiagnosticCode::InvalidHeaderName, expected, diagnostics);
    }
    path.map(|path| StickyKey::Claim(path.into()))
}

/// `false` would be no key at all.
fn read_address(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<StickyKey> {
    let by = node.boolean(diagnostics)?;
    if !by {
        node.error(DiagnosticCode::UnknownValue, "true", diagnostics);
    }
    by.then_some(StickyKey::Address)
}

fn header_name(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<Box<str>> {
    let name = node.text(diagnostics)?;
    if !field::is_name(name) {
        let expected = "the name of a header";
        node.error(DiagnosticCode::InvalidHeaderName, expected, diagnostics);
        return None;
    }
    Some(name.to_ascii_lowercase().into())
}

fn read_cookie(node: &Node<'_>, diagnostics: &mut Diagnostics) -> Option<SessionCookie> {
    let mut object = node.object(diagnostics)?;
    let name = object.require("name", diagnostics);
    let ttl = object.take("ttl");
    let path = object.take("path");
    object.finish(diagnostics);
    let name = name.and_then(|node| cookie_name(&node, diagnostics));
    let ttl = ttl.and_then(|node| duration::milliseconds(&node, diagnostics));
    let path = path.map_or(Some("/"), |node| cookie_path(&node, diagnostics));
    Some(SessionCookie {
        name: name?.into(),
        ttl_s: ttl.map(|milliseconds| milliseconds.div_ceil(1_000)),
        path: path?.into(),
    })
}

fn cookie_name<'v>(node: &Node<'v>, diagnostics: &mut Diagnostics) -> Option<&'v str> {
    let name = node.text(diagnostics)?;
    if !field::is_name(name) {
        let expected = "the name of a cookie (RFC 6265 section 4.1.1)";
        node.error(DiagnosticCode::InvalidHeaderName, expected, diagnostics);
        return None;
    }
    Some(name)
}

fn cookie_path<'v>(node: &Node<'v>, diagnostics: &mut Diagnostics) -> Option<&'v str> {
    let path = node.text(diagnostics)?;
    let is_path = path.starts_with('/')
        && path
            .bytes()
            .all(|byte| byte.is_ascii_graphic() && byte != b';');
    if !is_path {
        let expected = "a path that begins with `/`";
        node.error(DiagnosticCode::InvalidHeaderValue, expected, diagnostics);
        return None;
    }
    Some(path)
}

/// Whether a split is for a route.
pub(super) fn applies(split: &StickySplit, namespace: &str, service: &str, route: &str) -> bool {
    *split.namespace == *namespace
        && *split.service == *service
        && split.route.as_ref().is_none_or(|name| **name == *route)
}

/// What a client is known by.
pub(super) enum Known {
    /// It has a key.
    By(Vec<u8>),
    /// It gets one, by this edit of the response.
    From(Vec<u8>, HeaderEdit),
    /// It has none: chance decides each time.
    Not,
}

impl StickyKey {
    /// What a client is known by.
    pub(super) fn of(&self, request: &Request<'_>, chance: &mut impl Chance) -> Known {
        let found = match self {
            Self::Header(name) => first_line(request, name).map(<[u8]>::to_vec),
            Self::Cookie(cookie) => cookie_value(request, &cookie.name),
            Self::Claim(path) => claim_text(request, path),
            Self::Address => match request.connection.remote_address {
                Fact::Present(address) => Some(ip_text::of(address.ip()).into_bytes()),
                Fact::Absent | Fact::Unavailable => None,
            },
        };
        match (found.filter(|key| !key.is_empty()), self) {
            (Some(mut key), _) => {
                key.truncate(MOST_KEY_BYTES);
                Known::By(key)
            }
            (None, Self::Cookie(cookie)) => {
                let (first, second) = (chance.number(), chance.number());
                let value = format!("{first:016x}{second:016x}");
                let edit = cookie.set(&value, is_secure(request));
                Known::From(value.into_bytes(), edit)
            }
            (None, _) => Known::Not,
        }
    }
}

impl SessionCookie {
    /// RFC 6265 section 4.1.
    fn set(&self, value: &str, is_secure: bool) -> HeaderEdit {
        let age = self.ttl_s.map(|seconds| format!("; Max-Age={seconds}"));
        let line = format!(
            "{}={value}; Path={}{}; HttpOnly; SameSite=Lax{}",
            self.name,
            self.path,
            age.unwrap_or_default(),
            if is_secure { "; Secure" } else { "" }
        );
        HeaderEdit::Append(b"set-cookie".to_vec(), line.into_bytes())
    }
}

/// Whether the client came by TLS, perhaps to a proxy before this one.
fn is_secure(request: &Request<'_>) -> bool {
    let told = first_line(request, "x-forwarded-proto");
    told.or_else(|| first_line(request, ":scheme")) == Some(b"https")
}

fn claim_text(request: &Request<'_>, path: &[Box<str>]) -> Option<Vec<u8>> {
    let Fact::Present(metadata) = request.metadata else {
        return None;
    };
    match claim(metadata, path)? {
        Value::String(text) => Some(text.as_bytes().to_vec()),
        // Its bits, of which each number has its own: its digits would take 4 KB of code.
        Value::Number(number) => Some(number.as_f64()?.to_bits().to_be_bytes().to_vec()),
        _ => None,
    }
}

/// The first cookie of that name (RFC 6265 section 5.4: the most specific one).
fn cookie_value(request: &Request<'_>, name: &str) -> Option<Vec<u8>> {
    let mut pairs = header(request, "cookie")?.flat_map(|line| line.split(|byte| *byte == b';'));
    pairs.find_map(|pair| {
        let value = pair.trim_ascii().strip_prefix(name.as_bytes())?;
        value.strip_prefix(b"=").map(<[u8]>::to_vec)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn a_path_of_a_cookie_is_one() {
        let table = [
            ("/", true),
            ("/a/b", true),
            ("a", false),
            ("/a;Secure", false),
            ("/a b", false),
            ("/\u{e9}", false),
        ];
        for (path, is_path) in table {
            let value = json!(path);
            let mut diagnostics = Diagnostics::new();
            let found = cookie_path(&Node::new(&value, "path"), &mut diagnostics);
            assert_eq!(found.is_some(), is_path, "{path}");
            assert_eq!(diagnostics.has_errors(), !is_path, "{path}");
        }
    }

    /// Another text would move every client of a split by a claim.
    #[test]
    fn a_claim_is_a_text_or_a_number() {
        let of = |claim: Value| {
            let claims = json!({"envoy.filters.http.jwt_authn": {"payload": {"sub": claim}}});
            let request = Request {
                metadata: Fact::Present(claims.as_object().unwrap()),
                ..Request::default()
            };
            claim_text(&request, &["sub".into()])
        };
        assert_eq!(of(json!("a")), Some(b"a".to_vec()));
        assert_eq!(of(json!(1)), Some(vec![0x3f, 0xf0, 0, 0, 0, 0, 0, 0]));
        for other in [json!(null), json!(true), json!(["a"]), json!({"a": 1})] {
            assert_eq!(of(other.clone()), None, "{other}");
        }
    }
}
