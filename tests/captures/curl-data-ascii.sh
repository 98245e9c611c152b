curl https://sms.example/api/send --data-ascii 'login=a&text=b c'
