curl https://sms.example/api/send -d a=1 -d a=2
