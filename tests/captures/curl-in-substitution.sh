answer=$(curl -sS 'https://sms.example/api/send?login=a')
echo "$answer"
