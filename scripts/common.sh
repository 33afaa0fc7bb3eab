# shellcheck shell=sh
# What both commands of the README share: installing system packages, and making the Python environment.

say() { printf '%s\n' "vdictl: $*" >&2; }

fail() {
    say "$*"
    exit 1
}

# has_package NAME...: whether one of these Debian packages is installed.
has_package() {
    for package in "$@"; do
        dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q 'ok installed' && return 0
    done
    return 1
}

# need_packages NAME...: install those Debian packages that are missing, and remove none for them (another Docker's own
# would be); says which, asks on a terminal.
need_packages() {
    command -v dpkg-query >/dev/null 2>&1 || {
        say "this is no Debian or Ubuntu; please see that these are installed: $*"
        return 0
    }
    missing=""
    for package in "$@"; do
        has_package "$package" || missing="$missing $package"
    done
    [ -n "$missing" ] || return 0
    as_root=""
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null 2>&1 || fail "please install as root: apt-get install$missing"
        as_root="sudo"
    fi
    say "these system packages are missing and are installed now with apt-get${as_root:+ (by sudo)}:$missing"
    if [ -t 0 ] && [ -t 2 ] && [ "${CI:-}" = "" ]; then
        printf 'Go on? [Y/n] ' >&2
        read -r answer
        case "$answer" in [nN]*) fail "nothing was installed." ;; esac
    fi
    # shellcheck disable=SC2086 # a list of package names
    $as_root env DEBIAN_FRONTEND=noninteractive sh -c '
        apt-get -o DPkg::Lock::Timeout=300 -q update &&
        apt-get -o DPkg::Lock::Timeout=300 -q -y --no-remove --no-install-recommends install "$@"' sh $missing >&2 ||
        fail "the packages could not be installed; what apt-get said stands above."
}

# a_python: print a Python of 3.11 or newer that can make environments.
a_python() {
    for candidate in python3 python3.14 python3.13 python3.12 python3.11; do
        if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s\n' "$candidate"
            return 0
        fi
    done
    return 1
}

# make_environment WHAT...: make .venv in the project's folder, if need be, and install there what pip is told.
make_environment() {
    if [ ! -x .venv/bin/python ]; then
        python=$(a_python) || fail "no Python of 3.11 or newer with venv is here."
        say "making the Python environment .venv with $($python --version)"
        "$python" -m venv .venv
    fi
    if command -v uv >/dev/null 2>&1; then
        VIRTUAL_ENV="$PWD/.venv" uv pip install --quiet "$@"
    else
        .venv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
        .venv/bin/python -m pip install --quiet --disable-pip-version-check "$@"
    fi || fail "the Python packages could not be installed; what was said stands above."
}
