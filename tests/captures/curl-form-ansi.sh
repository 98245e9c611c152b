curl https://sms.example/api/send -F text=$'one\ntwo \u0416 \xd0\xb6 \'q\' \101' -F login=a
