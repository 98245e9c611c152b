curl 'https://sms.example/api/send?text=[1-3]'
