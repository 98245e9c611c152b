curl -s 'https://sms.example/api/send?login=a&text=b' 2>/dev/null | tr a-z A-Z > /dev/null && echo done || exit 1
