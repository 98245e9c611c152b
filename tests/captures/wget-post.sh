wget --quiet --output-document=- --post-data='login=a&text=x y+é' https://sms.example/api/send
