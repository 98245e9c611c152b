curl --path-as-is -i -s -k -X $'POST' \
    -H $'Host: sms.example' -H $'Content-Type: application/x-www-form-urlencoded' -H $'Content-Length: 11' \
    -b $'a=b' \
    --data-binary $'login=a\x26b=c' \
    $'https://sms.example/api/send?x=1'
