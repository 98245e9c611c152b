#!/usr/bin/env bash
# The first step of action.yml: smscli in an environment of its own, from the very commit that the workflow names.
set -euo pipefail

python=$(command -v python3 || command -v python) || python=none
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    echo "::error::smscli needs Python 3.11 or newer: put actions/setup-python before this step"
    exit 3
fi
venv=$RUNNER_TEMP/smscli-venv
"$python" -m venv "$venv"
bin=$venv/bin
[ -d "$bin" ] || bin=$venv/Scripts  # Windows
extra=
[ -z "${INPUT_JOURNAL:-}" ] || extra='[postgres]'
"$bin/python" -m pip install --quiet --disable-pip-version-check "$GITHUB_ACTION_PATH$extra"
printf 'program=%s\n' "$bin/smscli" >>"$GITHUB_OUTPUT"
