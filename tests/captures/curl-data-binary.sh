curl --data-binary 'login=a&text=100%&x=' https://sms.example/api/send
