//! Calls of a real gRPC client.

use sluice_envoy::{
    LabError,
    client::{Connection, Protocol},
    service::payment::{
        CREATE_PAYMENT, CreatePaymentRequest, GET_PAYMENT, GetPaymentRequest, HEALTH_CHECK,
        HealthCheckRequest, HealthCheckResponse, Payment,
    },
};

use super::{AUTHORITY, Call, Planned};
use crate::record::caller::CALLERS;

/// A unary call.
#[derive(Debug, Clone)]
pub enum GrpcCall {
    /// `GetPayment`.
    Get(&'static str),
    /// `CreatePayment` with an amount in cents.
    Create(u64),
    /// `grpc.health.v1.Health/Check`.
    Health,
    /// A method that the service does not have.
    Unknown,
}

const CALLS: [GrpcCall; 6] = [
    GrpcCall::Get("pay_7"),
    GrpcCall::Get("nothing"),
    GrpcCall::Create(1_250),
    GrpcCall::Create(0),
    GrpcCall::Health,
    GrpcCall::Unknown,
];

pub(super) fn calls() -> Vec<Planned> {
    let planned = |caller| {
        CALLS.map(|call| Planned {
            caller,
            protocol: Protocol::Http2,
            call: Call::Grpc(call, None),
        })
    };
    CALLERS.into_iter().flat_map(planned).collect()
}

impl GrpcCall {
    /// Calls, and leaves the outcome to the recording.
    ///
    /// # Errors
    /// When no reply comes.
    pub fn send(
        &self,
        connection: &mut Connection<'_>,
        metadata: &[(&str, &str)],
    ) -> Result<(), LabError> {
        match self {
            Self::Get(id) => {
                let message = GetPaymentRequest {
                    id: (*id).to_owned(),
                };
                connection.grpc::<_, Payment>(AUTHORITY, GET_PAYMENT, metadata, message)?;
            }
            Self::Create(amount_cents) => {
                let message = CreatePaymentRequest {
                    order: "1041".to_owned(),
                    amount_cents: *amount_cents,
                };
                connection.grpc::<_, Payment>(AUTHORITY, CREATE_PAYMENT, metadata, message)?;
            }
            Self::Health => {
                let message = HealthCheckRequest::default();
                connection.grpc::<_, HealthCheckResponse>(
                    AUTHORITY,
                    HEALTH_CHECK,
                    metadata,
                    message,
                )?;
            }
            Self::Unknown => {
                let message = HealthCheckRequest::default();
                let path = "/payments.v1.PaymentService/Refund";
                connection.grpc::<_, Payment>(AUTHORITY, path, metadata, message)?;
            }
        }
        Ok(())
    }
}
