rem sends one
curl -X POST https://sms.example/api/send ^
 -d login=a ^
 -d text=b > out.txt
