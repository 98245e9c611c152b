curl -g 'https://sms.example/api/send?recipient[]=1&recipient[]=2'
