//! Other compilers and validators, where they are installed.

use crate::translate::Translated;
use std::path::Path;
use std::process::Command;

/// The first line of a tool's answer to `--version`, or nothing where there is no such tool.
fn version(tool: &str) -> Option<String> {
    let output = Command::new(tool).arg("--version").output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    Some(text.lines().next().unwrap_or_default().trim().to_owned())
}

/// Runs a tool; its complaints are the error.
fn accepts(command: &mut Command, file: &Path) -> Result<(), String> {
    let output = command.arg(file).output().map_err(|e| e.to_string())?;
    if output.status.success() {
        return Ok(());
    }
    let text = [output.stdout, output.stderr].concat();
    Err(format!("{command:?}:\n{}", String::from_utf8_lossy(&text)))
}

/// Every file by every tool that is at hand; what is said to the user.
pub fn check(all: &[&Translated]) -> Result<Vec<String>, String> {
    let mut said = Vec::new();
    match version("spirv-val") {
        Some(version) => {
            for one in all {
                accepts(Command::new("spirv-val").args(["--target-env", "vulkan1.3"]), &one.spirv)?;
            }
            said.push(format!("SPIR-V: {} files are valid ({version})", all.len()));
        }
        None => said.push("NOT CHECKED: SPIR-V: spirv-val is not installed (apt-get install spirv-tools)".to_owned()),
    }
    match version("dxc") {
        Some(version) => {
            for one in all {
                // As wgpu calls it, without the debug information.
                let fixed = ["-T", "cs_6_0", "-HV", "2018", "-no-warnings", "-E", &one.hlsl_entry];
                accepts(Command::new("dxc").args(fixed), &one.hlsl)?;
            }
            said.push(format!("HLSL: {} files compile ({version})", all.len()));
        }
        None => said.push("NOT CHECKED: HLSL: dxc is not installed".to_owned()),
    }
    let wgsl: Vec<&Path> = all.iter().filter_map(|one| one.wgsl.as_deref()).collect();
    if version("tint").is_some() {
        for file in &wgsl {
            accepts(Command::new("tint").args(["--format", "wgsl", "-o", "/dev/null"]), file)?;
        }
        said.push(format!("WGSL: {} files are valid by Tint", wgsl.len()));
    } else {
        said.push("NOT CHECKED: WGSL in a browser: tint is not installed".to_owned());
    }
    said.push("NOT CHECKED: MSL: its compiler is Apple's".to_owned());
    Ok(said)
}
