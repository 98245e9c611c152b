curl https://sms.example/api/send -d 'text=it'"'"'s' -d "a"'='1
