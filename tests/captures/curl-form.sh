curl https://sms.example/api/send -F login=a -F 'text=x; y' -F 'c="x;y"' -F 'd=x;type=text/plain' --form-string 'e=@x;y' -F ' f = g '
