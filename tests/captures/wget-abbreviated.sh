wget -q --post-d=login=a --output-doc=- https://sms.example/api/send
