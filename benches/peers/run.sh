#!/usr/bin/env bash
# Every peer beside seedbed; what is missing is said, nothing is installed. PYTHON names the interpreter that has the
# peers; other arguments go to each script (--size, --gpu-size, --rounds, --gpu).
set -uo pipefail
cd "$(dirname "$0")/../.." || exit 1

python=${PYTHON:-python3}
cargo build --release --bin seedbed || exit 1
for peer in torch orthogonal numpy jax cupy; do
    echo "== $peer"
    "$python" "benches/peers/${peer}_peer.py" "$@"
done
echo "== rand_distr, burn"
cd benches/peers/rust || exit 1
if ! cargo run --release --quiet; then
    echo "burn cannot be built or run here; without it:"
    cargo run --release --quiet --no-default-features
fi
