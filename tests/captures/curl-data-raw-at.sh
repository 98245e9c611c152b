curl https://sms.example/api/send --data-raw '@login=a&text=@b'
