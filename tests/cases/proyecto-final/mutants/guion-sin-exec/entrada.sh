#!/bin/sh
"$@"
exit $?
