http -f https://sms.example/api/send login=a text=@text.txt
