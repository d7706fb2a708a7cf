//! Stub until its commit.
