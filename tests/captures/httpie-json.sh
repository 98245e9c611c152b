http --ignore-stdin https://sms.example/api/send login=a n:=2 t:=true
