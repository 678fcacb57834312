//! Keeps a failing subset from taking its callers down: circuit breakers of a DestinationRule, and its budget of retries.
