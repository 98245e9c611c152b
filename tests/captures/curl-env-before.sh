LC_ALL=C env A=b timeout 5 curl -sS 'https://sms.example/api/send?login=a'
