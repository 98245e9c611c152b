wget --post-file=body.txt 'https://sms.example/api/send?login=a'
