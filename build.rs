//! Rebuilds the binary when a file of the embedded course or book is added or taken away.

fn main() {
    println!("cargo::rerun-if-changed=book");
    println!("cargo::rerun-if-changed=exercises");
    println!("cargo::rerun-if-changed=solutions");
}
