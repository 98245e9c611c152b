curl 'https://sms.example/api/send?q=1' --url-query login=a -d text=b
