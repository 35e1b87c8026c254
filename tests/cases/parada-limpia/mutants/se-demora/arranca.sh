#!/bin/sh
# Espera a que el balanceador se entere antes de irse.
"$@" &
app=$!
trap 'kill -TERM "$app"; sleep 8; exit 0' TERM
wait "$app"
