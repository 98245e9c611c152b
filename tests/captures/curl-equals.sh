curl https://sms.example/api/send --data='login=a&text=b'
