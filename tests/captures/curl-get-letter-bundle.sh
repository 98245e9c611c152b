curl -sSGk https://sms.example/api/send -d login=a
