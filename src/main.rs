//! Arguments in, exit code out; the library does the rest.

fn main() {}
