curl -sS https://sms.example/api/send -d @- <<< 'login=a'
