curl -T body.txt 'https://sms.example/api/send?login=a'
