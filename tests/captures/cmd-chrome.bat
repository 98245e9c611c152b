curl ^"https://sms.example/api/send?action=send^&x=1^" ^
  -H ^"accept: */*^" ^
  -H ^"content-type: application/x-www-form-urlencoded^" ^
  --data-raw ^"login=a^&text=Hello^%^2C+^%^5Eworld^%^21^&signature=0f^"
