//! One HTTP client for both: TLS by rustls with the machine's certificates, proxies by the usual
//! variables, redirections on the same host alone.

use std::error::Error as _;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::header::{ACCEPT, AUTHORIZATION};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use http_body_util::{BodyExt, Full};
use octocrab::service::middleware::auth_header::AuthHeaderLayer;
use octocrab::{AuthState, OctoBody, Octocrab, OctocrabBuilder};
use reqwest::redirect::Policy;
use rustls::{ClientConfig, RootCertStore};
use serde_json::Value;
use url::Url;

use super::client::Raw;
use super::error::Why;
use super::token::Token;

/// How much of an answer is read.
pub(super) const ANSWER_BYTES_MAX: usize = 16 * 1024 * 1024;
/// How long a connection may take to come about.
const CONNECT_S_MAX: u64 = 10;
const REDIRECTIONS_MAX: usize = 3;
/// The version of GitHub's API that this speaks.
const API_VERSION: &str = "2022-11-28";

/// A request that came to no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(super) enum Broken {
    #[error("{0}")]
    Unsent(String),
    #[error("{0}")]
    Lost(String),
    #[error("{0}")]
    Unmade(String),
}

/// octocrab over our client, for this server and token. Addresses are whole ones: octocrab would
/// put a base's path before each that lacks it, and an Enterprise server's GraphQL is beside it.
pub(super) fn octocrab(base: &Url, token: &Token) -> Result<Octocrab, Why> {
    let unmade = |error: &dyn std::fmt::Display| Why::Unmade(error.to_string());
    let uri: Uri = base.as_str().trim_end_matches('/').parse().map_err(|e| unmade(&e))?;
    let mut headers = HeaderMap::new();
    headers.insert(ACCEPT, HeaderValue::from_static("application/vnd.github+json"));
    headers.insert(
        HeaderName::from_static("x-github-api-version"),
        HeaderValue::from_static(API_VERSION),
    );
    let auth = bearer(token)?;
    let crab = OctocrabBuilder::new_empty()
        .with_service(Sender(http(headers)?))
        .with_layer(&AuthHeaderLayer::new(Some(auth), uri.clone(), uri))
        .with_auth(AuthState::None)
        .build();
    crab.map_err(|error| unmade(&error))
}

/// A client that sends GitLab's token.
pub(super) fn gitlab(token: &Token) -> Result<reqwest::Client, Why> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, bearer(token)?);
    http(headers)
}

fn bearer(token: &Token) -> Result<HeaderValue, Why> {
    let value = HeaderValue::from_str(&format!("Bearer {}", token.reveal()));
    let mut value = value.map_err(|_| Why::Unmade("the token is none".to_owned()))?;
    value.set_sensitive(true);
    Ok(value)
}

fn http(headers: HeaderMap) -> Result<reqwest::Client, Why> {
    let same_host = Policy::custom(|attempt| {
        let from = attempt.previous().last().map(Url::origin);
        if from != Some(attempt.url().origin()) {
            attempt.error("it was sent on to another host")
        } else if attempt.previous().len() > REDIRECTIONS_MAX {
            attempt.error("it was sent on too often")
        } else {
            attempt.follow()
        }
    });
    let client = reqwest::Client::builder()
        .user_agent(concat!("evenly/", env!("CARGO_PKG_VERSION")))
        .default_headers(headers)
        .connect_timeout(Duration::from_secs(CONNECT_S_MAX))
        .redirect(same_host)
        .tls_backend_preconfigured(tls()?)
        .build();
    client.map_err(|error| Why::Unmade(error.to_string()))
}

/// The machine's certificates, which know a company's own server; where there are none, as in many
/// containers, those that Mozilla trusts.
fn tls() -> Result<ClientConfig, Why> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Why::Unmade(error.to_string()))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// Sends a request through octocrab.
pub(super) async fn through_octocrab(
    crab: &Octocrab,
    method: &Method,
    url: &Url,
    body: Option<&Value>,
) -> Result<Raw, Broken> {
    let uri: Uri = url.as_str().parse().map_err(|_| Broken::Unmade("no address".to_owned()))?;
    let request = http::Request::builder().method(method).uri(uri);
    let request = crab.build_request(request, body).map_err(|error| told(&error))?;
    let response = crab.execute(request).await.map_err(|error| told(&error))?;
    let (parts, body) = response.into_parts();
    let body = body.collect().await.map_err(|error| told(&error))?.to_bytes().to_vec();
    Ok(Raw { status: parts.status, headers: parts.headers, body })
}

/// Sends a request as it is.
pub(super) async fn plainly(
    client: &reqwest::Client,
    method: &Method,
    url: &Url,
    body: Option<&Value>,
) -> Result<Raw, Broken> {
    let mut request = client.request(method.clone(), url.clone());
    if let Some(body) = body {
        request = request.json(body);
    }
    let request = request.build().map_err(|error| broken(&error))?;
    let (parts, body) = exchange(client, request).await?.into_parts();
    Ok(Raw { status: parts.status, headers: parts.headers, body: body.to_vec() })
}

/// Our client as octocrab wants one.
#[derive(Clone)]
struct Sender(reqwest::Client);

impl tower_service::Service<http::Request<OctoBody>> for Sender {
    type Response = http::Response<Full<Bytes>>;
    type Error = Broken;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Broken>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<OctoBody>) -> Self::Future {
        let client = self.0.clone();
        Box::pin(async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await.map_err(|error| told(&error))?.to_bytes();
            let request = http::Request::from_parts(parts, body);
            let request = reqwest::Request::try_from(request).map_err(|error| broken(&error))?;
            Ok(exchange(&client, request).await?.map(Full::new))
        })
    }
}

/// Sends a request and reads the answer whole, up to the limit.
async fn exchange(
    client: &reqwest::Client,
    request: reqwest::Request,
) -> Result<http::Response<Bytes>, Broken> {
    let mut response = client.execute(request).await.map_err(|error| broken(&error))?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error))? {
        if body.len() + chunk.len() > ANSWER_BYTES_MAX {
            return Err(Broken::Unmade(format!("the answer is over {ANSWER_BYTES_MAX} bytes")));
        }
        body.extend_from_slice(&chunk);
    }
    let mut whole = http::Response::new(Bytes::from(body));
    *whole.status_mut() = response.status();
    *whole.headers_mut() = std::mem::take(response.headers_mut());
    Ok(whole)
}

/// Which kind it is; addresses are left out, since they may hold a password.
fn broken(error: &reqwest::Error) -> Broken {
    let mut text = String::new();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = error.to_string();
        cause = error.source();
    }
    if error.is_redirect() || error.is_builder() {
        Broken::Unmade(text)
    } else if error.is_connect() {
        Broken::Unsent(text)
    } else {
        Broken::Lost(text)
    }
}

/// Ours, out of octocrab's error.
fn told(error: &octocrab::Error) -> Broken {
    let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(error) = cause {
        if let Some(broken) = error.downcast_ref::<Broken>() {
            return broken.clone();
        }
        cause = error.source();
    }
    Broken::Unmade("octocrab refused it".to_owned())
}
