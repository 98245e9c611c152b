wget -q -O - --post-data 'login=a' --header 'X-A: b' https://sms.example/api/send
