#!/usr/bin/env bash
# Runs every test. Installs what is missing on a bare Debian or Ubuntu: a software Vulkan driver, and Python's safetensors.
#
#   tests/run.sh            everything but the long battery
#   tests/run.sh --long     the long battery too: all 2^32 words, 10^9 draws, 10^8 elements of every law, SwiftShader
#
# SEEDBED_GPU=skip leaves out the tests that need a device, SEEDBED_PYTHON=skip those that need Python.
set -euo pipefail
cd "$(dirname "$0")/.."

long=()
case "${1-}" in
    "") ;;
    --long) long=(--include-ignored) ;;
    *) echo "usage: tests/run.sh [--long]" >&2; exit 2 ;;
esac

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
        { "${sudo[@]}" apt-get update -qq && "${sudo[@]}" apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }
}

cargo build --release

adapters() { target/release/seedbed devices --json 2>/dev/null | grep -c '"backend"' || true; }
if [ "${SEEDBED_GPU-}" != skip ] && [ "$(adapters)" = 0 ]; then
    install mesa-vulkan-drivers
fi

if [ -z "${SEEDBED_PYTHON-}" ]; then
    venv=target/venv
    if ! "$venv/bin/python" -c 'import safetensors' 2>/dev/null; then
        python3 -m venv "$venv" 2>/dev/null || { install python3-venv && python3 -m venv "$venv"; }
        "$venv/bin/pip" install --quiet --disable-pip-version-check safetensors numpy
    fi
    export SEEDBED_PYTHON="$PWD/$venv/bin/python"
fi

# Overflow checks on in our own code; the dependencies are those of the release build.
test=(cargo test --release --config 'profile.release.package.seedbed.overflow-checks=true'
    --config 'profile.release.package.seedbed-cli.overflow-checks=true')
skip=(--skip mounts::)
for need in GPU PYTHON; do
    name=SEEDBED_$need
    if [ "${!name-}" = skip ]; then
        echo "NOT TESTED: $name=skip leaves out the tests that need it; cargo counts them as filtered out"
        skip+=(--skip "${need,,}::")
    fi
done
"${test[@]}" --lib --bins --examples -- "${long[@]}"
"${test[@]}" --test it -- "${long[@]}" "${skip[@]}"
"${test[@]}" --doc

place=$(mktemp -d)
if mount -t tmpfs tmpfs "$place" 2>/dev/null; then
    umount "$place"
    "${test[@]}" --test it -- --ignored mounts::
else
    echo "NOT TESTED: a full disk, since this user may not mount a small one"
fi
rmdir "$place"

if [ ${#long[@]} != 0 ]; then
    icd=/usr/lib/chromium/vk_swiftshader_icd.json
    [ -f "$icd" ] || install chromium
    echo "== SwiftShader: no 64-bit integers"
    echo "NOT RUN THERE: the kernels of orthogonal matrices, for which its compiler takes more than 11 GB (hosts copy instead)"
    VK_DRIVER_FILES=$icd SEEDBED_GPU=gpu "${test[@]}" -p seedbed --all-features --test it -- gpu:: \
        --skip gpu::orthogonal --skip matrices_that_the_device_makes
fi
