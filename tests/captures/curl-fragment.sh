curl 'https://sms.example/api/send?text=number#1&login=a'
