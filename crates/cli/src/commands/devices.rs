//! `seedbed devices`.

use crate::arguments::device::levels;
use crate::outcome::Outcome;
use crate::terminal::{print, table::table};
use seedbed::cpu::{self, Level};
use seedbed::gpu::wgpu::{Adapter, DeviceType, Features};
use seedbed::gpu::{self, blocking};

/// List the adapters in the order that gpu:N counts them, and what the CPU can do
#[derive(clap::Args)]
pub struct Args {
    /// Print a JSON object
    #[arg(long)]
    json: bool,
}

pub fn run(args: &Args) -> Outcome {
    let adapters = blocking::adapters();
    if args.json {
        let adapters: Vec<_> = adapters.iter().enumerate().map(json).collect();
        let cpu = serde_json::json!({
            "levels": Level::available().iter().map(Level::to_string).collect::<Vec<_>>(),
            "level": Level::best().to_string(), "threads": cpu::threads(),
        });
        return print::json(&serde_json::json!({ "cpu": cpu, "adapters": adapters }));
    }
    let rows: Vec<_> = adapters.iter().enumerate().map(cells).collect();
    let mut lines = Vec::new();
    if rows.is_empty() {
        lines.push("no adapter found".to_owned());
    } else {
        let heads =
            ["<device", "<name", "<type", "<backend", "<driver", "<64-bit", ">max binding", ">max buffer", "<software"];
        lines.extend(table(&heads, &rows));
    }
    lines.push(format!("cpu: {}, {} threads", levels(), cpu::threads()));
    print::lines(lines)
}

/// What kind of device an adapter is, in words.
fn kind(device: DeviceType) -> &'static str {
    match device {
        DeviceType::DiscreteGpu => "discrete GPU",
        DeviceType::IntegratedGpu => "integrated GPU",
        DeviceType::VirtualGpu => "virtual GPU",
        DeviceType::Cpu => "software",
        DeviceType::Other => "unknown",
    }
}

fn cells((index, adapter): (usize, &Adapter)) -> Vec<String> {
    let (info, limits) = (adapter.get_info(), adapter.limits());
    let yes = |is: bool| if is { "yes" } else { "no" }.to_owned();
    vec![
        format!("gpu:{index}"),
        info.name.clone(),
        kind(info.device_type).to_owned(),
        info.backend.to_string(),
        gpu::driver(&adapter.get_info()),
        yes(adapter.features().contains(Features::SHADER_INT64)),
        print::bytes(limits.max_storage_buffer_binding_size),
        print::bytes(limits.max_buffer_size),
        yes(gpu::is_software(&info)),
    ]
}

fn json((index, adapter): (usize, &Adapter)) -> serde_json::Value {
    let (info, limits) = (adapter.get_info(), adapter.limits());
    serde_json::json!({
        "device": format!("gpu:{index}"),
        "name": info.name,
        "type": kind(info.device_type),
        "backend": info.backend.to_string(),
        "driver": gpu::driver(&adapter.get_info()),
        "vendor": info.vendor,
        "device_id": info.device,
        "shader_int64": adapter.features().contains(Features::SHADER_INT64),
        "max_storage_buffer_binding_size": limits.max_storage_buffer_binding_size,
        "max_buffer_size": limits.max_buffer_size,
        "software": gpu::is_software(&info),
    })
}
