echo "login=a&text=x+y%2Bz&signature=0f" | curl -d @- https://sms.example/api/send
