#!/bin/sh
# Prepara lo que haga falta y cede su sitio (y su PID 1) al programa.
set -eu
umask 027
exec "$@"
