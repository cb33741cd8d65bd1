//! Where a fill runs: a pool of the caller's, inside other parallel work, the calling thread alone, a process that was
//! forked off.

use crate::laws::{every_law, planned, tensor};
use crate::structured::every_structured;
use rayon::prelude::*;
use seedbed::cpu::{self, Level};
use seedbed::plan::TensorSpec;
use seedbed::{DType, Fill, Scheme};

/// Fills of every law, large enough to be shared out, and the bytes of each.
fn fills() -> Vec<(String, Fill, Vec<u8>)> {
    let mut fills = Vec::new();
    for (name, scheme) in every_law() {
        fills.push((name, tensor("threads", &[300_001], scheme, DType::BF16).fill()));
    }
    for (scheme, dims) in every_structured().into_iter().step_by(3) {
        fills.push((format!("{scheme} {dims:?}"), tensor("threads", &dims, scheme, DType::F32).fill()));
    }
    // Matrices that are made by all threads at once, and those of which each thread makes some.
    for dims in [[2, 150, 200], [300, 20, 30]] {
        fills.push((
            format!("orthogonal {dims:?}"),
            planned(&TensorSpec::new("threads", dims, Scheme::orthogonal(1.0, 1)).unwrap()).fill(),
        ));
    }
    let filled = |(name, fill): (String, Fill)| {
        let mut bytes = vec![0xa5; fill.bytes() as usize];
        cpu::fill(&fill, &mut bytes).unwrap();
        (name, fill, bytes)
    };
    fills.into_iter().map(filled).collect()
}

#[test]
fn the_calling_thread_alone_and_any_pool_give_the_same_bytes() {
    for (name, fill, expected) in fills() {
        let mut bytes = vec![0x5a; expected.len()];
        cpu::fill_on_this_thread(&fill, &mut bytes).unwrap();
        assert!(bytes == expected, "{name}, on this thread");
        for threads in [1, 3] {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
            bytes.fill(0x5a);
            pool.install(|| cpu::fill(&fill, &mut bytes)).unwrap();
            assert!(bytes == expected, "{name}, {threads} threads");
        }
        let size = fill.dtype().size() as usize;
        let part = expected.len() / size / 3 * size..expected.len() / size / 2 * size;
        let mut bytes = vec![0x5a; part.len()];
        cpu::fill_range_on_this_thread(&fill, Level::best(), part.start as u64, &mut bytes).unwrap();
        assert!(bytes == expected[part], "{name}, a range");
    }
}

/// Every fill at once, each itself shared out to the same threads.
#[test]
fn fills_inside_parallel_work_of_a_pool_end_with_the_same_bytes() {
    let fills = fills();
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    pool.install(|| {
        (0..3 * fills.len()).into_par_iter().for_each(|i| {
            let (name, fill, expected) = &fills[i % fills.len()];
            let mut bytes = vec![0x5a; expected.len()];
            cpu::fill(fill, &mut bytes).unwrap();
            assert!(bytes == *expected, "{name}");
        });
    });
}

#[test]
fn a_wrong_length_is_refused_on_this_thread_too() {
    let fill = tensor("threads", &[5], Scheme::ones(), DType::BF16).fill();
    let text = cpu::fill_on_this_thread(&fill, &mut [0; 9]).unwrap_err().to_string();
    assert_eq!(text, cpu::fill(&fill, &mut [0; 9]).unwrap_err().to_string());
    assert!(text.contains("threads") && text.contains("9 bytes given, 10 are needed"), "{text}");
    for (from, len) in [(1, 2), (2, 3), (10, 4), (12, 2)] {
        let text =
            cpu::fill_range_on_this_thread(&fill, Level::best(), from, &mut vec![0; len]).unwrap_err().to_string();
        assert!(text.contains(&format!("bytes {from} + {len}")) && text.contains("end by 12"), "{text}");
    }
}

/// The pool's threads are not there in a child process: what asks them waits for ever.
#[cfg(unix)]
#[test]
fn a_child_process_fills_on_its_own_thread_after_its_parent_has_filled() {
    unsafe extern "C" {
        fn fork() -> i32;
        fn waitpid(child: i32, status: *mut i32, options: i32) -> i32;
        fn kill(child: i32, signal: i32) -> i32;
        fn _exit(status: i32) -> !;
    }
    const NO_HANG: i32 = 1;
    const SIGKILL: i32 = 9;
    // The parent's fills start the pool.
    let fills = fills();
    assert!(cpu::threads() >= 1);
    // SAFETY: the child has this thread alone. It fills buffers and compares them; the C library keeps its allocator
    // usable in a child, and the standard output's lock is not asked for. It ends by `_exit`, without running anything
    // of the test's process.
    let child = unsafe { fork() };
    assert!(child >= 0, "fork: {}", std::io::Error::last_os_error());
    if child == 0 {
        let same = fills.iter().all(|(_, fill, expected)| {
            let mut bytes = vec![0x5a; expected.len()];
            cpu::fill_on_this_thread(fill, &mut bytes).is_ok() && bytes == *expected
        });
        // SAFETY: ends the child, whatever it holds.
        unsafe { _exit(if same { 0 } else { 1 }) }
    }
    let mut status = -1;
    for _ in 0..1200 {
        // SAFETY: `status` is written; the child is this test's own.
        if unsafe { waitpid(child, &raw mut status, NO_HANG) } == child {
            // Ended by itself, with status 0.
            assert_eq!(status, 0, "the child's bytes differ, or it ended otherwise");
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    // SAFETY: the child is this test's own, and has not been waited for.
    unsafe { kill(child, SIGKILL) };
    panic!("the child process has not ended within two minutes");
}
