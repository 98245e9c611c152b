curl ^"https://sms.example/api/send^" ^
  -H ^"accept: */*^" ^
  -H ^"content-type: multipart/form-data; boundary=----B^" ^
  --data-raw ^"------B^

Content-Disposition: form-data; name=^\^"login^\^"^

^

a^

------B^

Content-Disposition: form-data; name=^\^"text^\^"^

^

x ^& y^

------B--^

^"
