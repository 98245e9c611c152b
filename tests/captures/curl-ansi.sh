curl https://sms.example/api/send --data-raw $'login=a&text=\u0436\x41\t\'q\'\\\e\cA'
