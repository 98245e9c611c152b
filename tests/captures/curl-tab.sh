curl	-s	https://sms.example/api/send	-d	login=a
