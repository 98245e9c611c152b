#!/usr/bin/env bash
# Programs that sign wrongly, as people write them with bash, openssl and coreutils. One JSON object a line: see generate.py.
set -u
L=your_api_key_here M=07349e954831d J=mySecret

json() { local s=${1//\\/\\\\}; s=${s//\"/\\\"}; s=${s//$'\n'/\\n}; s=${s//$'\r'/\\r}; s=${s//$'\t'/\\t}; printf '"%s"' "$s"; }
tell() { # name vendor signature NAME=VALUE…  (KEY in the environment, if another)
    local name=$1 vendor=$2 signature=$3 pairs='' pair; shift 3
    for pair; do pairs+=${pairs:+, }"[$(json "${pair%%=*}"), $(json "${pair#*=}")]"; done
    printf '{"name": "%s", "vendor": "%s", "line": %s, "params": [%s], "signature": %s%s}\n' \
        "$name" "$vendor" "${BASH_LINENO[0]}" "$pairs" "$(json "$signature")" "${KEY:+, \"key\": $(json "$KEY")}"
}
hex() { cut -d' ' -f1; }
md5() { printf %s "$1" | md5sum | hex; }
sha1() { printf %s "$1" | sha1sum | hex; }

login=YourLogin timestamp=1732809600 phone=37061234567 sender='My Shop' text='disk full on db1' return=json
light=(login="$login" timestamp="$timestamp" phone="$phone" sender="$sender" text="$text" return="$return")
joined=$login$phone$return$sender$text$timestamp
message='Привет' project=mainsms recipients=89121231234
main=(project="$project" message="$message" recipients="$recipients")
values="$message;$project;$recipients"
turk=(appId=1 msisdn=5321000000 'message=Günaydın' recipient=5322000000 rand=1331024400)
glued=15321000000Günaydın53220000001331024400
right() { tell '' "$@"; }

# correct programs
right lightsms "$(md5 "$joined$L")" "${light[@]}"
right payforsms "$(md5 "$(sha1 "$values;$M")")" "${main[@]}"
right mesajlarim "$(printf %s "$glued" | openssl dgst -sha1 -hmac "$J" | sed 's/.* //')" "${turk[@]}"

# echo and what tools print
tell key-misspelled lightsms "$(echo "$joined$L" | md5sum | hex)" "${light[@]}"
tell key-misspelled payforsms "$(printf %s "$(echo "$values;$M" | sha1sum | hex)" | md5sum | hex)" "${main[@]}"
tell wrong-between payforsms "$(printf %s "$values;$M" | sha1sum | hex | md5sum | hex)" "${main[@]}"
tell wrong-between payforsms "$(printf %s "$values;$M" | sha1sum | md5sum | hex)" "${main[@]}"
tell wrong-between payforsms "$(printf %s "$(printf %s "$values;$M" | sha1sum)" | md5sum | hex)" "${main[@]}"
tell wrong-between payforsms "$(printf %s "$values;$M" | openssl dgst -sha1 | openssl dgst -md5 -r | hex)" "${main[@]}"
tell wrong-between payforsms "$(printf %s "$(printf %s "$values;$M" | openssl dgst -sha1)" | md5sum | hex)" "${main[@]}"
tell wrong-between payforsms "$(printf %s "$values;$M" | openssl dgst -sha1 -binary | openssl dgst -md5 -r | hex)" "${main[@]}"
tell wrong-between payforsms "$(printf %s "$values;$M" | openssl dgst -sha1 -binary | base64 | md5sum | hex)" "${main[@]}"
tell wrong-between payforsms "$(printf %s "$values;$M" | openssl dgst -sha1 -r | md5sum | hex)" "${main[@]}"
tell key-misspelled+wrong-between payforsms "$(echo "$values;$M" | sha1sum | hex | md5sum | hex)" "${main[@]}"
tell key-misspelled+wrong-between payforsms "$(echo "$values;$M" | sha1sum | md5sum | hex)" "${main[@]}"
tell padded mesajlarim "$(echo "$glued" | openssl dgst -sha1 -hmac "$J" -r | hex)" "${turk[@]}"
tell base64 mesajlarim "$(printf %s "$glued" | openssl dgst -sha1 -hmac "$J" -binary | base64)" "${turk[@]}"
tell base64 lightsms "$(printf %s "$joined$L" | openssl dgst -md5 -binary | openssl base64)" "${light[@]}"
tell base64-of-hex lightsms "$(printf %s "$(md5 "$joined$L")" | base64)" "${light[@]}"
tell truncated lightsms "$(md5 "$joined$L" | cut -c1-20)" "${light[@]}"
tell upper-case lightsms "$(md5 "$joined$L" | tr a-f A-F)" "${light[@]}"
tell punctuated lightsms "$(md5 "$joined$L" | sed 's/../&:/g; s/:$//')" "${light[@]}"
tell hmac-swapped mesajlarim "$(printf %s "$J" | openssl dgst -sha1 -hmac "$glued" -r | hex)" "${turk[@]}"
tell wrong-digest mesajlarim "$(printf %s "$glued" | openssl dgst -sha256 -hmac "$J" -r | hex)" "${turk[@]}"
tell hash-for-hmac mesajlarim "$(sha1 "$glued$J")" "${turk[@]}"

# what a shell does to values
quoted='a   b  c'
tell trimmed lightsms "$(md5 "$login$phone$return$sender$(echo $quoted)$timestamp$L")" "${light[@]/text=*/text=$quoted}"
tell line-ends lightsms "$(md5 "$login$phone$return$sender"'line\nline'"$timestamp$L")" "${light[@]/text=*/text=line$'\n'line}"
tell line-ends lightsms "$(md5 "$login$phone$return$sender"'line line'"$timestamp$L")" "${light[@]/text=*/text=line$'\n'line}"
lines=$'one\ntwo\n'
tell trimmed lightsms "$(md5 "$login$phone$return$sender$(printf %s "$lines")$timestamp$L")" "${light[@]/text=*/text=$lines}"
tell percent-encoded lightsms "$(md5 "$login$phone$return${sender// /+}${text// /+}$timestamp$L")" "${light[@]}"
tell percent-encoded lightsms "$(md5 "$login$phone$return${sender// /%20}${text// /%20}$timestamp$L")" "${light[@]}"
tell quoted lightsms "$(md5 "$login$phone$return$sender'$text'$timestamp$L")" "${light[@]}"
tell quoted lightsms "$(md5 "$login$phone$return$sender\"$text\"$timestamp$L")" "${light[@]}"
tell backslashed lightsms "$(md5 "$login$phone$return$sender$(printf %q "$text")$timestamp$L")" "${light[@]}"
tell stamp-unit lightsms "$(md5 "$login$phone$return$sender$text${timestamp}123$L")" "${light[@]}"
tell stamp-unit lightsms "$(md5 "$login$phone$return$sender$text$timestamp.42$L")" "${light[@]}"
tell stamp-format lightsms "$(md5 "$login$phone$return$sender$text$(date -u -d @$timestamp)$L")" "${light[@]}"
tell stamp-format lightsms "$(md5 "$login$phone$return$sender$text$(date -u -d @$timestamp -Is)$L")" "${light[@]}"
tell stamp-local-time lightsms "$(md5 "$login$phone$return$sender$text$((timestamp + 10800))$L")" "${light[@]}"
tell stamp-differs lightsms "$(md5 "$login$phone$return$sender$text$((timestamp + 1))$L")" "${light[@]}"
tell number-format lightsms "$(md5 "$login+$phone$return$sender$text$timestamp$L")" "${light[@]}"
tell number-printed lightsms "$(md5 "$login$(awk "BEGIN { print $phone * 1.0 / 1 }" | LC_ALL=C awk '{printf "%.5E", $1}')$return$sender$text$timestamp$L")" "${light[@]}"
tell number-printed lightsms "$(md5 "$login$(LC_ALL=C printf %.0f.0 $phone)$return$sender$text$timestamp$L")" "${light[@]}"
tell forgotten lightsms "$(md5 "$login$phone$sender$text$timestamp$L")" "${light[@]}"
tell empty-kept payforsms "$(md5 "$(sha1 "$message;$project;$recipients;;$M")")" "${main[@]}"

# the key
printf '%s\r\n' "$L" > "${TMPDIR:-/tmp}/smscli-key.$$"
tell key-misspelled lightsms "$(md5 "$joined$(cat "${TMPDIR:-/tmp}/smscli-key.$$")")" "${light[@]}"
tell key-misspelled lightsms "$( (printf %s "$joined"; cat "${TMPDIR:-/tmp}/smscli-key.$$") | md5sum | hex)" "${light[@]}"
rm "${TMPDIR:-/tmp}/smscli-key.$$"
tell key-misspelled lightsms "$( (printf %s "$joined"; echo "$L") | md5sum | hex)" "${light[@]}"
unset word
KEY='pa$word' tell key-misspelled lightsms "$(md5 "${joined}pa${word-}")" "${light[@]}"
KEY='half#rest' tell key-misspelled lightsms "$(md5 "${joined}half")" "${light[@]}"
KEY='back\slash' tell key-misspelled lightsms "$(md5 "${joined}$(read -r word <<< 'back\slash'; read word <<< 'back\slash'; echo "$word")")" "${light[@]}"
tell key-missing lightsms "$(md5 "$joined${SMS_KEY-}")" "${light[@]}"
tell key-misspelled lightsms "$(md5 "$joined\"$L\"")" "${light[@]}"
tell key-misspelled lightsms "$(md5 "$joined'$L'")" "${light[@]}"
tell key-misspelled lightsms "$(md5 "$joined$(printf %s "$L" | base64)")" "${light[@]}"
tell key-placed lightsms "$(md5 "$L$joined")" "${light[@]}"
tell key-between payforsms "$(md5 "$(sha1 "$values")$M")" "${main[@]}"
tell charset payforsms "$(printf %s "$values;$M" | iconv -t CP1251 | sha1sum | hex | tr -d '\n' | md5sum | hex)" "${main[@]}"
tell charset payforsms "$(printf %s "$values;$M" | iconv -t KOI8-R | sha1sum | hex | tr -d '\n' | md5sum | hex)" "${main[@]}"
tell charset payforsms "$(printf %s "$values;$M" | iconv -t UTF-16LE | sha1sum | hex | tr -d '\n' | md5sum | hex)" "${main[@]}"
