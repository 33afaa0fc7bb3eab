#!/usr/bin/env bash
# All kills, all generated sequences, command lines and config files: what scripts/test.sh runs as a sample.
# Takes an hour and a half on two cores. VDICTL_SEED=N repeats the generated part of a run.
#   bash scripts/faults.sh          everything; needs a container engine
#   bash scripts/faults.sh quick    without the engine
set -eu
cd "$(dirname "$0")/.."
. scripts/common.sh

mode="${1:-all}"
case "$mode" in all | quick) ;; *) fail "usage: bash scripts/faults.sh [quick]" ;; esac
make_environment --editable '.[all]' --group dev
export VDICTL_GENERATED=all VDICTL_KILLS=all
if [ "$mode" = all ]; then
    exec .venv/bin/pytest -q -n 2 --dist load --durations 10 tests/generated tests/faults
fi
say "left out: tests marked engine (quick)"
exec .venv/bin/pytest -q -n 2 --dist load --durations 10 -m 'not engine' tests/generated tests/faults
