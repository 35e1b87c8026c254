#!/bin/sh
"$@"
echo "la app terminó con código $?"
