curl -H 'content-type: application/x-www-form-urlencoded' -X POST https://sms.example/api/send -d 'login=a&text=b'
