//! The payment service: a small real service with a REST and a gRPC face.
//!
//! What it answers depends on the request alone, so recordings of it compare.

mod rest;

use hyper::body::Incoming;
use tonic::{Status, body::Body};

use super::{Received, grpc, received::Log};
use crate::server::Handler;

/// gRPC path of [`GetPaymentRequest`].
pub const GET_PAYMENT: &str = "/payments.v1.PaymentService/GetPayment";
/// gRPC path of [`CreatePaymentRequest`].
pub const CREATE_PAYMENT: &str = "/payments.v1.PaymentService/CreatePayment";
/// gRPC path of [`HealthCheckRequest`].
pub const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";

/// Asks for one payment.
#[derive(Clone, PartialEq, prost::Message)]
pub struct GetPaymentRequest {
    /// Its id.
    #[prost(string, tag = "1")]
    pub id: String,
}

/// Orders a payment.
#[derive(Clone, PartialEq, prost::Message)]
pub struct CreatePaymentRequest {
    /// The order to be paid.
    #[prost(string, tag = "1")]
    pub order: String,
    /// In cents.
    #[prost(uint64, tag = "2")]
    pub amount_cents: u64,
}

/// A payment.
#[derive(Clone, PartialEq, prost::Message)]
pub struct Payment {
    /// Its id.
    #[prost(string, tag = "1")]
    pub id: String,
    /// `created` or `captured`.
    #[prost(string, tag = "2")]
    pub status: String,
    /// In cents.
    #[prost(uint64, tag = "3")]
    pub amount_cents: u64,
}

/// `grpc.health.v1.HealthCheckRequest`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct HealthCheckRequest {
    /// Service name, empty for the whole server.
    #[prost(string, tag = "1")]
    pub service: String,
}

/// `grpc.health.v1.HealthCheckResponse`.
#[derive(Clone, PartialEq, prost::Message)]
pub struct HealthCheckResponse {
    /// 1 is `SERVING`.
    #[prost(int32, tag = "1")]
    pub status: i32,
}

pub(super) struct Payments {
    log: Log,
}

impl Payments {
    pub(super) fn new(log: Log) -> Self {
        Self { log }
    }
}

impl Handler for Payments {
    async fn answer(&self, request: http::Request<Incoming>) -> http::Response<Body> {
        let received = Received::from(request).await;
        let response = if received.is_grpc() {
            call(&received).await
        } else {
            rest::answer(&received)
        };
        self.log.add(received);
        response
    }
}

async fn call(received: &Received) -> http::Response<Body> {
    match received.path.as_str() {
        GET_PAYMENT => grpc::unary(received, get_payment).await,
        CREATE_PAYMENT => grpc::unary(received, create_payment).await,
        HEALTH_CHECK => grpc::unary(received, health_check).await,
        _ => grpc::unimplemented(),
    }
}

fn get_payment(request: GetPaymentRequest) -> Result<Payment, Status> {
    if !rest::is_payment_id(&request.id) {
        return Err(Status::not_found("no such payment"));
    }
    Ok(Payment {
        id: request.id,
        status: "captured".to_owned(),
        amount_cents: rest::AMOUNT_CENTS,
    })
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "every method has the same shape"
)]
fn create_payment(request: CreatePaymentRequest) -> Result<Payment, Status> {
    if request.amount_cents == 0 {
        return Err(Status::invalid_argument("nothing to pay"));
    }
    Ok(Payment {
        id: format!("pay_{}", request.order),
        status: "created".to_owned(),
        amount_cents: request.amount_cents,
    })
}

#[expect(clippy::unnecessary_wraps, reason = "every method has the same shape")]
fn health_check(_: HealthCheckRequest) -> Result<HealthCheckResponse, Status> {
    Ok(HealthCheckResponse { status: 1 })
}
