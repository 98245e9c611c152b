curl -G https://sms.example/api/send -d login=a --data-urlencode 'text=Labas, žmogau! 50% + 1'
