#!/usr/bin/env bash
# The README's second command: install what the tests need (it says what), then run everything that CI runs.
#   bash scripts/test.sh         everything
#   bash scripts/test.sh quick   without a container engine and a browser
set -eu
cd "$(dirname "$0")/.."
. scripts/common.sh

mode="${1:-all}"
case "$mode" in all | quick) ;; *) fail "usage: bash scripts/test.sh [quick]" ;; esac

if a_python >/dev/null; then need_packages git; else need_packages git python3 python3-venv; fi
if [ "$mode" = all ]; then
    # The tests start a daemon of their own. A Docker that is installed, whoever packed it, is left as it is.
    docker=docker.io
    if command -v dockerd >/dev/null 2>&1 || has_package docker-ce-cli moby-cli containerd.io; then docker=""; fi
    # shellcheck disable=SC2086 # nothing, or a name
    need_packages podman runc crun netavark aardvark-dns fuse-overlayfs slirp4netns uidmap iptables mmdebstrap \
        chromium tigervnc-standalone-server tigervnc-viewer xvfb xterm openbox x11-xserver-utils x11-apps netpbm socat \
        openssh-client openssh-server rsync docker-registry iproute2 $docker
fi
make_environment --editable '.[all]' --group dev --group docs
if [ ! -x .venv/bin/actionlint ] && command -v go >/dev/null 2>&1; then
    say "building actionlint, which checks the workflows"
    GOBIN="$PWD/.venv/bin" go install github.com/rhysd/actionlint/cmd/actionlint@v1.7.12 >&2 || say "that failed; go on"
fi

step() {
    say "== $1"
    shift
    "$@"
}
step "lint" .venv/bin/ruff check .
step "format" .venv/bin/ruff format --check .
step "types" .venv/bin/mypy
if [ "$mode" = all ]; then
    # Once, before the tests run side by side: each of these takes a minute the first time, seconds afterwards.
    for flavor in minimal xfce code; do step "image $flavor" .venv/bin/vdictl -p local images build "$flavor"; done
    step "tests" .venv/bin/pytest -q -n 2 --dist loadfile --durations 15
    say "left out: bash scripts/release-check.sh, which builds and installs the distributions (4 minutes)"
else
    say "left out: tests marked engine or browser (quick)"
    step "tests" .venv/bin/pytest -q -n 2 --dist loadfile -m 'not engine and not browser'
fi
