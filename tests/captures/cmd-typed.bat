C:\Users\a> curl "https://sms.example/api/send?login=a&text=b" -d "x=\"1\"" & pause
