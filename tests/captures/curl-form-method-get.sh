curl -X GET https://sms.example/api/send -F project=a -F message=b
