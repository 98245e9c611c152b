curl https://sms.example/api/send --url-query 'text=b c/+é' --url-query '+sign=y%20z' --url-query login=a
