//! The binary `seedbed`.

use std::process::ExitCode;

fn main() -> ExitCode {
    silence_vulkan_layer();
    ExitCode::from(seedbed_cli::run(std::env::args_os()))
}

/// Mesa's layer that picks a device for a desktop session complains on stderr, twice for each Vulkan instance, where
/// there is no session. seedbed picks the device itself, so the layer is switched off there.
fn silence_vulkan_layer() {
    if std::env::var_os("XDG_RUNTIME_DIR").is_none() {
        // SAFETY: `main` calls this first, while its thread is the only one of the process, so that no other thread can
        // read the environment meanwhile.
        unsafe { std::env::set_var("NODEVICE_SELECT", "1") };
    }
}
