#!/bin/sh
# sends one
set -e
HOST=https://sms.example
TEXT='x y & z' LOGIN="a"
export SIGN=0f # the signature

curl -sS "$HOST/api/send" --data-urlencode "text=$TEXT" -d "login=${LOGIN}&sign=$SIGN" -d n=${COUNT:-1}
