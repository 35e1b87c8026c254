#!/usr/bin/env bash
# Kills a check 20 times at random moments, and tells what is on the engine before, after each kill and after the
# next start. Not part of CI: `bash tests/kill_often.sh [TIMES]`, with `muelle` built and the base image prepared.
set -euo pipefail
cd "$(dirname "$0")/.."
times=${1:-20}
muelle=target/debug/muelle
count() {
  echo "$(docker ps -aq | wc -l) $(docker images -aq | wc -l) $(docker network ls -q | wc -l) $(docker volume ls -q | wc -l)"
}
before=$(count)
echo "before (containers images networks volumes): $before"
leaks=0
for ((i = 1; i <= times; i++)); do
  builder=$([ $((i % 3)) = 0 ] && echo classic || echo buildkit)
  MUELLE_BUILDER=$builder $muelle check --exercise proyecto-final solutions/10-proyecto/32-proyecto-final >/dev/null 2>&1 &
  pid=$!
  moment=$(awk -v r=$RANDOM 'BEGIN { printf "%.2f", r / 32768 * 12 }')
  sleep "$moment"
  kill -9 $pid 2>/dev/null || true
  wait $pid 2>/dev/null || true
  killed=$(count)
  begun=$(date +%s%N)
  $muelle clean >/dev/null
  took=$((($(date +%s%N) - begun) / 1000000))
  after=$(count)
  mark=$([ "$after" = "$before" ] && echo ok || { leaks=$((leaks + 1)); echo LEAK; })
  echo "$i $builder killed at $moment s: $killed → clean ($took ms): $after $mark"
done
echo "leaks: $leaks of $times"
[ $leaks = 0 ]
