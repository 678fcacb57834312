//! CanaryGuard: takes a canary out of the traffic when it does worse than what it is to replace.
