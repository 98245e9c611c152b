curl https://sms.example/api/send -d "login=a&text=$TEXT" -d "t=$(date +%s)"
