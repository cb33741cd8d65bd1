//! What `--version` says.

use seedbed::StreamVersion;
use std::sync::LazyLock;

/// The version, the commit that it was built from where that is known, what is compiled in, and the version of the
/// stream.
pub fn long() -> &'static str {
    static TEXT: LazyLock<String> = LazyLock::new(|| {
        let commit = env!("SEEDBED_COMMIT");
        let commit = if commit.is_empty() { String::new() } else { format!("\ncommit: {commit}") };
        let [version, features, target] = [env!("CARGO_PKG_VERSION"), env!("SEEDBED_FEATURES"), env!("SEEDBED_TARGET")];
        let stream = StreamVersion::V1.number();
        format!("{version}{commit}\nfeatures: {features}\ntarget: {target}\nstream version: {stream}")
    });
    &TEXT
}
