//! Kernels are compiled and tested by `prepare` alone: what was not prepared is an error by name.

use super::{POISON, poisoned, read, shared, twin};
use seedbed::gpu::{Filler, FillerOptions, Gpu, KernelSet, Tier, blocking, compare, is_software, wgpu};
use seedbed::plan::{Part, Plan, Slab, TensorSpec};
use seedbed::{DType, Scheme, StreamVersion};

fn filler(gpu: &Gpu) -> Filler {
    let mut options = FillerOptions::default();
    options.tier = Some(gpu.filler().tier());
    blocking::filler(gpu.device(), gpu.queue(), &options).unwrap()
}

fn encoder(gpu: &Gpu) -> wgpu::CommandEncoder {
    gpu.device().create_command_encoder(&wgpu::CommandEncoderDescriptor::default())
}

/// A plan that grows after `prepare`: its new law is an error with the tensor and the kernel, nothing of the plan is
/// recorded, and the encoder can still be submitted. Prepared again, it is recorded.
#[test]
fn what_was_not_prepared_is_an_error_by_name() {
    let gpu = shared();
    let filler = filler(gpu);
    let mut plan = Plan::new(StreamVersion::V1, 3);
    plan.push(&TensorSpec::new("a", [100], Scheme::normal(0.0, 1.0)).unwrap()).unwrap();
    assert!(!filler.is_prepared(&plan));
    blocking::prepare(&filler, &plan).unwrap();
    assert!(filler.is_prepared(&plan));
    let later = TensorSpec::new("later", [100], Scheme::uniform(0.0, 1.0)).unwrap().dtype(DType::F16);
    plan.push(&later).unwrap();
    assert!(!filler.is_prepared(&plan));
    let buffer = poisoned(gpu.device(), plan.device_bytes() as usize / 4);
    let mut recorded = encoder(gpu);
    let text = filler.record_plan(&mut recorded, &plan, &buffer, 0).unwrap_err().to_string();
    assert!(text.starts_with("tensor later: ") && !text.contains('\n'), "{text}");
    assert!(text.contains("of uniform in f16 is not prepared: await Filler::prepare"), "{text}");
    let untouched = read(gpu, recorded, &buffer);
    assert!(untouched.iter().all(|&word| word == POISON));

    blocking::prepare(&filler, &plan).unwrap();
    let mut recorded = encoder(gpu);
    filler.record_plan(&mut recorded, &plan, &buffer, 0).unwrap();
    assert_eq!(read(gpu, recorded, &buffer), super::arena(&plan, POISON, (0, 0)));
}

/// One preparation of the plan serves it whole, and every range of it at any offset.
#[test]
fn a_prepared_plan_is_recorded_by_any_range() {
    let gpu = shared();
    let filler = filler(gpu);
    let mut plan = Plan::new(StreamVersion::V1, 3);
    plan.push(&TensorSpec::new("rows", [9, 40], Scheme::normal(0.0, 1.0)).unwrap().zero_row(4)).unwrap();
    let parts = [(0, 3), (3, 5)].map(|(start, width)| {
        let slab = Slab::new([0, start], [7, width]);
        Part::new(format!("part {start}"), [7, width], Scheme::normal(0.0, f64::from(start as u8 + 1)), slab).unwrap()
    });
    let shared_words = TensorSpec::with_parts("parts", [7, 8], [7, 8], parts.into()).unwrap().dtype(DType::BF16);
    plan.push(&shared_words).unwrap();
    blocking::prepare(&filler, &plan).unwrap();
    let words = plan.device_bytes() / 4;
    let expected = super::arena(&plan, POISON, (1, 0));
    for step in [1, 3, 8, 64, words] {
        let buffer = poisoned(gpu.device(), words as usize + 1);
        let mut recorded = encoder(gpu);
        for from in (0..words).step_by(step as usize) {
            let len = step.min(words - from);
            filler.record_plan_range(&mut recorded, &plan, 4 * from, 4 * len, &buffer, 4 + 4 * from).unwrap();
        }
        assert_eq!(read(gpu, recorded, &buffer), expected, "in ranges of {step} words");
    }
}

/// A slab needs kernels that its tensor does not.
#[test]
fn a_slab_is_prepared_by_itself() {
    let gpu = shared();
    let filler = filler(gpu);
    let mut plan = Plan::new(StreamVersion::V1, 3);
    let tensor = plan.push(&TensorSpec::new("w", [20, 30], Scheme::normal(0.0, 1.0)).unwrap()).unwrap().clone();
    let slab = tensor.fill_slab(&Slab::new([3, 1], [9, 20])).unwrap();
    blocking::prepare(&filler, &plan).unwrap();
    let buffer = poisoned(gpu.device(), 180);
    let mut recorded = encoder(gpu);
    let text = filler.record(&mut recorded, &slab, &buffer, 0).unwrap_err().to_string();
    assert!(text.starts_with("tensor w: ") && text.contains("is not prepared"), "{text}");
    blocking::prepare(&filler, &slab).unwrap();
    filler.record(&mut recorded, &slab, &buffer, 0).unwrap();
    assert_eq!(read(gpu, recorded, &buffer), twin(&slab));
}

/// Threads that prepare at the same time, as a loader's do.
#[test]
fn several_threads_prepare_at_once() {
    let gpu = shared();
    let filler = filler(gpu);
    let set = |scheme| KernelSet::of_schemes(&[scheme], &[DType::F32, DType::BF16]).unwrap();
    std::thread::scope(|scope| {
        for scheme in [Scheme::ones(), Scheme::normal(0.0, 1.0), Scheme::uniform(0.0, 1.0), Scheme::ones()] {
            let filler = &filler;
            scope.spawn(move || blocking::prepare(filler, set(scheme)).unwrap());
        }
    });
    assert!(filler.is_prepared(set(Scheme::normal(0.0, 1.0))) && filler.is_prepared(set(Scheme::ones())));
}

/// A tier that the device does not have the bits of is refused with the numbers, and never taken.
#[test]
fn a_tier_without_the_bits_is_refused() {
    let gpu = shared();
    if gpu.filler().tier() == Tier::NativeFma {
        eprintln!("NOTHING TESTED: native fma gives the bits on {}", gpu.info().name);
        return;
    }
    let mut options = FillerOptions::default();
    options.tier = Some(Tier::NativeFma);
    let text = blocking::filler(gpu.device(), gpu.queue(), &options).map(drop).unwrap_err().to_string();
    assert!(text.contains("words differ") && text.contains("use the CPU") && !text.contains('\n'), "{text}");
}

/// An executor may move the futures between threads. Compiled, not run.
#[test]
fn futures_are_send() {
    fn is_send<T: Send>(_: T) {}
    fn all(gpu: &'static Gpu, filler: &'static Filler, plan: &'static Plan, options: &'static FillerOptions) {
        let adapter: Option<wgpu::Adapter> = None;
        is_send(Gpu::open(seedbed::gpu::Choice::Auto, options, &mut |_| {}));
        if let Some(adapter) = &adapter {
            is_send(Gpu::from_adapter(adapter, options));
        }
        is_send(Filler::new(gpu.device(), gpu.queue(), options));
        is_send(filler.prepare(plan));
        is_send(seedbed::gpu::Normalizer::new(filler, gpu.queue()));
        let fill = plan.tensors()[0].fill();
        is_send(gpu.fill_range(&fill, 0, &mut []));
        is_send(gpu.stream([(&fill, 0, 0)], &mut |_| Ok(())));
        is_send(gpu.alloc(plan));
        is_send(compare(gpu, Scheme::ones(), DType::F32, 1, 4, &mut |_| Ok(())));
    }
    let _ = all;
}

/// The measurement behind the figures in the documentation: `cargo test --release --test it -- --ignored
/// --nocapture gpu::prepare::times`, with the driver's own cache switched off (MESA_SHADER_CACHE_DISABLE=true).
#[test]
#[ignore = "a measurement"]
fn times() {
    let gpu = shared();
    println!("{}, {} {}", gpu.info().name, gpu.info().driver, gpu.info().driver_info);
    let seconds = |work: &mut dyn FnMut()| {
        let start = std::time::Instant::now();
        work();
        start.elapsed().as_secs_f64()
    };
    for (name, scheme) in seedbed::gpu::schemes().into_iter().take(4) {
        for dtype in DType::ALL {
            let set = KernelSet::of_schemes(&[scheme], &[dtype]).unwrap();
            let mut made = None;
            let options = FillerOptions::default();
            let opened = seconds(&mut || made = Some(blocking::filler(gpu.device(), gpu.queue(), &options).unwrap()));
            let filler = made.unwrap();
            let prepared = seconds(&mut || blocking::prepare(&filler, set.clone()).unwrap());
            let again = seconds(&mut || blocking::prepare(&filler, set.clone()).unwrap());
            assert!(again < prepared, "{again} {prepared}");
            println!(
                "{name} {dtype}: probe {opened:.2} s, prepare {prepared:.2} s, together {:.2} s",
                opened + prepared
            );
        }
    }
    let mut plan = Plan::new(StreamVersion::V1, 3);
    for k in 0..70_000 {
        plan.push(&TensorSpec::new(format!("{k}"), [64, 64], Scheme::normal(0.0, 1.0)).unwrap()).unwrap();
    }
    blocking::prepare(gpu.filler(), &plan).unwrap();
    let again = seconds(&mut || blocking::prepare(gpu.filler(), &plan).unwrap());
    println!("a plan of 70,000 tensors that is prepared already: {:.1} ms", 1e3 * again);
    if !is_software(gpu.info()) {
        let all = seconds(&mut || blocking::prepare(&filler(gpu), KernelSet::all()).unwrap());
        println!("every kernel: {all:.1} s");
    }
}
