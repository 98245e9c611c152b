http --ignore-stdin --form POST https://sms.example/api/send login=a 'text=x y/+é~' 'b\=c=d'
