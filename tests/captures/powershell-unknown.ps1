Invoke-WebRequest -Uri "https://sms.example/api/send?login=a&t=$env:T"
