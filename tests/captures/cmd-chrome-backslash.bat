curl ^"https://sms.example/api/send^" ^
  -H ^"accept: */*^" ^
  -H ^"content-type: application/x-www-form-urlencoded^" ^
  --data-raw ^"login=a^&path=C:^\^\temp^\^\x^"
