#!/bin/sh
"$@" &
app=$!
trap 'kill -TERM "$app"; wait "$app"; exit 143' TERM
wait "$app"
