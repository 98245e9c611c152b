curl https://sms.example/api/send -d login=a --next 'https://sms.example/api/send?b=2' -:s https://sms.example/api/send -F c=3
