curl -g 'https://sms.example/api/send' -d 'recipient[0]=1&recipient[1]=2&recipient[]=3'
