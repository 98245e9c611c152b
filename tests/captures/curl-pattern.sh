curl -g 'https://sms.example/api/send?text={name}'
