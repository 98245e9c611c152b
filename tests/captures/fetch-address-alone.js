fetch('https://sms.example/api/send?login=a&text=b').then(r => r.json())
