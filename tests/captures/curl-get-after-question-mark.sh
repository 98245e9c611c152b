curl -G 'https://sms.example/api/send?' -d login=a
