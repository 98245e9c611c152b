curl --location --request POST 'https://sms.example/api/send' \
--form 'login="a"' \
--form 'text="x; y"'
