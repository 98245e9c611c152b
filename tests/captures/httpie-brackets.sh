http --ignore-stdin get 'https://sms.example/api/send?recipient[]=1&recipient[]=2' 'text==a;b'
