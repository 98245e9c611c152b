curl -sS https://sms.example/api/send -d login=a -dtext=x+y --data signature=0f
