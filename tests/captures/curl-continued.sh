curl -X POST \
  https://sms.example/api/send \
  -H 'Content-Type: application/x-www-form-urlencoded' \
  -d 'login=a' \
  -d text=b
