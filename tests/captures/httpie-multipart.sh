http --ignore-stdin --multipart https://sms.example/api/send login=a 'text=x; y'
