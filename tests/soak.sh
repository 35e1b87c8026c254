#!/usr/bin/env bash
# Two hundred checks of a small exercise in one process, then eight processes at once: wrong verdicts, leaks, memory.
# Not part of CI: `bash tests/soak.sh [IN_A_ROW] [PROCESSES] [EACH]`, with `muelle` built and the base image prepared.
set -euo pipefail
cd "$(dirname "$0")/.."
row=${1:-200} processes=${2:-8} each=${3:-10}
muelle=$PWD/target/debug/muelle
course=$(mktemp -d)
trap 'rm -rf "$course"' EXIT
mkdir -p "$course/exercises/01-breve/01-responde" "$course/buena" "$course/mala"
cp -a exercises/_app "$course/exercises/_app"
cat >"$course/exercises/01-breve/01-responde/exercise.toml" <<'TOML'
id = "responde"
title = "Responde"
lesson = "01.html"
summary = "Que responda."
goal = "Que responda en el puerto 8000."
hints = ["a", "b", "c"]
images = ["python:3.11-slim"]
build_network = "none"
[files]
app = true
[[items]]
id = "construye"
title = "Se construye"
points = 0.0
experiment = "construye"
[[items]]
id = "responde"
title = "Responde y predice"
points = 1.0
experiment = "responde-y-predice"
blocked_by = ["construye"]
TOML
cat >"$course/buena/Dockerfile" <<'D'
FROM python:3.11-slim
WORKDIR /srv
RUN mkdir -p datos
COPY . .
CMD ["python", "-m", "app.main"]
D
sed 's/app.main/app.nada/' "$course/buena/Dockerfile" >"$course/mala/Dockerfile"
count() {
  echo "$(docker ps -aq | wc -l) $(docker images -aq | wc -l) $(docker network ls -q | wc -l) $(docker volume ls -q | wc -l)"
}
# Outcomes of N checks, good and bad in turn, as one word each.
checks() {
  local folders=()
  for ((i = 0; i < $1; i++)); do folders+=("$course/$([ $((i % 2)) = 0 ] && echo buena || echo mala)"); done
  (cd "$course" && exec "$muelle" check --format json --exercise responde "${folders[@]}" 2>/dev/null) >"$2" || true
}
outcomes() { python3 -c '
import json, sys
told = json.load(open(sys.argv[1]))
told = told if isinstance(told, list) else told.get("verdicts", [told])
wrong = [v["items"] for i, v in enumerate(told) if v["outcome"] != ["passed", "failed"][i % 2]]
print(len(told), "checks,", len(wrong), "wrong verdicts,", round(sum(v["duration_ms"] for v in told) / max(len(told), 1)), "ms each")
for items in wrong: print([(i["id"], i["outcome"], i["saw"]) for i in items])
' "$1"; }
before=$(count)
echo "before (containers images networks volumes): $before"
checks "$row" "$course/row.json" &
work=$!
while kill -0 $work 2>/dev/null; do
  pid=$(pgrep -f "^$muelle check --format json --exercise responde $course" | head -1 || true)
  [ -n "$pid" ] && awk -v t=$SECONDS '/VmRSS/ { print "  resident after", t, "s:", $2, "kB" }' "/proc/$pid/status" 2>/dev/null || true
  sleep 20
done
outcomes "$course/row.json"
echo "after $row in a row: $(count)"
for ((p = 0; p < processes; p++)); do checks "$each" "$course/$p.json" & done
wait
for ((p = 0; p < processes; p++)); do outcomes "$course/$p.json"; done
after=$(count)
echo "after $processes at once: $after"
[ "$after" = "$before" ]
