http --ignore-stdin -f https://sms.example/api/send login=a
