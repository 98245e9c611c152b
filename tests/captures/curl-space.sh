curl 'https://sms.example/api/send?text=a b'
