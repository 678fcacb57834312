//! Where a token is looked for, and what is taken for one.

use crate::authentication::row::{Expected, Row, Traits};

const FORMAT: &str =
    "Jwt is not in the form of Header.Payload.Signature with two dots and 3 sections";
const BAD_SIGNATURE: &str = "Jwt signature is an invalid Base64url encoded";

/// Passed by a token in the authorization header, which is gone.
const ALICE: Traits = &[("authorization", None), ("/sub", Some("\"alice\""))];
/// Passed without identity.
const NOBODY: Traits = &[("/sub", None)];

#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    Row::get("one", "no token", "/").passes(&[("/sub", None), (":path", Some("/"))]),
    Row::bearing("one", "a valid token", &[("authorization", "Bearer {good}")]).passes(ALICE),
    Row::bearing("one", "another scheme", &[("authorization", "Basic YTpi")])
        .passes(&[("authorization", Some("Basic YTpi")), ("/sub", None)]),
    Row::bearing("one", "the scheme in lower case", &[("authorization", "bearer {good}")])
        .passes(&[("authorization", Some("bearer {good}")), ("/sub", None)]),
    Row::bearing("one", "the scheme alone", &[("authorization", "Bearer")])
        .passes(&[("authorization", Some("Bearer")), ("/sub", None)]),
    Row::bearing("one", "the scheme and a space", &[("authorization", "Bearer ")]).passes(NOBODY),
    Row::bearing("one", "two spaces", &[("authorization", "Bearer  {good}")]).passes(ALICE),
    Row::bearing("one", "a space and a tab", &[("authorization", "Bearer \t{good}")]).passes(ALICE),
    Row::bearing("one", "a tab", &[("authorization", "Bearer\t{good}")]).passes(NOBODY),
    Row::bearing("one", "letters before the scheme", &[("authorization", "xBearer {good}")]).passes(ALICE),
    Row::bearing("one", "another scheme before", &[("authorization", "Basic abc, Bearer {good}")]).passes(ALICE),
    Row::bearing("one", "a word behind", &[("authorization", "Bearer {good} junk")]).refused("Jwt verification fails")
        .but("`white-space`", Expected::Refused(401, BAD_SIGNATURE)),
    Row::bearing("one", "a shorter word behind", &[("authorization", "Bearer {good} jun")]).refused(BAD_SIGNATURE),
    Row::bearing("one", "a comma behind", &[("authorization", "Bearer {good},")]).refused(BAD_SIGNATURE),
    Row::bearing("one", "in quotes", &[("authorization", "Bearer \"{good}\"")]).refused(BAD_SIGNATURE),
    Row::bearing("one", "two lines", &[("authorization", "Bearer {good}"), ("authorization", "Bearer {good}")])
        .refused(FORMAT),
    Row::bearing("one", "two lines, one of another scheme", &[("authorization", "Basic abc"), ("authorization", "Bearer {good}")])
        .passes(ALICE),
    Row::bearing("one", "not a token", &[("authorization", "Bearer abc")]).refused(FORMAT),
    Row::get("one", "in the query", "/p?access_token={good}").passes(&[(":path", Some("/p")), ("/sub", Some("\"alice\""))]),
    Row::get("one", "in the query among others", "/p?a=1&access_token={good}&b=2")
        .passes(&[(":path", Some("/p?a=1&b=2")), ("/sub", Some("\"alice\""))]),
    Row::get("one", "in the query, percent-encoded", "/p?access_token={good:0}%2E{good:1}%2e{good:2}")
        .passes(&[(":path", Some("/p")), ("/sub", Some("\"alice\""))]),
    Row::get("one", "empty in the query", "/p?access_token=").refused(FORMAT),
    Row::get("one", "the name alone in the query", "/p?access_token").refused(FORMAT),
    Row::get("one", "twice in the query, the first good", "/p?access_token={good}&access_token=bad")
        .passes(&[(":path", Some("/p")), ("/sub", Some("\"alice\""))]),
    Row::get("one", "twice in the query, the first bad", "/p?access_token=bad&access_token={good}").refused(FORMAT),
    Row::get("one", "another name in the query", "/p?Access_token={forged}")
        .passes(&[(":path", Some("/p?Access_token={forged}")), ("/sub", None)]),
    Row::get("one", "in another header", "/").with(&[("x-jwt", "{forged}")]).passes(&[("x-jwt", Some("{forged}"))]),
    // Places of one's own.
    Row::bearing("header", "its own header", &[("x-jwt", "{good}")]).passes(&[("x-jwt", None), ("/sub", Some("\"alice\""))]),
    Row::bearing("header", "its own header, other case", &[("X-JWT", "{good}")]).passes(&[("x-jwt", None)]),
    Row::bearing("header", "its own header with a prefix", &[("x-prefixed", "JWT {good}")])
        .passes(&[("x-prefixed", None), ("/sub", Some("\"alice\""))]),
    Row::bearing("header", "without the prefix", &[("x-prefixed", "{good}")])
        .passes(&[("x-prefixed", Some("{good}")), ("/sub", None)]),
    Row::bearing("header", "an empty header", &[("x-jwt", "")]).refused(FORMAT),
    Row::bearing("header", "the usual places are none", &[("authorization", "Bearer {forged}")])
        .passes(&[("authorization", Some("Bearer {forged}"))]),
    Row::get("header", "nor is the usual parameter", "/?access_token={forged}")
        .passes(&[(":path", Some("/?access_token={forged}"))]),
    Row::get("params", "its own parameter", "/?jwt={good}").passes(&[(":path", Some("/")), ("/sub", Some("\"alice\""))]),
    Row::get("params", "both parameters", "/?token={good}&jwt={good}").passes(&[(":path", Some("/"))]),
    Row::get("params", "one of both bad", "/?token={good}&jwt={expired}").refused("Jwt is expired"),
    Row::bearing("cookies", "a cookie", &[("cookie", "session={good}")])
        .passes(&[("cookie", Some("session={good}")), ("/sub", Some("\"alice\""))]),
    Row::bearing("cookies", "a cookie among others", &[("cookie", "a=1; session={good}; b=2")])
        .passes(&[("cookie", Some("a=1; session={good}; b=2")), ("/sub", Some("\"alice\""))]),
    Row::bearing("cookies", "a quoted cookie", &[("cookie", "session=\"{good}\"")]).passes(&[("/sub", Some("\"alice\""))]),
    Row::bearing("cookies", "a bad cookie", &[("cookie", "session={forged}")]).refused("Jwt verification fails"),
    Row::bearing("cookies", "another cookie", &[("cookie", "sessions={forged}")]).passes(NOBODY),
    Row::get("everywhere", "in every place", "/?token={good}").with(&[("x-jwt", "{good}"), ("cookie", "session={good}")])
        .passes(&[("x-jwt", None), (":path", Some("/")), ("cookie", Some("session={good}"))]),
    Row::get("everywhere", "a bad one in the cookie", "/?token={good}").with(&[("x-jwt", "{good}"), ("cookie", "session={expired}")])
        .refused("Jwt is expired"),
    // Preflight requests of a browser carry no token, so none is looked for.
    Row::get("one", "a preflight", "/").method("OPTIONS")
        .with(&[("origin", "https://a.test"), ("access-control-request-method", "GET"), ("authorization", "Bearer {forged}")])
        .passes(&[("authorization", Some("Bearer {forged}")), ("/sub", None)]),
    Row::get("one", "a preflight with a valid token", "/").method("OPTIONS")
        .with(&[("origin", "https://a.test"), ("access-control-request-method", "GET"), ("authorization", "Bearer {good}")])
        .passes(&[("authorization", Some("Bearer {good}")), ("/sub", None)]),
    Row::get("one", "OPTIONS alone", "/").method("OPTIONS").with(&[("authorization", "Bearer {forged}")])
        .refused("Jwt verification fails"),
    Row::get("one", "OPTIONS with an origin alone", "/").method("OPTIONS")
        .with(&[("origin", "https://a.test"), ("authorization", "Bearer {forged}")])
        .refused("Jwt verification fails"),
    Row::get("one", "GET with the headers of a preflight", "/")
        .with(&[("origin", "https://a.test"), ("access-control-request-method", "GET"), ("authorization", "Bearer {forged}")])
        .refused("Jwt verification fails"),
];
