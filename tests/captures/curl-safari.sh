curl 'https://sms.example/api/send' \
-X 'POST' \
-H 'Content-Type: application/x-www-form-urlencoded' \
--data 'login=a&text=x%20y'
