curl https://sms.example/api/send --data-raw $'login=a&text=\xcf\xf0\xe8'
