curl https://sms.example/api/send -d @body.txt -d login=a
