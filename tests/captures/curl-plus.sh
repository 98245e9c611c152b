curl 'https://sms.example/api/send?text=1+1&phone=+37061234567'
