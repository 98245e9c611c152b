curl --request POST \
  --url https://sms.example/api/send \
  --header 'Content-Type: application/x-www-form-urlencoded' \
  --data login=a \
  --data 'text=x y'
