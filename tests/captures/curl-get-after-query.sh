curl -G 'https://sms.example/api/send?action=send' -d login=a
