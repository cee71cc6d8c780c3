//! Compiles the protocol definitions without an installed `protoc`.

use std::error::Error;

/// Messages that carry configuration or state, and therefore secrets. They have no derived `Debug`:
/// `src/plugin/proto.rs` implements it by hand.
const UNPRINTABLE: [&str; 2] = ["tfplugin6.DynamicValue", "tfplugin6.RawState"];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=proto/tfplugin6.proto");
    println!("cargo::rerun-if-changed=proto/plugin.proto");
    println!("cargo::rerun-if-changed=proto/health.proto");
    let files = protox::compile(
        ["tfplugin6.proto", "plugin.proto", "health.proto"],
        ["proto"],
    )?;
    let mut builder = tonic_build::configure();
    for message in UNPRINTABLE {
        builder = builder.skip_debug(message);
    }
    builder.compile_fds(files)?;
    Ok(())
}
