wget -qO- --method=PUT --body-data=login=a --tries=1 -T 5 https://sms.example/api/send
