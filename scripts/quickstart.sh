#!/usr/bin/env bash
# The README's first command: install what a desktop on this machine needs (it says what), then make one.
#   bash scripts/quickstart.sh [options of `vdictl create`]
set -eu
here="$(cd "$(dirname "$0")/.." && pwd)"
cd "$here"
. scripts/common.sh

engine_packages="podman runc netavark aardvark-dns fuse-overlayfs slirp4netns uidmap iptables mmdebstrap"
if docker version >/dev/null 2>&1 && ! command -v podman >/dev/null 2>&1; then
    engine_packages="mmdebstrap" # Docker answers: it is used as it is
fi
python_packages=""
a_python >/dev/null || python_packages="python3 python3-venv"
# shellcheck disable=SC2086 # lists of package names
need_packages ca-certificates $engine_packages $python_packages
[ -x .venv/bin/vdictl ] || make_environment --editable '.[local]'

say "making a desktop; the first time its image is built, which takes one to three minutes"
.venv/bin/vdictl create "$@"
say "the command is $here/.venv/bin/vdictl; put that folder on your PATH: export PATH=\"$here/.venv/bin:\$PATH\""
