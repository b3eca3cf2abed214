//! One test per rule of comparison and ordering.
