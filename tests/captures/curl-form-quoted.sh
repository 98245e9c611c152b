curl https://sms.example/api/send -F 'text="say \"hi\" \\ now"' -F login=a
