curl https://sms.example/api/send -d 'login=a&text=x%20y%2Bz&signature=0f'
