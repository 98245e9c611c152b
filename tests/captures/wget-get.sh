wget -qO- 'https://sms.example/api/send?login=a&text=b c&u=é"<>'
