curl -XPOST -HX-A:1 -o/dev/null -uuser:pass -m5 https://sms.example/api/send -dlogin=a
