curl -I 'https://sms.example/api/send?login=a'
