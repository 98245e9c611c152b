fetch(`https://sms.example/api/send`, {method: 'POST', body: 'login=a&text=b'})
