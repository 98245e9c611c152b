curl ^"https://sms.example/api/send?a=^%^22q^%^22^" ^
  -H ^"accept: */*^" ^
  -H ^"content-type: application/x-www-form-urlencoded^" ^
  --data-raw ^"login=a^&text=say ^\^"hi^\^" ^& ^<b^>^|^%^PATH^%^^^"
