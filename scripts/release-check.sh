#!/usr/bin/env bash
# Build the distributions as a release does, and see that they are whole: metadata, contents, each extra in an empty
# environment, the tests of the sdist, and a bill of materials (SBOM).
#   bash scripts/release-check.sh [FOLDER]     what was built stays in FOLDER (default: build/dist)
set -eu
cd "$(dirname "$0")/.."
. scripts/common.sh

folder="${1:-build/dist}"
python=$(a_python) || fail "no Python of 3.11 or newer with venv is here."
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# fresh NAME [WHAT...]: an environment of its own, with what pip is told.
fresh() {
    "$python" -m venv "$work/$1"
    [ $# -eq 1 ] || "$work/$1/bin/python" -m pip install --quiet --disable-pip-version-check "${@:2}"
}

say "== build"
fresh tools build twine cyclonedx-bom
rm -rf "$folder"
"$work/tools/bin/python" -m build --outdir "$folder" . >"$work/build.log" 2>&1 || { cat "$work/build.log" >&2; exit 1; }
wheel=$(echo "$folder"/*.whl) sdist=$(echo "$folder"/*.tar.gz)
say "$(basename "$wheel") $(wc -c <"$wheel") bytes, $(basename "$sdist") $(wc -c <"$sdist") bytes"

say "== metadata"
"$work/tools/bin/python" -m twine --no-color check --strict "$wheel" "$sdist"

say "== contents"
"$work/tools/bin/python" scripts/wheel_contents.py "$wheel"

extras=$("$python" -c 'import tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"])')
for extra in "" $extras; do
    say "== install ${extra:-without an extra}"
    fresh "with-$extra" "$wheel${extra:+[$extra]}"
    (
        cd "$work" # not in the project's folder: what is started is what was installed
        export HOME="$work/home" VDICTL_ENGINE=/nonexistent/engine
        "with-$extra/bin/vdictl" --version
        "with-$extra/bin/vdictl" providers --json name,installed
        "with-$extra/bin/python" -m pip --disable-pip-version-check check
    )
done

say "== tests of the sdist (the quick ones, but for whole commands: those are tests/cli)"
tar -xzf "$sdist" -C "$work"
(
    cd "$work/$(basename "$sdist" .tar.gz)"
    "$python" -m venv .venv
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --upgrade 'pip>=25.1'
    .venv/bin/python -m pip install --quiet --disable-pip-version-check --editable '.[all]' --group dev
    .venv/bin/pytest -q -n 2 --dist loadfile -m 'not engine and not browser' tests/unit tests/test_*.py
)

say "== bill of materials"
"$work/tools/bin/cyclonedx-py" environment --spec-version 1.6 --output-reproducible --mc-type application --pyproject pyproject.toml \
    --output-file "$folder/vdictl.cdx.json" "$work/with-all/bin/python"
"$python" scripts/complete_bill.py "$folder/vdictl.cdx.json"
"$work/tools/bin/python" - "$folder/vdictl.cdx.json" <<'EOF'
import sys
from pathlib import Path
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
trouble = JsonStrictValidator(SchemaVersion.V1_6).validate_str(Path(sys.argv[1]).read_text(encoding="utf-8"))
sys.exit(f"the bill breaks its own schema: {trouble}" if trouble else 0)
EOF
say "all is well; built: $folder"
