#!/bin/bash
# Runs what `cargo xtask cuda --bundle` built, on a machine with a GPU, CUDA's toolkit and, for the peers, PyTorch.
#
# usage: on_device.sh RESULTS [PART…]   parts: laws, sanitize, parity, candle, bench, peers, profile (default: all but the last)
#
# A run with laws first removes the results of earlier runs, and so does a run with other kernels than before. The script
# ends with status 0 even if a test fails: `cargo xtask cuda --record RESULTS` says what failed.
set -u
here=$(cd "$(dirname "$0")" && pwd)
results=$1
shift
parts=${*:-laws sanitize parity candle bench peers}
mkdir -p "$results"
# Otherwise they would be recorded as results of this run.
if [[ " $parts " = *" laws "* || $(cat "$results/kernels.sha256" 2>&1) != $(cat "$here/kernels.sha256") ]]; then
    rm -f "$results"/{kernels.sha256,{device,laws,memcheck,racecheck,parity,candle}.txt,{bench,peers}.jsonl} \
        "$results"/{laws,memcheck,racecheck}-*.log "$results"/profile-*.csv
fi
export COHERENCE_CUDA=required
export LD_LIBRARY_PATH="/usr/local/cuda/lib64:${LD_LIBRARY_PATH:-}" PATH="/usr/local/cuda/bin:$PATH"
nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader --id=0 | tee "$results/device.txt"
cp "$here/kernels.sha256" "$results"

# The programs of tests side by side, those of networks restricted to $2, each under the command $3 …; lines of
# results/$1.txt say what passed.
tests() {
    local name=$1 networks=$2 program
    shift 2
    for program in "$here"/test-*; do
        local of=${program##*/test-} filter=()
        [ "$of" = laws ] && filter=("$networks")
        (timeout 200 "$@" "$program" "${filter[@]}" --test-threads 1 >"$results/$name-$of.log" 2>&1
         echo "$of: exit status $?, $(grep -h '^test result' "$results/$name-$of.log")") &
    done | sort | tee "$results/$name.txt"
    wait
}

for part in $parts; do
    start=$SECONDS
    case $part in
        laws) tests laws every_layer_agrees_on_a_gpu env ;;
        parity) timeout 300 "$here/test-laws" architectures_are_torchvisions_on_a_gpu 2>&1 | grep '^test ' | tee "$results/parity.txt" ;;
        sanitize)
            tests memcheck every_layer_agrees_on_a_gpu compute-sanitizer --tool memcheck --error-exitcode 99
            tests racecheck every_layer_agrees_on_a_gpu compute-sanitizer --tool racecheck --error-exitcode 99
            ;;
        candle) # the laws of coherence-candle, if their program was built with nvcc and put here
            [ -x "$here/candle-laws" ] && timeout 200 "$here/candle-laws" --test-threads=1 2>&1 |
                grep -E '^test (result|cuda)' | tee "$results/candle.txt"
            ;;
        bench) timeout 240 "$here/w9_gpu" 2>&1 | tee "$results/bench.jsonl" ;;
        peers)
            for memory in contiguous channels_last; do timeout 120 python3 "$here/w9_gpu.py" 256 $memory; done 2>&1 |
                tee "$results/peers.jsonl"
            ;;
        profile)
            for only in "plain step" "m3" "c = 1" "alpha" "median"; do
                W9_BATCH=64 W9_ONLY=$only timeout 120 ncu --metrics gpu__time_duration.sum --csv --clock-control none \
                    "$here/w9_gpu" >"$results/profile-${only// /_}.csv" 2>&1
            done
            ;;
    esac
    echo "$part: $((SECONDS - start)) s"
done
