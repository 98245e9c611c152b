curl --variable login=a --expand-data 'login={{login}}&text=b' https://sms.example/api/send
