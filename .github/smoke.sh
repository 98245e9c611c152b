#!/usr/bin/env bash
# What must work wherever smscli is installed, Windows included: each line ends as it says.
set -euo pipefail
smscli --version
smscli sign --help >/dev/null
[ "$(smscli count "it’s €5")" = $'1\tUCS-2\t7' ]
# Not sent twice under one key: the journal keeps it, whatever the system's locks are.
first=$(smscli send --sandbox --to +37061234567 "Hello" --key smoke)
second=$(smscli send --sandbox --to +37061234567 "Hello" --key smoke)
[ "$first" = "$second" ]
smscli journal show smoke --sandbox
status=0
smscli send --sandbox --to +37061234567 "other" --key smoke || status=$?
[ "$status" = 9 ]
status=0
smscli run --sandbox --to +37061234567 --on success --text "{command} went well" -- true || status=$?
case ${OSTYPE:-} in
    msys* | cygwin*) [ "$status" = 9 ] ;;
    *) [ "$status" = 0 ] ;;
esac
echo "smoke: all well"
