curl 'https://sms.example/api/send?text=a%2520b&login=a'
