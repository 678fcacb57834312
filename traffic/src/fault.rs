//! Faults of a route: what a request has to suffer, decided without doing it.
