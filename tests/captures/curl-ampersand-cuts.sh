curl -sS https://sms.example/api/send?login=a&text=b
wait
