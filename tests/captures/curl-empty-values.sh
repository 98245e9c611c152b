curl https://sms.example/api/send -d 'a=&b&c=1'
