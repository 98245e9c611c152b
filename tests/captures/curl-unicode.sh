curl 'https://sms.example/api/send?text=žąsis' -d 'login=Привет'
