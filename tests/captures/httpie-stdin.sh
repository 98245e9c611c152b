http -f POST https://sms.example/api/send 'content-type: application/x-www-form-urlencoded' <<< 'login=a'
