http --ignore-stdin -f --raw 'login=a&text=b' https://sms.example/api/send
