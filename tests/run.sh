#!/usr/bin/env bash
# Runs every test. Installs what is missing on a bare Debian or Ubuntu: a software Vulkan driver, and Python's
# safetensors.
#
#   tests/run.sh            everything but the long battery
#   tests/run.sh --long     the long battery too: all 2^32 words, 10^9 draws, 10^8 elements of every law, SwiftShader
#   tests/run.sh --valgrind nothing but small fills of every law, and the tests of unsafe code, under valgrind
#   tests/run.sh --compilers
#                           nothing but what the kernels cost by RADV's compiler (tests/compilers), and its bounds
#
# SEEDBED_GPU=skip leaves out the tests that need a device (modules `gpu`), SEEDBED_PYTHON=skip those that need Python
# (modules `python`): libtest then counts them as filtered out.
set -euo pipefail
cd "$(dirname "$0")/.."

long=() compilers='' valgrind=''
case "${1-}" in
    "") ;;
    --long) long=(--include-ignored) ;;
    --valgrind) valgrind=1 ;;
    --compilers) compilers=1 ;;
    *) echo "usage: tests/run.sh [--long | --valgrind | --compilers]" >&2; exit 2 ;;
esac

# Names a step, and says how long the one before it took.
last=
step() {
    [ -z "$last" ] || printf '%s\n' "-- $last: $((SECONDS - started)) s"
    last=$1 started=$SECONDS
    [ -z "$last" ] || printf '\n== %s\n' "$last"
}

# Debian's packages, as root or through sudo.
install() {
    local sudo=()
    [ "$(id -u)" = 0 ] || sudo=(sudo)
    if ! command -v apt-get >/dev/null; then
        echo "install $* (no apt-get here), then run this again" >&2
        return 1
    fi
    echo "installing $*"
    "${sudo[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null 2>&1 ||
        { "${sudo[@]}" apt-get update -qq &&
            "${sudo[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }
}

if [ -n "$valgrind" ]; then
    command -v valgrind >/dev/null || install valgrind
    # Valgrind has AVX2 and no AVX-512: the tests compare the levels that it shows them.
    runner='target."cfg(unix)".runner=["valgrind", "-q", "--error-exitcode=99", "--leak-check=no"]'
    step "the twin and its unsafe code under valgrind"
    cargo test --release --config "$runner" --lib -- \
        cpu::pattern cpu::level::tests::every_level_rounds cpu::structured::tests::both_ways_find
    cargo test --release --config "$runner" --test it -- levels::small_fills_of_every_law_hold_the_same_words
    step ""
    exit
fi
if [ -n "$compilers" ]; then
    crate=tests/compilers/Cargo.toml
    # The null device needs the driver's package, and no GPU.
    ls /usr/share/vulkan/icd.d/radeon_icd*.json >/dev/null 2>&1 || install mesa-vulkan-drivers libvulkan1
    command -v spirv-val >/dev/null || install spirv-tools || true
    target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
    export CARGO_TARGET_DIR=$target
    step "what counts instructions"
    cargo test --quiet --locked --manifest-path "$crate"
    step "every pipeline by RADV's compiler"
    cargo run --quiet --locked --manifest-path "$crate" -- --check
    step ""
    exit
fi

# Overflow checks on in our own code; the dependencies are those of the release build.
checks=(--release --config 'profile.release.package.seedbed.overflow-checks=true'
    --config 'profile.release.package.seedbed-cli.overflow-checks=true')

step "the binary"
cargo build "${checks[@]}"
adapters() { cargo run --quiet "${checks[@]}" -- devices --json 2>/dev/null | grep -c '"backend"' || true; }
skip=(--skip mounts::)
if [ "${SEEDBED_GPU-}" = skip ]; then
    skip+=(--skip gpu::)
elif [ "$(adapters)" = 0 ]; then
    install mesa-vulkan-drivers
fi

if [ "${SEEDBED_PYTHON-}" = skip ]; then
    skip+=(--skip python::)
elif [ -z "${SEEDBED_PYTHON-}" ]; then
    target=$(cargo metadata --format-version 1 --no-deps | sed 's/.*"target_directory":"\([^"]*\)".*/\1/')
    venv=$target/venv
    if ! "$venv/bin/python" -c 'import safetensors' 2>/dev/null; then
        python3 -m venv "$venv" 2>/dev/null || { install python3-venv && python3 -m venv "$venv"; }
        "$venv/bin/pip" install --quiet --disable-pip-version-check safetensors numpy
    fi
    export SEEDBED_PYTHON="$venv/bin/python"
fi

# The unit tests of src/gpu need no device: what is skipped is skipped among the integration tests only.
step "unit tests"
cargo test "${checks[@]}" --lib --bins --examples -- "${long[@]}"
step "integration tests (${skip[*]})"
cargo test "${checks[@]}" --test '*' -- "${long[@]}" "${skip[@]}"
place=$(mktemp -d)
if mount -t tmpfs tmpfs "$place" 2>/dev/null; then
    umount "$place"
    step "integration tests with small disks"
    cargo test "${checks[@]}" --test '*' -- --ignored mounts::
else
    printf '\nNOT TESTED: a full disk, since this user may not mount a small one\n'
fi
rmdir "$place"
step "the examples in the docs"
cargo test "${checks[@]}" --doc

if [ ${#long[@]} != 0 ]; then
    icd=/usr/lib/chromium/vk_swiftshader_icd.json
    [ -f "$icd" ] || install chromium
    step "SwiftShader: no 64-bit integers"
    echo "NOT RUN THERE: the kernels of orthogonal matrices, for which its compiler takes more than 11 GB"
    VK_DRIVER_FILES=$icd SEEDBED_GPU=gpu cargo test "${checks[@]}" -p seedbed --all-features --test it -- gpu:: \
        --skip gpu::orthogonal --skip matrices_that_the_device_makes
    VK_DRIVER_FILES=$icd SEEDBED_GPU=gpu cargo test "${checks[@]}" -p seedbed --all-features --test it -- \
        --ignored gpu::laws::a_million_elements_of_every_law_and_dtype
fi
step ""
