bash -c "curl -s 'https://sms.example/api/send?login=a&text=x+y%2Bz&signature=0f'"
