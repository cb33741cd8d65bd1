//! The binary `seedbed`.

fn main() -> std::process::ExitCode {
    seedbed_cli::run(std::env::args_os())
}
