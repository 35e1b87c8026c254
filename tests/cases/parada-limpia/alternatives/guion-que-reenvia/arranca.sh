#!/bin/sh
# Se queda delante y reenvía la señal; después espera a la app y da su código.
"$@" &
app=$!
trap 'kill -TERM "$app"' TERM
wait "$app"
codigo=$?
while kill -0 "$app" 2>/dev/null; do
    wait "$app"
    codigo=$?
done
exit "$codigo"
