if curl -fsS 'https://sms.example/api/send?login=a'; then echo ok; fi
