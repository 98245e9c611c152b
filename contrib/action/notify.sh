#!/usr/bin/env bash
# The second step of action.yml: one text. Inputs come as variables and stay values: they reach smscli in its
# environment, in files that only this user can read, or behind the = of an option; secrets never the third way.
set -euo pipefail
umask 077

place=$(mktemp -d "${RUNNER_TEMP:-${TMPDIR:-/tmp}}/smscli.XXXXXXXX")
trap 'rm -rf "$place"' EXIT

# What is not given stays as the job has it.
for field in PROVIDER LOGIN PROJECT API_KEY APP_ID SECRET MSISDN SENDER BASE_URL REGION JOURNAL; do
    input=INPUT_$field
    [ -z "${!input:-}" ] || export "SMSCLI_$field=${!input}"
    unset "$input"
done
[ -z "${INPUT_JOURNAL_PASSWORD:-}" ] || export "PGPASSWORD=$INPUT_JOURNAL_PASSWORD"
if [ -n "${INPUT_CONFIG:-}" ]; then
    printf '%s\n' "$INPUT_CONFIG" >"$place/config.toml"
    export SMSCLI_CONFIG=$place/config.toml
fi
unset INPUT_JOURNAL_PASSWORD INPUT_CONFIG

options=(send --text-file - --output plain)
option() { [ -z "$2" ] || options+=("$1=$2"); }
option --profile "${INPUT_PROFILE:-}"
option --key "${INPUT_KEY:-}"
option --once "${INPUT_ONCE:-}"
option --retry-for "${INPUT_RETRY_FOR:-}"
option --fit "${INPUT_PARTS:-}"
IFS=$', \n\r\t' read -r -d '' -a profiles <<<"${INPUT_FALLBACK:-}" || true
for profile in ${profiles[@]+"${profiles[@]}"}; do option --fallback "$profile"; done
if [ -n "${INPUT_TO:-}" ]; then
    printf '%s\n' "$INPUT_TO" >"$place/recipients"
    options+=("--to=@$place/recipients")
fi
text=${INPUT_TEXT:-}
[ -n "$text" ] || text="${GITHUB_REPOSITORY:-a repository}: ${GITHUB_WORKFLOW:-a workflow} failed on ${GITHUB_REF_NAME:-a branch}
${GITHUB_SERVER_URL:-https://github.com}/${GITHUB_REPOSITORY:-}/actions/runs/${GITHUB_RUN_ID:-}"

status=0
printf '%s' "$text" | "$SMSCLI_PROGRAM" "${options[@]}" >"$place/lines" 2>"$place/notes" || status=$?

# A log is read by many: numbers are masked, as they were given and as they were understood, and nothing that comes from
# outside is taken for a command of the runner's.
{ printf '%s\n' "${INPUT_TO:-}" | tr ',' '\n'; cut -f 1 "$place/lines"; } | while IFS= read -r number; do
    number=${number//[^0-9+() -]/}
    [ "${#number}" -lt 6 ] || printf '::add-mask::%s\n' "$number"
done
mark=smscli-$RANDOM$RANDOM$RANDOM$RANDOM
printf '::stop-commands::%s\n' "$mark"
cat "$place/notes"
cut -f 1,2 "$place/lines"
printf '::%s::\n' "$mark"
[ -z "${GITHUB_OUTPUT:-}" ] || printf 'exit-code=%s\n' "$status" >>"$GITHUB_OUTPUT"
exit "$status"
