curl 'https://sms.example/api/send?login=a' \
  -H 'accept: */*' ;
curl 'https://sms.example/api/send' \
  -H 'accept: */*' \
  --data-raw 'login=b'
