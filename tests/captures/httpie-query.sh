http --ignore-stdin https://sms.example/api/send login==a 'text==x y/+é' X-A:1
