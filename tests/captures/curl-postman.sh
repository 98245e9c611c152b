curl --location 'https://sms.example/api/send' \
--header 'Content-Type: application/x-www-form-urlencoded' \
--data-urlencode 'login=a' \
--data-urlencode 'text=x & y'
