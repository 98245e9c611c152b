for i in 1; do curl -sS 'https://sms.example/api/send?login=a'; done
